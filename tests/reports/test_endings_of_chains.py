"""Small chains, whose best probabilities are often zero: no start may raise, and the default ends no lower than EM."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import emlib
from benchmarks import endings
from emlib import Status
from emlib.algorithms import EM, LBFGS
from emlib.models import CategoricalHMM, GaussianHMM, PoissonHMM
from tests import tolerances as tol
from tests.reports import by_hand

MUCH = 0.1  # nats: two optima that differ by less count as one


def pair(seed: int) -> tuple[list[np.ndarray], dict[str, Any]]:
    """Return two short sequences of four symbols from a random chain, and a random start."""
    rng, model = np.random.default_rng(seed), CategoricalHMM(2, 4)
    params = model.params(initial=rng.dirichlet(np.ones(2)), transition=rng.dirichlet(np.ones(2), 2),
                          emission=rng.dirichlet(0.5 * np.ones(4), 2))
    sequences = model.sample(params, [int(n) for n in rng.integers(10, 60, 2)], rng)
    start = {"initial": [0.5, 0.5], "transition": rng.dirichlet(np.ones(2), 2),
             "emission": rng.dirichlet(np.ones(4), 2)}
    return sequences, start


@pytest.mark.parametrize("seed", [4, 6, 7, 11, 17])
def test_em_raises_nothing_and_is_baum_welch(seed: int) -> None:
    """Probabilities go through all the small numbers there are, subnormal ones too."""
    sequences, start = pair(seed)
    steps = 40
    needed, *_ = by_hand.baum_welch("symbols", sequences, *start.values(), steps)
    result = emlib.fit(CategoricalHMM(2, 4), sequences, start=start, algorithm=EM(), max_estep=1200)
    assert result.status in (Status.CONVERGED, Status.MAX_ESTEP)
    if len(result.trace) > steps:
        assert result.trace.loglik[steps] == pytest.approx(needed, rel=tol.PEER)


@pytest.mark.parametrize("seed", [4, 6, 7, 11, 17])
def test_the_default_converges_and_not_below(seed: int) -> None:
    sequences, start = pair(seed)
    by_em, result = (emlib.fit(CategoricalHMM(2, 4), sequences, start=start, algorithm=algorithm, max_estep=1200)
                     for algorithm in (EM(), None))
    assert result.success or not by_em.success
    assert result.loglik >= by_em.loglik - MUCH


@pytest.mark.parametrize("almost", [1e-20, 1e-13])
def test_a_boundary_that_is_no_maximum_is_left(almost: float) -> None:
    """A transition of almost zero from which the log-likelihood rises: EM from just inside gains 17 nats."""
    counts = emlib.datasets.earthquakes()
    fields = {"initial": [1e-20, 1.0], "transition": [[1.0 - almost, almost], [0.0127217578, 0.9872782422]],
              "rates": [13.53875644, 21.46890017]}
    inside = {"initial": [0.01, 0.99], "transition": [[0.99, 0.01], [0.0127, 0.9873]], "rates": [13.5, 21.5]}
    needed = by_hand.baum_welch("counts", [counts.astype(int)], *inside.values(), 250)[0]
    for algorithm in (None, LBFGS()):
        result = emlib.fit(PoissonHMM(2, fixed={}), counts, start=fields, algorithm=algorithm)
        assert result.success, result.message
        assert result.loglik == pytest.approx(needed, abs=tol.MODEST)


def test_a_boundary_maximum_is_no_saddle() -> None:
    """The neighbour: where the slope points out of the space, the vertex is the maximum."""
    counts = np.r_[np.zeros(40), np.random.default_rng(0).poisson(4, 60)]
    for algorithm in (None, EM(), LBFGS()):
        result = emlib.fit(PoissonHMM(2), counts, rng=0, algorithm=algorithm)
        assert result.success, result.message
        assert result.params.rates.min() < tol.BOUNDARY


def test_no_more_is_claimed_than_there_is() -> None:
    """At the optimum nothing is left to gain, and the run ends there."""
    rng = np.random.default_rng(2)
    counts = [np.r_[rng.poisson(1, 20), rng.poisson(7, 15)], np.r_[rng.poisson(7, 12), rng.poisson(1, 25)]]
    result = emlib.fit(PoissonHMM(2), counts, rng=0)
    assert result.success
    assert result.n_estep < 200
    assert result.remaining < tol.SAME_OPTIMUM


# Of the pairs of benchmarks.endings those with a short way, symbols and counts; the whole is measured there.
SHORT = [1, 9, 21, 27, 35, 36, 37]


@pytest.mark.parametrize("seed", SHORT)
def test_pairs_from_random_starts(seed: int) -> None:
    """The default converges where EM does, no lower, and does not spend its budget at the top."""
    model, data, start = endings.problem(seed)
    by_em, result = (emlib.fit(model, data, start=start, algorithm=algorithm) for algorithm in (EM(), None))
    assert by_em.success
    assert result.success, result.message
    assert result.loglik >= by_em.loglik - MUCH
    assert result.n_estep < 3 * by_em.n_estep + 100


def test_rounding_along_a_vanishing_probability_is_no_gain() -> None:
    """At 1e-13 differences of the gradient are noise: divided by the tiny complete information they promised nats."""
    model, data, start = endings.problem(27)
    result = emlib.fit(model, data, start=start)
    assert 0 <= result.params.initial.min() < 1e-10
    assert result.remaining < tol.SAME_OPTIMUM


@pytest.mark.parametrize("count", [2, 3])
def test_states_of_a_random_walk(count: int) -> None:
    """statsmodels/statsmodels#8416: regimes of log prices, which are none of a chain; the fit ends all the same."""
    prices = np.log(100) + np.cumsum(0.01 * np.random.default_rng(0).normal(size=300))
    result = emlib.fit(GaussianHMM(count, 1), prices, rng=0)
    assert result.success, result.message
