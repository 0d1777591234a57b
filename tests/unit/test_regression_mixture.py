"""The mixture of regressions: one component is least squares, units and shifts change nothing, faults are named."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import emlib
from emlib.algorithms import EM
from emlib.models import RegressionMixture
from tests.tolerances import CONTROL, REORDERED, SAME_OPTIMUM, TWO_CODES

MODEL = RegressionMixture(2, 2)
TRUTH = MODEL.params(weights=[0.4, 0.6], coefficients=[[0.0, 2.0], [1.0, -1.0]], noise_variance=[0.5, 0.2])


def _data(n: int = 120) -> tuple[np.ndarray, np.ndarray]:
    """A column of ones, a column of numbers, and responses on two lines."""
    rng = np.random.default_rng(5)
    design = np.column_stack([np.ones(n), rng.standard_normal(n)])
    return MODEL.sample(TRUTH, n, rng, design)


DESIGN, RESPONSE = _data()
FIT = emlib.fit(MODEL, (DESIGN, RESPONSE), rng=0, tol=1e-12)


def test_one_component_is_weighted_least_squares() -> None:
    weights = 1 + np.arange(len(RESPONSE)) % 3
    found = emlib.fit(RegressionMixture(1, 2), (DESIGN, RESPONSE), sample_weight=weights, rng=0, tol=1e-14).params
    root = np.sqrt(weights)
    slopes = np.linalg.lstsq(root[:, None] * DESIGN, root * RESPONSE)[0]
    assert np.abs(found.coefficients[0] - slopes).max() < TWO_CODES
    left = (RESPONSE - DESIGN @ slopes) ** 2
    assert found.noise_variance[0] == pytest.approx(weights @ left / weights.sum(), rel=TWO_CODES)
    assert np.abs(found.noise_variance[0] - left.mean()) > CONTROL  # the twin without weights


def test_no_intercept_is_added() -> None:
    without = emlib.fit(RegressionMixture(1, 1), (DESIGN[:, 1:], RESPONSE + 5), rng=0).params
    assert without.coefficients.shape == (1, 1)
    assert without.coefficients[0, 0] == pytest.approx(DESIGN[:, 1] @ (RESPONSE + 5) / (DESIGN[:, 1] @ DESIGN[:, 1]))


@pytest.mark.parametrize("of_x", [1e-8, 1e8])
@pytest.mark.parametrize("of_y", [1e-8, 1e8])
def test_units_change_nothing(of_x: float, of_y: float) -> None:
    there = emlib.fit(MODEL, (DESIGN * of_x, RESPONSE * of_y), rng=0, tol=1e-12)
    assert FIT.success
    assert there.success
    assert there.loglik + len(RESPONSE) * np.log(of_y) == pytest.approx(FIT.loglik, abs=SAME_OPTIMUM)
    np.testing.assert_allclose(there.params.coefficients * of_x / of_y, FIT.params.coefficients, rtol=SAME_OPTIMUM)
    np.testing.assert_allclose(there.params.noise_variance / of_y**2, FIT.params.noise_variance, rtol=SAME_OPTIMUM)


def test_shifts_change_the_intercept_only() -> None:
    moved = DESIGN + np.array([0.0, 1e6])
    there = emlib.fit(MODEL, (moved, RESPONSE + 1e6), rng=0, tol=1e-12)
    assert there.loglik == pytest.approx(FIT.loglik, abs=SAME_OPTIMUM)
    np.testing.assert_allclose(there.params.coefficients[:, 1], FIT.params.coefficients[:, 1], rtol=SAME_OPTIMUM)
    without = emlib.fit(RegressionMixture(2, 1), (moved[:, 1:], RESPONSE + 1e6), rng=0)  # no column of ones
    assert abs(without.loglik - FIT.loglik) > 1


def test_simulated_units_come_from_the_model() -> None:
    design, response = MODEL.sample(TRUTH, 40_000, np.random.default_rng(0))
    slopes = np.linalg.lstsq(design, response)[0]
    assert np.abs(slopes - TRUTH.weights @ TRUTH.coefficients).max() < 0.05  # five standard errors, sd 2 / sqrt(n)
    assert np.abs(slopes - TRUTH.coefficients[0]).min() > 0.5
    again = MODEL.sample(TRUTH, 3, np.random.default_rng(1), DESIGN[:3])[0]
    assert np.array_equal(again, DESIGN[:3])


def test_predictions() -> None:
    shares = MODEL.posterior(FIT.params, (DESIGN, RESPONSE))
    assert np.array_equal(MODEL.predict(FIT.params, (DESIGN, RESPONSE)), shares.argmax(axis=1))
    one = MODEL.posterior(FIT.params, (DESIGN[:1], RESPONSE[:1]))  # too few for a fit
    assert np.abs(one - shares[:1]).max() < REORDERED
    expected = sum(w * DESIGN @ b for w, b in zip(FIT.params.weights, FIT.params.coefficients, strict=True))
    assert np.abs(MODEL.predict_response(FIT.params, DESIGN) - expected).max() < REORDERED


def test_a_component_that_fits_its_units_exactly_is_named() -> None:
    """A start on the line through two units, with so little noise that no third one belongs to it."""
    line = np.linalg.solve(DESIGN[:2], RESPONSE[:2])
    start = {"weights": [0.5, 0.5], "coefficients": [line, [0.0, 0.0]], "noise_variance": [1e-9, 1.0]}
    found = emlib.fit(MODEL, (DESIGN, RESPONSE), start=start, algorithm=EM())
    assert found.status is emlib.Status.DEGENERATE
    assert "noise_variance: component 0 has collapsed, its noise variance is" in found.message
    assert found.params.noise_variance.min() > 0


def test_a_component_without_an_estimate_is_named() -> None:
    data = MODEL.as_data((DESIGN, RESPONSE))
    only = np.zeros((len(RESPONSE), 2))
    only[:, 1] = 1.0
    stats, _ = MODEL.expectation_under(only, TRUTH, data)
    fault = MODEL.degenerate(MODEL.m_step(stats), data)
    assert str(fault).startswith("coefficients: component 0 has no estimate, fewer units than coefficients belong to")
    assert MODEL.degenerate(TRUTH, data) is None


def test_equal_components_are_nudged_apart() -> None:
    start = {"weights": [0.5, 0.5], "coefficients": np.zeros((2, 2)), "noise_variance": [1.0, 1.0]}
    found = emlib.fit(MODEL, (DESIGN, RESPONSE), start=start, rng=0)
    assert "components 0 and 1 started equal" in found.message
    assert found.loglik == pytest.approx(FIT.loglik, abs=SAME_OPTIMUM)
    assert MODEL.separate(TRUTH, MODEL.as_data((DESIGN, RESPONSE)), np.random.default_rng(0)) is None


def test_known_noise_is_held() -> None:
    held = RegressionMixture(2, 2, fixed={"noise_variance": [0.2, 0.2]})
    found = emlib.fit(held, (DESIGN, RESPONSE), rng=0)
    assert found.success
    assert found.params.noise_variance.tolist() == [0.2, 0.2]
    assert found.loglik < FIT.loglik - CONTROL


DATA = [
    ([DESIGN, RESPONSE], r"data: list found; give the tuple \(X, y\), X of shape \(n, 2\)"),
    ((DESIGN, RESPONSE, RESPONSE), r"data: tuple found; give the tuple \(X, y\)"),
    (DESIGN, r"data: ndarray found; give the tuple"),
    ((DESIGN[:, :1], RESPONSE), "X: 1 column found, the model has n_features=2"),
    ((DESIGN, RESPONSE[:-1]), "y: 119 entries found, X has 120 rows; give one response a row"),
    ((DESIGN, RESPONSE[:, None]), r"y: shape \(120, 1\) found; a flat array of responses \(n,\) is needed"),
    ((DESIGN, np.where(np.arange(120) == 7, np.nan, RESPONSE)), r"y: entry \[7\] is nan; remove or impute it"),
    ((np.where(DESIGN > 2, np.inf, DESIGN), RESPONSE), r"X: entry \[\d+, 1\] is inf; remove or impute it"),
    ((DESIGN, ["a"] * 120), r"y: cannot be read as numbers \(text\)"),
    ((np.empty((0, 2)), []), "X: empty"),
    ((DESIGN[:2], RESPONSE[:2]), "data: 2 units found, fewer than the 3 that a regression"),
    ((DESIGN[:, [1, 1]], RESPONSE), r"X: the columns are linearly dependent .*drop a column or give more rows"),
    ((DESIGN * [1, 0], RESPONSE), "X: column 1 is zero in every row, .*; its coefficient has no estimate, drop it"),
    ((DESIGN, DESIGN @ [1e6, 3.0]), "y: an exact linear function of the columns of X; the noise variance has no"),
]


@pytest.mark.parametrize(("raw", "text"), DATA)
def test_bad_data_are_refused(raw: Any, text: str) -> None:
    for call in (lambda: MODEL.as_data(raw), lambda: emlib.fit(MODEL, raw, rng=0)):
        with pytest.raises(ValueError, match=text):
            call()


def test_good_data_of_other_kinds_are_read() -> None:
    """The control: lists in the tuple, whole numbers, Fortran order, read-only arrays."""
    whole = np.asfortranarray(np.round(DESIGN * 10)).astype(int)
    whole.setflags(write=False)
    assert len(MODEL.as_data((whole, RESPONSE.tolist()))) == 120
    with pytest.raises(ValueError, match="n_features: 0 found; a positive integer is needed"):
        RegressionMixture(2, 0)
