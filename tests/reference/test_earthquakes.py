"""Major earthquakes, 1900 to 2006: the Poisson hidden Markov models of Zucchini & MacDonald (2009), by EM.

The published values rest on a free distribution of the first state, whose maximum puts everything on one state.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import emlib
from emlib import datasets
from emlib.algorithms import EM, LBFGS, Newton, Switch, after
from emlib.algorithms.metric import metric_factor, observed_information
from emlib.algorithms.stopping import DEFAULT_TOL
from emlib.evaluation.point import Evaluation
from emlib.models import PoissonHMM
from emlib.numerics import Array
from tests.tolerances import CONTROL, FIVE_DECIMALS, FOUR_DECIMALS, SAME_OPTIMUM

COUNTS = datasets.earthquakes()
PUBLISHED = {1: -391.9189, 2: -341.8787, 3: -328.5275}


def test_the_data_are_complete() -> None:
    assert COUNTS.shape == (107,)
    assert COUNTS.mean() == pytest.approx(19.36449, abs=FIVE_DECIMALS)


@pytest.mark.parametrize("count", PUBLISHED)
def test_published_log_likelihoods(count: int) -> None:
    result = emlib.fit(PoissonHMM(count, fixed={}), COUNTS, n_starts=3, rng=0, algorithm=EM())
    assert result.success, result.message
    assert result.loglik == pytest.approx(PUBLISHED[count], abs=FOUR_DECIMALS)
    assert result.params.initial.max() > 1 - SAME_OPTIMUM


@pytest.mark.parametrize(("count", "seed", "algorithm"), [
    (2, 0, None), (3, 0, None), (3, 0, LBFGS()), (3, 0, Newton()), (4, 1, None),
    (4, 1, Switch(EM(), LBFGS(), after(5)))], ids=repr)
def test_free_coordinates_come_as_near_to_the_vertex_as_numbers_do(count: int, seed: int, algorithm: Any) -> None:
    """The log-odds of the first state and of some transitions are infinite there; all reach the maximum of EM."""
    model = PoissonHMM(count, fixed={})
    result, by_em = (emlib.fit(model, COUNTS, rng=seed, algorithm=one, tol=1e-10) for one in (algorithm, EM()))
    assert result.success, result.message
    assert result.loglik == pytest.approx(by_em.loglik, abs=DEFAULT_TOL)
    assert result.params.initial.max() > 1 - SAME_OPTIMUM


@pytest.fixture(scope="module")
def vertex() -> tuple[emlib.Problem, Evaluation, Array]:
    """Return the problem at EM's end, where three probabilities are as good as zero, and a mask of their log-odds."""
    model = PoissonHMM(3, fixed={})
    end = emlib.fit(model, COUNTS, rng=0, algorithm=EM(), tol=1e-10).params
    problem = emlib.Problem(model, model.as_data(COUNTS))
    here = problem.evaluate(model.space.pack(end))
    return problem, here, model.space.vanished_mask(end, problem.m_step(here).params)


def test_the_ridge_gives_vanished_probabilities_a_curvature(vertex: tuple[emlib.Problem, Evaluation, Array]) -> None:
    """Along their log-odds both information matrices are rounding; with the ridge EM's step is Newton's there."""
    problem, here, vanished = vertex
    factor, observed = metric_factor(problem, here), observed_information(problem, here)
    assert vanished.sum() == 3
    assert factor is not None
    assert observed is not None
    complete = factor @ factor.T
    np.testing.assert_allclose(np.diag(observed)[vanished], np.diag(complete)[vanished], rtol=SAME_OPTIMUM)


def test_without_the_ridge_there_is_no_metric_at_a_vertex(vertex: tuple[emlib.Problem, Evaluation, Array],
                                                         monkeypatch: pytest.MonkeyPatch) -> None:
    problem, here, _ = vertex
    monkeypatch.setattr("emlib.algorithms.metric.RIDGE", 0.0)
    problem.memo.factor = None
    assert metric_factor(problem, here) is None


def test_without_a_least_probability_lbfgs_leaves_the_space(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("emlib.blocks.Simplex.lifted", lambda self, value, share, least: value)
    result = emlib.fit(PoissonHMM(4, fixed={}), COUNTS, rng=1, algorithm=Switch(EM(), LBFGS(), after(5)))
    assert result.status is emlib.Status.DEGENERATE, result.message


@pytest.mark.parametrize("count", [2, 3])
def test_a_held_first_state_gives_less(count: int) -> None:
    """With the first state uniform the maximum is another one, by less than log K; EM and the default agree on it."""
    model = PoissonHMM(count, fixed={"initial": np.full(count, 1 / count)})
    result = emlib.fit(model, COUNTS, rng=0)
    by_em = emlib.fit(model, COUNTS, rng=0, algorithm=EM())
    assert result.success, result.message
    assert result.params.initial.tolist() == [1 / count] * count
    assert by_em.loglik == pytest.approx(result.loglik, abs=SAME_OPTIMUM)
    assert CONTROL < PUBLISHED[count] - result.loglik < np.log(count)
