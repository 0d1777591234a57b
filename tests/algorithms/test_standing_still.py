"""Runs that stand still short of a maximum: no success, and a message that says why and what to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pytest

import emlib
from emlib import Problem, Status
from emlib.algorithms import EM, Adaptive, stopping
from emlib.algorithms.base import Info, State
from emlib.algorithms.saddle import higher_uphill
from emlib.fitting import run as loop
from emlib.fitting.run import LEFT_STANDSTILL
from emlib.models import LinearDynamicalSystem, Linkage

FAR_MORE = 1e-4  # nats that are left, where `tol` asks for 1e-8


def series() -> tuple[Any, Any]:
    """A bivariate series whose observation noise is all but singular at the best fit, and a start."""
    rng = np.random.default_rng([21, 0])
    loadings, state, rows = rng.standard_normal(2), 0.0, []
    for _ in range(150):
        state = 0.8 * state + rng.standard_normal()
        rows.append(loadings * state + 0.5 * rng.standard_normal(2))
    model = LinearDynamicalSystem(1, 2)
    return np.array(rows), model.start(model.as_data(np.array(rows)), np.random.default_rng(0))


def stuck() -> emlib.Result:
    """The end of a run that comes to rest where EM's steps are rounding."""
    rows, start = series()
    return emlib.fit(LinearDynamicalSystem(1, 2), rows, start=start, algorithm=Adaptive())


def test_a_run_goes_uphill_where_em_stands_still(monkeypatch: pytest.MonkeyPatch) -> None:
    found = stuck()
    assert LEFT_STANDSTILL in found.message
    monkeypatch.setattr(stopping, "higher_uphill", lambda *_: None)
    too_early = stuck()
    assert too_early.status is Status.CONVERGED  # without the step along the gradient it would pass
    assert found.loglik > too_early.loglik + FAR_MORE


def test_where_it_stands_still_again_and_again_it_is_no_success(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "MOST_ESCAPES", 0)
    assert stuck().status is Status.UNCHECKED


def test_at_a_maximum_nothing_lies_higher_uphill() -> None:
    best = emlib.fit(Linkage(), [125, 18, 20, 34], rng=0)
    problem = Problem(Linkage(), [125, 18, 20, 34])
    assert higher_uphill(problem, problem.evaluate(best.x), 1e-8) is None
    away = problem.evaluate(best.x + 0.5)
    assert problem.loglik(problem.model.space.pack(higher_uphill(problem, away, 1e-8))) > away.loglik + FAR_MORE


@dataclass(frozen=True)
class Idle:
    """Steps that lead nowhere, with a nat left by estimate."""

    coordinates: ClassVar[str] = "free"
    monotone: ClassVar[bool] = True

    def init(self, problem: Problem, evaluation: Any) -> State:
        return State(evaluation)

    def step(self, problem: Problem, state: State) -> tuple[State, Info]:
        return state, Info("idle", False, 1.0)


def test_steps_that_lead_nowhere_do_not_spend_a_budget() -> None:
    problem = Problem(Linkage(), [125, 18, 20, 34])
    found = emlib.solve(problem, Idle(), [0.0])
    assert found.status is Status.LINE_SEARCH_FAILED
    assert "met no new point, with 1.0e+00 nats left" in found.message
    assert found.n_estep == 1


def test_where_steps_lead_nowhere_the_run_goes_on_by_em_if_asked() -> None:
    problem = Problem(Linkage(), [125, 18, 20, 34])
    found = emlib.solve(problem, Idle(), [0.0], fall_back=True)
    assert found.success
    assert found.loglik == pytest.approx(emlib.solve(problem, EM(), [0.0]).loglik, abs=1e-9)
