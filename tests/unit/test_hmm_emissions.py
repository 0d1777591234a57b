"""Hidden Markov models with counts and with normal observations: fits, draws, equal and collapsed states."""

from __future__ import annotations

import numpy as np
import pytest

import emlib
from emlib.models import GaussianHMM, PoissonHMM
from tests.tolerances import FOUR_DECIMALS, IDENTITY, RESCALED, SAME_OPTIMUM

COUNTS = PoissonHMM(2)
BUSY = COUNTS.params(initial=[0.5, 0.5], transition=[[0.9, 0.1], [0.2, 0.8]], rates=[2.0, 9.0])


def test_counts_are_drawn_decoded_and_fitted() -> None:
    units = COUNTS.sample(BUSY, [50] * 20, np.random.default_rng(10))
    result = emlib.fit(COUNTS, units, rng=0)
    assert result.success, result.message
    assert sorted(result.params.rates) == pytest.approx([2.0, 9.0], rel=0.1)
    path, _ = COUNTS.viterbi(BUSY, np.array([1, 2, 9, 11, 0, 1]))
    assert path.tolist() == [0, 0, 1, 1, 0, 0]


def test_equal_rates_are_nudged_apart() -> None:
    """Equal rates are a saddle whatever the chain does: EM alone would stay there."""
    units = COUNTS.sample(BUSY, [50] * 5, np.random.default_rng(11))
    start = {"initial": [0.5, 0.5], "transition": [[0.9, 0.1], [0.1, 0.9]], "rates": [4.0, 4.0]}
    result = emlib.fit(COUNTS, units, start=start, rng=0)
    assert result.success, result.message
    assert "states 0 and 1 started equal" in result.message
    stuck = COUNTS.m_step(COUNTS.e_step(COUNTS.params(**start), COUNTS.as_data(units)).stats)
    assert np.ptp(stuck.rates) < IDENTITY * stuck.rates.max() < np.ptp(result.params.rates)


NORMALS = GaussianHMM(2, 2)
PLACES = NORMALS.params(initial=[0.5, 0.5], transition=[[0.9, 0.1], [0.2, 0.8]], means=[[0.0, 0.0], [4.0, 1.0]],
                        covariances=[np.eye(2), [[2.0, 0.5], [0.5, 1.0]]])
ROWS = NORMALS.sample(PLACES, [60] * 6, np.random.default_rng(12))


@pytest.mark.parametrize(("kind", "scale", "shift", "tolerance"), [
    ("full", 1e8, 0.0, RESCALED), ("diag", 1e-8, 0.0, RESCALED),
    ("diag", 1.0, 1e6, FOUR_DECIMALS),  # other roundings, other steps: each run leaves some 1e-4 standard errors
])
def test_a_fit_does_not_care_about_units(kind: str, scale: float, shift: float, tolerance: float) -> None:
    """Rows in other units, or far from zero, give the same chain and the same places."""
    model, tol = GaussianHMM(2, 2, kind), 1e-8 if shift else 1e-12
    here = emlib.fit(model, ROWS, rng=0, tol=tol)
    there = emlib.fit(model, [scale * (rows + shift) for rows in ROWS], rng=0, tol=tol)
    assert here.success, here.message
    assert there.success, there.message
    assert here.params.means[np.argsort(here.params.means[:, 0])] == pytest.approx(PLACES.means, abs=0.5)
    assert there.params.transition == pytest.approx(here.params.transition, abs=tolerance)
    assert there.params.means / scale - shift == pytest.approx(here.params.means, abs=tolerance)
    assert there.loglik + np.size(ROWS) * np.log(scale) == pytest.approx(here.loglik, abs=SAME_OPTIMUM)


def test_a_state_that_collapses_is_named() -> None:
    rows = np.random.default_rng(13).standard_normal(40)
    start = {"initial": [0.5, 0.5], "transition": [[0.9, 0.1], [0.5, 0.5]], "means": [[0.0], [rows[7]]],
             "covariances": [[1.0], [1e-6]]}
    result = emlib.fit(GaussianHMM(2, 1, "diag"), rows, start=start, rng=0)
    assert result.status is emlib.Status.DEGENERATE
    assert "covariances: state 1 has collapsed" in result.message
    assert all(np.isfinite(value).all() for value in vars(result.params).values())


def test_equal_places_are_nudged_apart() -> None:
    start = {"initial": [0.5, 0.5], "transition": [[0.9, 0.1], [0.1, 0.9]], "means": np.ones((2, 2)),
             "covariances": [np.eye(2)] * 2}
    result = emlib.fit(NORMALS, ROWS, start=start, rng=0)
    assert result.success, result.message
    assert "states 0 and 1 started equal" in result.message


def test_draws_have_the_covariances_of_their_states() -> None:
    still = NORMALS.params(initial=[0, 1], transition=np.eye(2), means=PLACES.means, covariances=PLACES.covariances)
    rows = NORMALS.sample(still, 20_000, np.random.default_rng(14))
    assert rows.mean(axis=0) == pytest.approx(PLACES.means[1], abs=0.05)
    assert np.cov(rows.T) == pytest.approx(PLACES.covariances[1], abs=0.08)
    assert NORMALS.predict(PLACES, rows[:100]).mean() > 0.9
