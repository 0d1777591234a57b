"""The t distribution: reweighted least squares, scipy's density, the expanded M-step, outliers, collapse, bad input."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.stats import multivariate_t

import emlib
from emlib.algorithms import EM
from emlib.models import StudentT
from tests.tolerances import CONTROL, FALL, IDENTITY, REORDERED, SAME_OPTIMUM, TWO_CODES

MODEL = StudentT(2, 3)
TRUTH = MODEL.params(location=[1.0, -1.0], scale=[[2.0, 0.5], [0.5, 1.0]])
ROWS = MODEL.sample(TRUTH, 200, np.random.default_rng(1))
READ = MODEL.as_data(ROWS)
FIT = emlib.fit(MODEL, ROWS, rng=0, tol=1e-14)


def test_the_density_is_that_of_scipy() -> None:
    expected = multivariate_t(TRUTH.location, TRUTH.scale, df=3).logpdf(ROWS).sum()
    assert MODEL.e_step(TRUTH, READ).loglik == pytest.approx(expected, rel=TWO_CODES)
    assert abs(multivariate_t(TRUTH.location, TRUTH.scale, df=4).logpdf(ROWS).sum() - expected) > CONTROL


def test_em_is_iteratively_reweighted_least_squares() -> None:
    """Weighted mean and scatter about the new mean, divided by n; about the old mean it is no EM step."""
    residual = ROWS - TRUTH.location
    weights = 5 / (3 + np.einsum("ni,ij,nj->n", residual, np.linalg.inv(TRUTH.scale), residual))
    found = MODEL.m_step(MODEL.e_step(TRUTH, READ).stats)
    mean = weights @ ROWS / weights.sum()
    about = [(weights[:, None] * (ROWS - m)).T @ (ROWS - m) / len(ROWS) for m in (mean, TRUTH.location)]
    assert np.abs(found.location - mean).max() < TWO_CODES
    assert np.abs(found.scale - about[0]).max() < TWO_CODES
    assert np.abs(found.scale - about[1]).max() > CONTROL
    assert np.abs(MODEL.posterior(TRUTH, ROWS) - weights).max() < REORDERED
    assert MODEL.posterior(TRUTH, ROWS[:1]) == pytest.approx(weights[:1], rel=REORDERED)  # too few for a fit only


def test_a_flat_array_is_one_column() -> None:
    flat, column = StudentT(1, 3).as_data(ROWS[:, 0]), StudentT(1, 3).as_data(ROWS[:, :1])
    assert np.array_equal(flat.units, column.units)


def rise(update: Any, params: Any) -> float:
    """What an update adds to the log-likelihood, relative to it."""
    before = MODEL.e_step(params, READ)
    return float((MODEL.e_step(update(before.stats), READ).loglik - before.loglik) / abs(before.loglik))


def too_long(stats: Any) -> Any:
    """The sabotaged twin: n times the sum of weights in the denominator's place, the wrong way round."""
    found, moments = MODEL.m_step(stats), stats["rows"]
    return type(found)(found.location, found.scale * moments.sxx[0, 0, 0] / moments.counts[0])


def test_the_expanded_m_step_raises_the_log_likelihood() -> None:
    rng = np.random.default_rng(0)
    data = READ
    points = [MODEL.space.unpack(MODEL.space.pack(MODEL.start(data, rng)) + rng.standard_normal(5)) for _ in range(20)]
    assert min(rise(MODEL.expanded_m_step, params) for params in points) > -FALL
    assert min(rise(too_long, params) for params in points) < -CONTROL


def test_the_expanded_m_step_rests_where_em_does() -> None:
    stats = MODEL.e_step(FIT.params, READ).stats
    assert stats["rows"].sxx[0, 0, 0] == pytest.approx(len(ROWS), rel=1e-7)  # the weights add up to n there
    for params in (MODEL.m_step(stats), MODEL.expanded_m_step(stats)):
        assert np.abs(params.location - FIT.params.location).max() < SAME_OPTIMUM
        assert np.abs(params.scale - FIT.params.scale).max() < SAME_OPTIMUM
    elsewhere = MODEL.e_step(TRUTH, READ).stats
    assert np.abs(MODEL.m_step(elsewhere).scale - MODEL.expanded_m_step(elsewhere).scale).max() > CONTROL


def test_held_fields_stay_in_the_expanded_m_step() -> None:
    model = StudentT(2, 3, fixed={"scale": np.eye(2)})
    found = emlib.fit(model, ROWS, rng=0)
    assert found.success
    assert np.array_equal(model.expanded_m_step(model.e_step(found.params, READ).stats).scale, np.eye(2))


def test_an_outlier_hardly_counts() -> None:
    rows = np.concatenate([ROWS, [[1e8, -1e8]]])
    found = emlib.fit(MODEL, rows, rng=0)
    assert found.success
    assert np.abs(found.params.location - FIT.params.location).max() < 0.05
    assert MODEL.posterior(found.params, rows)[-1] < 1e-12
    assert np.abs(rows.mean(axis=0) - FIT.params.location).min() > 1e5  # where the mean has gone


@pytest.mark.parametrize(("size", "shift"), [(1e-8, 0.0), (1e8, 0.0), (1.0, 1e6)])
def test_units_and_shifts_change_nothing(size: float, shift: float) -> None:
    there = emlib.fit(MODEL, ROWS * size + shift, rng=0, tol=1e-12)
    assert there.success
    assert there.loglik + ROWS.size * np.log(size) == pytest.approx(FIT.loglik, abs=SAME_OPTIMUM)
    np.testing.assert_allclose((there.params.location - shift) / size, FIT.params.location, rtol=SAME_OPTIMUM)
    np.testing.assert_allclose(there.params.scale / size**2, FIT.params.scale, rtol=SAME_OPTIMUM)


def test_many_equal_rows_collapse_and_are_named() -> None:
    """Cauchy in one dimension: more than half of the rows at one point make the likelihood unbounded."""
    for algorithm in (None, EM()):
        found = emlib.fit(StudentT(1, 1), [1.0] * 6 + [2.0, 3.0, 4.0], rng=0, algorithm=algorithm)
        assert found.status is emlib.Status.DEGENERATE
        assert "scale: collapsed, its smallest variance is" in found.message
    assert emlib.fit(StudentT(1, 1), [1.0] * 4 + [2.0, 3.0, 4.0, 5.0, 6.0, 7.0], rng=0).success
    lost = MODEL.space.params_type(np.full(2, np.nan), np.full((2, 2), np.nan))
    assert MODEL.degenerate(lost, READ) is None


def test_entropy_may_be_negative() -> None:
    """Gamma variables of many degrees of freedom are narrow, and their differential entropy is below zero."""
    narrow = StudentT(2, 100)
    assert narrow.e_step(TRUTH, READ).entropy < 0 < StudentT(2, 1).e_step(TRUTH, READ).entropy
    found = narrow.e_step(TRUTH, READ)
    assert narrow.q_value(TRUTH, found.stats) + found.entropy == pytest.approx(found.loglik, rel=IDENTITY)


def test_simulated_rows_come_from_the_model() -> None:
    rows = MODEL.sample(TRUTH, 20_000, np.random.default_rng(0))
    share = [(multivariate_t(TRUTH.location, TRUTH.scale, df=dof).cdf([1.0, 0.0]), dof) for dof in (3, 30)]
    inside = float((rows <= [1.0, 0.0]).all(axis=1).mean())
    assert inside == pytest.approx(share[0][0], abs=0.018)  # five standard errors
    assert float((np.abs(rows[:, 0] - 1) > 8).mean()) > 0.005  # a normal of the same scale has none so far out


DATA = [
    (ROWS[:, :1], "data: 1 column found, the model has n_features=2"),
    (np.where(ROWS > 3, np.nan, ROWS), r"data: entry \[\d+, \d\] is nan; remove or impute it"),
    (ROWS[:2], "data: 2 units found, fewer than the 3 rows that a scale matrix needs"),
    (ROWS * [1, 0] + 3, "data: column 1 is constant; its scale has no estimate, drop it"),
    (ROWS[:, [0, 0]], r"data: the columns are linearly dependent .*drop a column or give more rows"),
    ([["a", "b"]], r"data: cannot be read as numbers \(text\)"),
    (np.empty((0, 2)), "data: empty"),
]


@pytest.mark.parametrize(("raw", "text"), DATA)
def test_bad_data_are_refused(raw: Any, text: str) -> None:
    for call in (lambda: MODEL.as_data(raw), lambda: emlib.fit(MODEL, raw, rng=0)):
        with pytest.raises(ValueError, match=text):
            call()


@pytest.mark.parametrize("dof", [0, -1.0, float("nan"), float("inf"), [1.0, 2.0], "many"])
def test_bad_settings_are_refused(dof: Any) -> None:
    with pytest.raises(ValueError, match="dof: "):
        StudentT(2, dof)
    with pytest.raises(ValueError, match="n_features: 0 found"):
        StudentT(0, 1.0)
