"""Newton's method on the log-likelihood, in a trust region measured by the complete information."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from emlib.algorithms.base import Info, State, require_free
from emlib.algorithms.em import em_step
from emlib.algorithms.metric import metric_factor, observed_information
from emlib.algorithms.stopping import em_gain, newton_gain
from emlib.algorithms.trust_region import SMALLEST, QuadraticModel, attempt, model_in_metric
from emlib.problem import Evaluation, Problem
from emlib.result import Status


@dataclass(frozen=True)
class Newton:
    """Exact trust-region steps with the observed information in the metric of I_c.

    Notes
    -----
    The observed information comes in closed form (Louis 1982) where the model has it. The metric is
    I_c = -d2Q(u | theta) at u = M(theta), positive definite in any chart (theorem T12); in it an EM
    step is a unit gradient step and the curvatures are 1 - (eigenvalues of EM's Jacobian). Where there
    is no metric, or a matrix without numbers, an EM step is made. ``Switch(EM(), Newton(), after(2))`` begins with
    two EM steps.
    """

    coordinates: ClassVar[str] = "free"
    monotone: ClassVar[bool] = True

    def init(self, problem: Problem, evaluation: Evaluation) -> State:
        """Return the starting state.

        Raises
        ------
        ValueError
            If the problem is not in free coordinates.
        """
        require_free(problem, "Newton")
        return State(evaluation)

    def step(self, problem: Problem, state: State) -> tuple[State, Info]:
        """Make one trust-region step; after one that failed, with the same model."""
        here, memory = state.evaluation, state.memory
        if "curvatures" in memory:
            model = QuadraticModel(memory["curvatures"], memory["slopes_in_metric"], memory["directions"])
            return _trust_region(problem, here, model, memory["radius"])
        found = _model(problem, here)
        if found is None:
            return em_step(problem, state)
        radius = memory.get("radius", 2.0 * float(np.linalg.norm(found.slopes)))
        return _trust_region(problem, here, found, max(float(radius), 10 * SMALLEST))


def _model(problem: Problem, here: Evaluation) -> QuadraticModel | None:
    """Return the quadratic model at a point; None where a matrix is missing."""
    factor = metric_factor(problem, here)
    observed = None if factor is None else observed_information(problem, here)
    if factor is None or observed is None:
        return None
    return model_in_metric(factor, observed, here.gradient)


def _trust_region(problem: Problem, here: Evaluation, model: QuadraticModel, radius: float) -> tuple[State, Info]:
    tried = attempt(lambda move: problem.evaluate(here.x + move), here, model, radius)
    if tried.accepted:
        # The curvatures change little near the optimum: the last ones give the estimate without a new Hessian.
        remaining = em_gain(problem, tried.there, 1.0 - float(model.curvatures[0]))
        return State(tried.there, {"radius": tried.radius}), Info("newton", True, remaining)
    state = State(here, {"curvatures": model.curvatures, "slopes_in_metric": model.slopes,
                         "directions": model.directions, "radius": tried.radius})
    if tried.length < SMALLEST:
        return state, Info("newton", False, None, Status.LINE_SEARCH_FAILED)
    return state, Info("newton", False, newton_gain(model.curvatures, model.slopes))
