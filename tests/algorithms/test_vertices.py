"""Free coordinates near a vertex, where a probability tends to zero and its log-odds to infinity."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import emlib
from emlib import datasets
from emlib.algorithms import EM, LBFGS, Adaptive, Info, Newton, State, adaptive, lbfgs
from emlib.algorithms.metric import metric_factor, observed_information
from emlib.blocks import Interval, Simplex
from emlib.blocks.simplex import CURVATURE_LOST, RIDGE, VANISHED
from emlib.models import PoissonHMM, PoissonMixture
from tests import tolerances as tol

COUNTS = datasets.earthquakes()
CHAIN = PoissonHMM(2, fixed={})
BASE = {"initial": [0.5, 0.5], "transition": [[0.9, 0.1], [0.1, 0.9]], "rates": [15.0, 26.0]}


def test_vanished_probabilities_are_lifted_once() -> None:
    block = Simplex("rows", (2, 3))
    rows = np.array([[0.0, 0.25, 0.75], [0.2, 0.3, 0.5]])
    lifted = block.lifted(rows, VANISHED)
    np.testing.assert_allclose(lifted, rows, rtol=0, atol=2 * VANISHED)
    assert lifted[0, 0] > 0
    there = block.from_free(block.to_free(lifted))
    assert block.lifted(there, VANISHED, VANISHED / 2) is there
    smaller = np.where(there < CURVATURE_LOST, VANISHED / 3, there)
    assert block.lifted(smaller, VANISHED) is smaller
    assert block.lifted(smaller, VANISHED, VANISHED / 2)[0, 0] > VANISHED / 2


def test_known_zeros_stay_zero() -> None:
    block = Simplex("rows", (3,), zeros=(1,))
    lifted = block.lifted(np.array([1.0, 0.0, 0.0]), 1e-3)
    assert lifted[1] == 0
    assert lifted[2] == pytest.approx(1e-3 / (1 + 1e-3))


@pytest.mark.parametrize("share", [VANISHED, 1e-12])
def test_ends_of_an_interval_get_finite_coordinates(share: float) -> None:
    block = Interval("theta", (3,), -1.0, 3.0)
    values = np.array([-1.0, 0.5, 3.0])
    lifted = block.lifted(values, share)
    assert np.isfinite(block.to_free(lifted)).all()
    assert lifted[1] == values[1]
    np.testing.assert_allclose(lifted, values, rtol=0, atol=10 * max(share, np.finfo(float).eps))


def test_what_lies_inside_is_the_very_same() -> None:
    params = CHAIN.params(**BASE)
    assert CHAIN.space.lifted(params, VANISHED) is params
    edge = CHAIN.params(**BASE | {"initial": [1.0, 0.0]})
    assert CHAIN.space.lifted(edge, VANISHED).initial[1] == VANISHED


def test_vanished_are_the_odds_of_and_against_what_is_as_good_as_zero() -> None:
    """A coordinate for each entry but the last of a row, which is the reference of all."""
    block, small = Simplex("rows", (3, 3)), CURVATURE_LOST / 2
    large = 2 * CURVATURE_LOST
    rows = np.array([[small, 0.5, 0.5 - small], [0.5, 0.5 - small, small], [large, 0.5, 0.5 - large]])
    assert block.vanished_mask(rows).tolist() == [True, False, True, True, False, False]
    known = Simplex("row", (3,), zeros=(2,))
    assert known.vanished_mask(np.array([0.5, 0.5, 0.0])).tolist() == [False]
    assert known.vanished_mask(np.array([1.0, 0.0, 0.0])).tolist() == [True]


def test_an_m_step_that_makes_zeros_has_free_coordinates() -> None:
    """Standard coordinates keep the zero; the chart itself has no place for it."""
    edge = CHAIN.params(**BASE | {"transition": np.eye(2)})
    free, standard = (emlib.Problem(CHAIN, COUNTS, coordinates).checked_m_step(edge)
                      for coordinates in ("free", "standard"))
    assert free.fault is None
    assert np.abs(free.x).max() == pytest.approx(-np.log(VANISHED))
    assert standard.params.transition[0, 1] == 0
    with pytest.raises(ValueError, match="transition: entry"):
        CHAIN.space.pack(edge)


@pytest.mark.parametrize("ridge", [RIDGE, 0.0])
def test_at_a_vertex_the_metric_needs_a_ridge(ridge: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """Log-odds against a vanishing probability have no information along the ones; without a ridge no metric."""
    monkeypatch.setattr("emlib.algorithms.metric.RIDGE", ridge)
    model = PoissonHMM(3, fixed={})
    params = model.params(initial=[0.5, 0.5 - 1e-18, 1e-18], transition=np.full((3, 3), 1 / 3), rates=[13, 20, 30])
    problem = emlib.Problem(model, COUNTS)
    assert (metric_factor(problem, problem.evaluate(model.space.pack(params))) is None) == (ridge == 0)


def test_the_ridge_is_on_both_sides_and_inside_there_is_none() -> None:
    """In the metric of I_c the curvature along such log-odds is one; inside, the matrices are the bare ones."""
    problem = emlib.Problem(CHAIN, COUNTS)
    inside = problem.evaluate(CHAIN.space.pack(CHAIN.params(**BASE)))
    np.testing.assert_array_equal(observed_information(problem, inside), -problem.hessian(inside.x))
    edge = problem.evaluate(CHAIN.space.pack(CHAIN.params(**BASE | {"initial": [1 - 1e-15, 1e-15]})))
    factor, observed = metric_factor(problem, edge), observed_information(problem, edge)
    assert factor is not None
    assert observed is not None
    ratio = observed[0, 0] / (factor @ factor.T)[0, 0]
    assert ratio == pytest.approx(1.0, rel=tol.CONTROL)
    assert abs(-problem.hessian(edge.x)[0, 0] / (RIDGE * len(COUNTS))) < tol.CONTROL


THREE = PoissonMixture(3)
THREE_COUNTS = np.random.default_rng(0).poisson([2.0] * 60 + [9.0] * 40)


def test_nothing_is_learnt_about_the_odds_of_zero() -> None:
    """The rest is learnt as if that coordinate were not there; without the mask the long move swamps it."""
    problem = emlib.Problem(THREE, THREE_COUNTS)
    places = [THREE.params(weights=[small, 0.4, 0.6 - small], rates=[5.0, 2.0 + shift, 9.0])
              for small, shift in ((0.05, 0.0), (1e-12, 0.1))]
    here, there = (problem.evaluate(THREE.space.pack(params)) for params in places)
    complete, empty = problem.complete_information(here), np.zeros((5, 5))
    found = adaptive._learn(problem, empty, complete, here, there)
    move, change, own = there.x - here.x, here.gradient - there.gradient, slice(1, None)
    assert not found[0].any()
    assert not found[:, 0].any()
    without = adaptive.symmetric_rank_one(empty[own, own], complete[own, own], move[own], change[own])
    np.testing.assert_allclose(found[own, own], without, atol=tol.IDENTITY * np.abs(without).max())
    bare = adaptive.symmetric_rank_one(empty, complete, move, change)
    assert np.abs(bare[own, own] - without).max() > tol.CONTROL * np.abs(without).max()


FAR = PoissonMixture(2)
OUTLIER = np.append(np.arange(10), 1000)
BEYOND = FAR.space.pack(FAR.params(weights=[0.5, 0.5], rates=[4.0, 1000.0]))
BEYOND[0] = 600.0  # the outlier's component has a weight of e^-600, whose share of it, squared, overflows


class Impatient(Adaptive):
    """As if two EM steps had been made that gain as much as each other."""

    def init(self, problem: emlib.Problem, evaluation: Any) -> State:
        state = super().init(problem, evaluation)
        return replace(state, memory={**state.memory, "slopes": np.ones(2)})


@pytest.mark.parametrize(("algorithm", "weight"), [(Newton(), 1.0), (Impatient(), 1e-3)])
def test_where_a_matrix_has_no_numbers_an_em_step_is_made(algorithm: Any, weight: float) -> None:
    """Adaptive asks for the matrix where EM promises less than 3 nats."""
    problem = emlib.Problem(FAR, OUTLIER, sample_weight=np.full(11, weight))
    assert observed_information(problem, problem.evaluate(BEYOND)) is None
    result = emlib.solve(problem, algorithm, BEYOND)
    assert result.success, result.message
    assert result.trace.kind[1] == "em"
    assert result.params.rates == pytest.approx([4.5, 1000.0])


@pytest.mark.parametrize(("algorithm", "weight"), [(Newton(), 1.0), (Impatient(), 1e-3)])
def test_unguarded_such_a_matrix_ends_in_an_error(algorithm: Any, weight: float,
                                                  monkeypatch: pytest.MonkeyPatch) -> None:
    with np.errstate(all="ignore"):
        for name in ("newton", "adaptive"):
            monkeypatch.setattr(f"emlib.algorithms.{name}.observed_information",
                                lambda problem, here: -problem.hessian(here.x))
        with pytest.raises(ValueError, match="must not contain infs or NaNs"):
            emlib.solve(emlib.Problem(FAR, OUTLIER, sample_weight=np.full(11, weight)), algorithm, BEYOND)


STUCK = CHAIN.space.pack(CHAIN.params(**BASE))
STUCK[1] = 400.0  # the first state is never left: I_c^-1 g is a hundred million long


def test_lbfgs_goes_on_by_an_em_step_where_no_step_of_its_own_rises() -> None:
    result = emlib.solve(emlib.Problem(CHAIN, COUNTS), LBFGS(), STUCK)
    assert result.success, result.message
    assert result.trace.kind[1] == "em"
    assert result.loglik > result.trace.loglik[0] + 30


def test_without_that_em_step_lbfgs_stops_there(monkeypatch: pytest.MonkeyPatch) -> None:
    def give_up(problem: emlib.Problem, state: State) -> tuple[State, Info]:
        return state, Info("lbfgs", False, None, emlib.Status.LINE_SEARCH_FAILED)

    monkeypatch.setattr(lbfgs, "_em_step_that_gains", give_up)
    assert emlib.solve(emlib.Problem(CHAIN, COUNTS), LBFGS(), STUCK).status is emlib.Status.LINE_SEARCH_FAILED


def test_no_em_step_is_made_that_gains_nothing() -> None:
    best = emlib.fit(PoissonMixture(1), THREE_COUNTS)
    problem = emlib.Problem(PoissonMixture(1), THREE_COUNTS)
    state = LBFGS().init(problem, problem.evaluate(best.x))
    moved, info = lbfgs._em_step_that_gains(problem, state)
    assert moved is state
    assert info.status is emlib.Status.LINE_SEARCH_FAILED


def test_em_in_standard_coordinates_goes_beyond() -> None:
    assert 0 <= emlib.fit(CHAIN, COUNTS, rng=0, algorithm=EM()).params.initial.min() < VANISHED**2
