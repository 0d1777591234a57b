"""Expectation-conjugate-gradient: conjugate directions, flat ends of the lines, restarts, honest failures."""

from __future__ import annotations

from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import emlib
from emlib.algorithms import ECG, EM, GradientAscent
from emlib.algorithms.base import State
from emlib.algorithms.conjugate_gradient import FLATNESS
from emlib.result import Status
from tests import tolerances as tol
from tests.algorithms.setting import PROBLEMS, by_name, near, run
from tests.contract.cases import Case

CURVES = np.array([1.0, 4.0, 9.0, 25.0, 100.0])
CASE = by_name("poisson-2-plain")


class Parabola:
    """A problem with loglik -half x'Ax; the rotation makes A full."""

    coordinates, size = "free", len(CURVES)

    def __init__(self) -> None:
        turn = np.linalg.qr(np.random.default_rng(0).standard_normal((self.size, self.size)))[0]
        self.bend, self.probes = turn @ np.diag(CURVES) @ turn.T, 0

    def evaluate(self, x: np.ndarray) -> Any:
        self.probes += 1
        return SimpleNamespace(x=x, loglik=-0.5 * x @ self.bend @ x, gradient=-self.bend @ x, magnitude=1.0)

    def reduce(self, gradient: np.ndarray) -> np.ndarray:
        return gradient

    lift = reduce


def climb(algorithm: Any, problem: Any, state: State, count: int) -> list[State]:
    """The states of the first steps, the start included."""
    states = [state]
    for _ in range(count):
        states.append(algorithm.step(problem, states[-1])[0])
    return states


def parabola_ends(algorithm: Any) -> tuple[float, float]:
    """How much of the first loss is left after one step a dimension, and the largest cosine in the metric A."""
    problem = Parabola()
    start = problem.evaluate(np.ones(problem.size))
    states = climb(algorithm, problem, algorithm.init(problem, start), problem.size)
    moves = np.diff([s.evaluation.x for s in states], axis=0)
    gram = moves @ problem.bend @ moves.T
    cosines = gram / np.sqrt(np.outer(np.diag(gram), np.diag(gram)))
    return states[-1].evaluation.loglik / start.loglik, float(np.abs(cosines - np.eye(problem.size)).max())


def test_directions_on_a_parabola_are_conjugate() -> None:
    """With inexact lines nearly so: one step a dimension leaves little, where steepest ascent leaves much."""
    left, cosine = parabola_ends(ECG())
    left_by_gradients, cosine_of_gradients = parabola_ends(GradientAscent())
    assert left < 0.1 * left_by_gradients
    assert cosine < 0.5 * cosine_of_gradients


def lines_of(case: Case, algorithm: Any) -> tuple[list[State], emlib.Problem]:
    problem = case.problem()
    x = case.free(case.points[0])
    return climb(algorithm, problem, algorithm.init(problem, problem.evaluate(x)), 12), problem


@pytest.mark.parametrize("case", PROBLEMS, ids=lambda case: case.name)
def test_each_line_rises_and_ends_flat(case: Case) -> None:
    """Strong Wolfe with the share that keeps the next direction uphill."""
    states, _ = lines_of(case, ECG())
    slopes = []
    for before, after in pairwise(states):
        move = after.evaluation.x - before.evaluation.x
        if move.any():
            slopes.append((before.evaluation.gradient @ move, after.evaluation.gradient @ move))
    first, last = np.array(slopes).T
    assert (first > 0).all()
    assert (np.abs(last) <= FLATNESS * first * (1 + tol.IDENTITY)).all()
    rises = np.diff([s.evaluation.loglik for s in states])
    assert rises.min() >= -tol.FALL * abs(states[0].evaluation.loglik)


def test_the_direction_is_polak_and_ribieres() -> None:
    """Each direction from the two gradients and the direction before; without the sign rule it would differ."""
    states, _ = lines_of(CASE, ECG())
    shares = []
    for before, after in pairwise(states[1:]):
        old, new = before.evaluation.gradient, after.evaluation.gradient
        share = new @ (new - old) / (old @ old)
        used = before.memory["direction"] if before.memory["direction"] @ old > 0 else old
        np.testing.assert_allclose(after.memory["direction"], new + max(share, 0.0) * used, rtol=tol.IDENTITY)
        shares.append(share)
    assert max(shares) > tol.CONTROL


def test_a_direction_that_leads_down_gives_way_to_the_gradient() -> None:
    problem = CASE.problem()
    here = problem.evaluate(CASE.free(CASE.points[0]))
    plain, _ = ECG().step(problem, ECG().init(problem, here))
    down = State(here, {"direction": -here.gradient, "predicted_gain": 0.0})
    turned, info = ECG().step(problem, down)
    assert info.accepted
    assert np.array_equal(turned.evaluation.x, plain.evaluation.x)
    aside = State(here, {"direction": here.gradient * np.array([1.0, 0.0, 0.0]), "predicted_gain": 0.0})
    assert not np.array_equal(ECG().step(problem, aside)[0].evaluation.x, plain.evaluation.x)


def test_a_search_that_finds_nothing_is_tried_once_more_along_the_gradient() -> None:
    """The second time without a direction to forget is the end."""
    problem = Parabola()
    here = problem.evaluate(np.ones(problem.size))
    lying = SimpleNamespace(x=here.x, loglik=here.loglik, gradient=-here.gradient, magnitude=1.0)
    state, info = ECG().step(problem, State(lying, {"direction": lying.gradient, "predicted_gain": 1.0}))
    assert (info.accepted, info.status) == (False, None)
    assert not state.memory["direction"].any()
    _, info = ECG().step(problem, state)
    assert info.status is Status.LINE_SEARCH_FAILED


def test_fewer_e_steps_than_em_where_em_is_slow_and_more_where_it_is_fast() -> None:
    def passes(name: str, algorithm: Any) -> int:
        result = run(by_name(name), algorithm, near(by_name(name)))[1]
        assert result.success
        return result.n_estep

    assert passes("poisson-2-plain", ECG()) < 0.5 * passes("poisson-2-plain", EM())
    assert passes("gaussian-full-d2-k3", ECG()) > passes("gaussian-full-d2-k3", EM())
