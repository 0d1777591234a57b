"""The q-secant acceleration of EM: its algebra, Steffensen's method as a special case, and its guard."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import emlib
from emlib.algorithms import QSecant, q_secant
from emlib.models import Linkage
from emlib.numerics import Array
from tests import tolerances as tol
from tests.algorithms.setting import by_name, run

SIDE = 4
RNG = np.random.default_rng(0)
SKEW = RNG.normal(size=(SIDE, SIDE))
DM = SKEW @ np.diag([0.99, 0.9, 0.5, 0.1]) @ np.linalg.inv(SKEW)  # the Jacobian of a linear map, not symmetric
INCREMENTS = RNG.normal(size=(SIDE, SIDE))


def gap(increments: Array, sign: float = 1.0) -> float:
    """How far one step ends from the fixed point, here zero, of x -> DM x, relative to where it starts."""
    x = RNG.normal(size=SIDE)
    there = DM @ x + sign * q_secant.secant_step(increments, increments @ DM.T, DM @ x - x)
    return float(np.linalg.norm(there) / np.linalg.norm(x))


def test_p_secants_solve_a_linear_map_in_one_step() -> None:
    """The controls: one secant less, and the wrong sign."""
    assert gap(INCREMENTS) <= tol.ROUTES
    assert gap(INCREMENTS[1:]) > tol.CONTROL
    assert gap(INCREMENTS, -1.0) > tol.CONTROL


def test_a_step_is_that_of_the_formula() -> None:
    u, v, r = INCREMENTS[:2].T, RNG.normal(size=(SIDE, 2)), RNG.normal(size=SIDE)
    wanted = v @ np.linalg.inv(u.T @ u - u.T @ v) @ u.T @ r
    np.testing.assert_allclose(q_secant.secant_step(u.T, v.T, r), wanted, rtol=0, atol=tol.ROOT)


def test_secants_that_repeat_each_other_are_no_obstacle() -> None:
    one = q_secant.secant_step(INCREMENTS[:1], INCREMENTS[:1] @ DM.T, INCREMENTS[0])
    twice = q_secant.secant_step(INCREMENTS[[0, 0]], INCREMENTS[[0, 0]] @ DM.T, INCREMENTS[0])
    np.testing.assert_allclose(twice, one, rtol=0, atol=tol.ROOT * np.abs(one).max())
    assert not q_secant.secant_step(np.zeros((1, SIDE)), np.zeros((1, SIDE)), np.zeros(SIDE)).any()


def steffensen_gap() -> float:
    """The largest distance of the first steps on the linkage data from Aitken's formula, logit of theta."""
    problem = emlib.Problem(Linkage(), [125, 18, 20, 34])
    state, worst = QSecant().init(problem, problem.evaluate([-1.0])), 0.0
    for _ in range(2):
        x = state.evaluation.x
        first, second = problem.em_map(x), problem.em_map(problem.em_map(x))
        aitken = x - (first - x) ** 2 / (second - 2 * first + x)
        problem.memo.last = state.evaluation
        state, _ = QSecant().step(problem, state)
        worst = max(worst, float(np.abs(state.evaluation.x - aitken).max()))
    return worst


def test_with_one_parameter_and_one_secant_it_is_steffensens_method(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sabotaged twin steps back from M(x) instead of on."""
    assert steffensen_gap() <= tol.ROOT
    honest = q_secant.secant_step
    monkeypatch.setattr(q_secant, "secant_step", lambda *given: -honest(*given))
    assert steffensen_gap() > tol.CONTROL


CASE = by_name("poisson-2-plain")


def test_an_iteration_costs_two_e_steps_and_keeps_q_secants() -> None:
    problem = CASE.problem("free")
    state = QSecant(2).init(problem, problem.evaluate(CASE.free(CASE.points[0])))
    kept, costs = [], []
    for _ in range(4):
        spent = problem.n_estep
        state, info = QSecant(2).step(problem, state)
        kept.append(len(state.memory["increments"]))
        costs.append((info.kind, problem.n_estep - spent))
    assert kept == [1, 2, 2, 2]
    assert ("q-secant", 2) in costs
    assert set(costs) <= {("q-secant", 2), ("em", 3)}


def test_an_extrapolation_that_fails_gives_way_to_two_em_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = CASE.problem("free")
    here = problem.evaluate(CASE.free(CASE.points[0]))
    monkeypatch.setattr(q_secant, "secant_step", lambda increments, following, increment: -50 * increment)
    state, info = QSecant().step(problem, QSecant().init(problem, here))
    assert (info.kind, info.accepted, problem.n_estep) == ("em", True, 4)
    np.testing.assert_array_equal(state.evaluation.x, problem.em_map(problem.em_map(here.x)))


@pytest.mark.parametrize("q", [1, 3, 50])
def test_no_more_secants_than_directions(q: int) -> None:
    problem, result = run(CASE, QSecant(q))
    assert result.success, result.message
    assert abs(result.loglik - CASE.optimum_loglik) <= tol.SAME_OPTIMUM
    state = QSecant(q).init(problem, problem.evaluate(result.x))
    for _ in range(5):
        state, _ = QSecant(q).step(problem, state)
    assert len(state.memory["increments"]) <= problem.size


@pytest.mark.parametrize("q", [0, -1, 2.5, True, "two"])
def test_a_number_of_secants_without_a_meaning_is_refused(q: Any) -> None:
    with pytest.raises(ValueError, match=f"q: {q!r} found; at least one secant is needed"):
        QSecant(q)
