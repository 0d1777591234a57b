"""Newton's method on the log-likelihood, in a trust region measured by the complete information."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from emlib.algorithms.base import Info, State, check_warm_up, require_free
from emlib.algorithms.em import em_step
from emlib.algorithms.trust_region import SHRINK, SMALLEST, best_step, brought, in_metric, next_radius, rise
from emlib.problem import Evaluation, Problem
from emlib.result import Status
from emlib.stopping import em_gain, newton_gain


@dataclass(frozen=True)
class Newton:
    """A few EM steps, then exact trust-region steps with the observed information in the metric of I_c.

    Parameters
    ----------
    warm_up : int
        EM steps to begin with.

    Notes
    -----
    The observed information comes in closed form (Louis 1982) where the model has it. The metric is
    I_c = -d2Q(u | theta) at u = M(theta), positive definite in any chart (theorem T12); in it an EM
    step is a unit gradient step and the curvatures are 1 - (eigenvalues of EM's Jacobian). Where there
    is no metric, or a matrix without numbers, an EM step is made.
    """

    warm_up: int = 2
    coordinates: ClassVar[str] = "free"
    monotone: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_warm_up(self.warm_up)

    def init(self, problem: Problem, evaluation: Evaluation) -> State:
        """Return the starting state.

        Raises
        ------
        ValueError
            If the problem is not in free coordinates.
        """
        require_free(problem, "Newton")
        return State(evaluation, {"left": self.warm_up, "slopes": np.empty(0)})

    def step(self, problem: Problem, state: State) -> tuple[State, Info]:
        """Make an EM step while warming up, then one trust-region step."""
        if state.memory.get("left", 0) > 0:
            moved, info = em_step(problem, state)
            left = int(state.memory["left"]) - 1
            return State(moved.evaluation, {**moved.memory, "left": left}), info
        if "values" in state.memory:
            return _trust_region(problem, state.evaluation, state.memory)
        model = _model(problem, state)
        return em_step(problem, state) if model is None else _trust_region(problem, state.evaluation, model)


def _model(problem: Problem, state: State) -> Mapping[str, Any] | None:
    """Return the model's curvatures, slopes, directions in the metric of I_c, and a radius; None without a matrix."""
    here, metric = state.evaluation, problem.metric(state.evaluation)
    observed = None if metric is None else problem.observed_information(here)
    if metric is None or observed is None:
        return None
    values, slopes, directions = in_metric(metric, observed, here.gradient)
    radius = state.memory.get("radius", 2.0 * float(np.linalg.norm(slopes)))
    return {"values": values, "slopes_in_metric": slopes, "radius": max(float(radius), 10 * SMALLEST),
            "directions": directions}


def _trust_region(problem: Problem, here: Evaluation, memory: Mapping[str, Any]) -> tuple[State, Info]:
    values, slopes, radius = memory["values"], memory["slopes_in_metric"], memory["radius"]
    step = best_step(values, slopes, radius)
    length, there = float(np.linalg.norm(step)), problem.evaluate(here.x + memory["directions"] @ step)
    share = brought(here, there, rise(values, slopes, step))
    if share is None:
        if length < SMALLEST:
            return State(here, memory), Info("newton", False, None, Status.LINE_SEARCH_FAILED)
        return State(here, {**memory, "radius": SHRINK * length}), Info("newton", False, newton_gain(values, slopes))
    state = State(there, {"radius": next_radius(radius, length, share)})
    # The curvatures change little near the optimum: the last ones give the estimate without a new Hessian.
    return state, Info("newton", True, em_gain(problem, there, 1.0 - float(values[0])))
