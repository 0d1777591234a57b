"""The mixture of Bernoulli products: boundaries are no collapse, simulated rows fit, faults are named."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import emlib
from emlib import diagnostics as dx
from emlib.algorithms import EM
from emlib.models import BernoulliMixture
from tests.tolerances import BOUNDARY, CONTROL, REORDERED, SAME_OPTIMUM

MODEL = BernoulliMixture(2, 4)
TRUTH = MODEL.params(weights=[0.4, 0.6], probabilities=[[0.8, 0.7, 0.9, 0.6], [0.2, 0.3, 0.1, 0.5]])
ROWS = MODEL.sample(TRUTH, 300, np.random.default_rng(1))
FIT = emlib.fit(MODEL, ROWS, rng=0)


def test_one_component_is_the_means_of_the_columns() -> None:
    found = emlib.fit(BernoulliMixture(1, 4), ROWS, rng=0, tol=1e-14).params
    assert np.abs(found.probabilities[0] - ROWS.mean(axis=0)).max() < SAME_OPTIMUM
    assert np.abs(FIT.params.probabilities[0] - ROWS.mean(axis=0)).max() > CONTROL


def test_tabulated_patterns_say_the_same() -> None:
    patterns, repeats = np.unique(ROWS, axis=0, return_counts=True)
    found = emlib.fit(MODEL, patterns, sample_weight=repeats, start=FIT.params)
    assert found.loglik == pytest.approx(FIT.loglik, rel=REORDERED)
    assert abs(MODEL.e_step(FIT.params, MODEL.as_data(patterns)).loglik - FIT.loglik) > 1  # the weights forgotten


def test_simulated_rows_come_from_the_model() -> None:
    rows = MODEL.sample(TRUTH, 40_000, np.random.default_rng(0))
    assert np.abs(rows.mean(axis=0) - TRUTH.weights @ TRUTH.probabilities).max() < 0.0125  # five standard errors
    together = np.einsum("k,ki,kj->ij", TRUTH.weights, TRUTH.probabilities, TRUTH.probabilities)
    found = rows.T @ rows / len(rows)
    assert np.abs(found - together)[0, 2] < 0.0125
    assert abs(found[0, 2] - rows.mean(axis=0)[0] * rows.mean(axis=0)[2]) > 0.1  # the columns hang together


@pytest.mark.parametrize("algorithm", [None, EM()])
def test_a_probability_of_one_is_a_boundary_and_no_collapse(algorithm: Any) -> None:
    """The first column is always one in one class; the default works in logits, EM in probabilities."""
    rng = np.random.default_rng(3)
    labels = rng.random(200) < 0.5
    rows = (rng.random((200, 4)) < np.where(labels[:, None], [1.0, 0.9, 0.8, 0.9], [0.3, 0.1, 0.2, 0.1])).astype(int)
    found = emlib.fit(MODEL, rows, rng=1, algorithm=algorithm)
    assert found.success, found.message
    first = int(found.params.probabilities[:, 0].argmax())
    assert 1 - found.params.probabilities[first, 0] < BOUNDARY
    chances = np.array(found.params.probabilities)
    assert dx.information(MODEL, rows, MODEL.params(weights=found.params.weights, probabilities=np.where(
        chances > 1 - BOUNDARY, 1.0, chances))).at_boundary == [f"probabilities[{first}, 0]"]


def test_probabilities_of_zero_and_one_in_every_class() -> None:
    """Two patterns only: the M-step itself rounds to 0 and 1, and the fit still ends as a success."""
    rows = np.repeat([[0, 0, 0, 0], [1, 1, 1, 1]], [30, 50], axis=0)
    found = emlib.fit(MODEL, rows, rng=0)
    assert found.success, found.message
    assert found.loglik == pytest.approx(30 * np.log(30 / 80) + 50 * np.log(50 / 80), abs=SAME_OPTIMUM)
    assert np.isfinite(MODEL.space.pack(found.params)).all()


def test_predictions() -> None:
    shares = MODEL.posterior(FIT.params, ROWS)
    assert np.array_equal(MODEL.predict(FIT.params, ROWS), shares.argmax(axis=1))
    by_hand = FIT.params.weights * np.where(ROWS[0] == 1, FIT.params.probabilities,
                                            1 - FIT.params.probabilities).prod(axis=1)
    assert np.abs(shares[0] - by_hand / by_hand.sum()).max() < REORDERED
    assert np.array_equal(MODEL.posterior(FIT.params, ROWS[:1]), shares[:1])  # one row is too few for a fit only
    with pytest.raises(ValueError, match="binary answers are 0 or 1"):
        MODEL.predict(FIT.params, 2 * ROWS[:1] + 1)


def test_equal_and_empty_components() -> None:
    start = {"weights": [0.5, 0.5], "probabilities": np.full((2, 4), 0.5)}
    found = emlib.fit(MODEL, ROWS, start=start, rng=0)
    assert "components 0 and 1 started equal" in found.message
    assert found.loglik == pytest.approx(FIT.loglik, abs=SAME_OPTIMUM)
    data = MODEL.as_data(ROWS)
    assert MODEL.separate(TRUTH, data, np.random.default_rng(0)) is None
    empty = MODEL.space.params_type(np.array([1.0, 0.0]), TRUTH.probabilities)
    assert "component 1 has weight 0" in str(MODEL.degenerate(empty, data))
    assert MODEL.degenerate(TRUTH, data) is None


DATA = [
    (ROWS[:, :3], "data: 3 columns found, the model has n_features=4"),
    (np.where(np.arange(4) == 2, 2, ROWS), r"data: entry \[0, 2\] is 2; binary answers are 0 or 1"),
    (ROWS * 0.5, r"data: entry \[\d+, \d\] is 0.5; binary answers are 0 or 1"),
    (-ROWS, r"data: entry \[\d+, \d\] is -1; binary answers"),
    (np.where(np.arange(4) == 1, np.nan, ROWS), r"data: entry \[0, 1\] is nan; remove or impute it"),
    (np.where(np.arange(4) == 1, 1, ROWS), "data: column 1 is constant; its probability has no interior estimate"),
    (ROWS[:1], "data: 1 unit found, fewer than the 2 components"),
    (np.empty((0, 4)), "data: empty"),
    ([["yes", "no", "no", "yes"]], r"data: cannot be read as numbers \(text\)"),
]


@pytest.mark.parametrize(("raw", "text"), DATA)
def test_bad_data_are_refused(raw: Any, text: str) -> None:
    for call in (lambda: MODEL.as_data(raw), lambda: emlib.fit(MODEL, raw, rng=0)):
        with pytest.raises(ValueError, match=text):
            call()


def test_good_data_of_other_kinds_are_read() -> None:
    """The control: truth values, lists, small integers; and a column that only rows without weight make constant."""
    assert MODEL.as_data(ROWS > 0).n_units == 300
    assert len(MODEL.as_data(ROWS.astype(np.int8).tolist())) == 300
    with pytest.raises(ValueError, match="column 0 is constant"):
        MODEL.as_data(ROWS, ROWS[:, 0])
    with pytest.raises(ValueError, match="n_components: 0 found; a positive integer is needed"):
        BernoulliMixture(0, 4)
