"""The Kullback proximal point method: EM with a penalty that may be made lighter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from emlib.algorithms.base import ROUNDING, Info, State, is_number, require_free
from emlib.algorithms.em import em_step, slope
from emlib.algorithms.line_search import ARMIJO
from emlib.algorithms.metric import metric_factor, observed_information
from emlib.algorithms.stopping import curvature_cost
from emlib.algorithms.trust_region import QuadraticModel, model_in_metric
from emlib.numerics import Array
from emlib.problem import Evaluation, Problem

N_NEWTON = 30  # Newton steps of one maximisation
N_SHORTER = 30  # halvings of one Newton step
ACCURACY = 1e-4  # relative error of a step that is left to Newton's method
LOWEST_CURVATURE = 1e-8  # relative curvature, in units of I_c, that a Newton step divides by at least


@dataclass(frozen=True)
class Proximal:
    """x <- the maximiser u of loglik(u) - beta KL(posterior at x || posterior at u).

    Up to a constant that is (1 - beta) loglik(u) + beta Q(u | x).

    Parameters
    ----------
    beta : float
        Weight of the penalty, above 0 and at most 1; 1 is EM itself.
    decay : float
        Factor by which beta shrinks from one step to the next, above 0 and at most 1.

    Notes
    -----
    Chretien & Hero (2000). The maximiser is sought by Newton's method from the EM step on, so that the log-likelihood
    never falls; each of its steps costs an E-step and a Hessian. A rate r of EM becomes
    beta r / (1 - r + beta r) near a maximum with positive definite observed information.

    Examples
    --------
    >>> import emlib
    >>> from emlib.algorithms import EM, Proximal
    >>> from emlib.models import Linkage
    >>> [emlib.fit(Linkage(), [125, 18, 20, 34], start={"theta": 0.1}, algorithm=method).nit
    ...  for method in (EM(), Proximal(0.5), Proximal(0.1))]
    [6, 5, 3]
    """

    beta: float = 0.5
    decay: float = 1.0
    coordinates: ClassVar[str] = "free"
    monotone: ClassVar[bool] = True

    def __post_init__(self) -> None:
        for name, value in (("beta", self.beta), ("decay", self.decay)):
            if not is_number(value) or not 0 < value <= 1:
                raise ValueError(f"{name}: {value!r} found; a number above 0 and at most 1 is needed")

    def init(self, problem: Problem, evaluation: Evaluation) -> State:
        """Return the starting state.

        Raises
        ------
        ValueError
            If the problem is not in free coordinates.
        """
        require_free(problem, "Proximal")
        return State(evaluation, {"beta": self.beta})

    def step(self, problem: Problem, state: State) -> tuple[State, Info]:
        """Make the EM step, and from its end maximise the penalised log-likelihood."""
        here, beta = state.evaluation, float(state.memory["beta"])
        memory = {"beta": self.decay * beta}
        target = problem.m_step(here)
        reached, info = em_step(problem, state)
        if not info.accepted or beta == 1:
            return State(reached.evaluation, {**reached.memory, **memory}), info
        left = ACCURACY**2 * abs(slope(here, target)) + ROUNDING * here.magnitude
        there = _maximised(_Penalised(problem, here, beta), reached.evaluation, left)
        return State(there, memory), Info("proximal")


@dataclass(frozen=True, eq=False)
class _Penalised:
    """(1 - beta) loglik + beta Q(. | anchor)."""

    problem: Problem
    anchor: Evaluation
    beta: float

    def value(self, there: Evaluation) -> float:
        """Return its value, nats; minus infinity outside the space."""
        if there.fault is not None:
            return -np.inf
        bound = self.problem.model.q_value(there.params, self.anchor.stats)
        return (1 - self.beta) * there.loglik + self.beta * bound

    def gradient(self, there: Evaluation) -> Array:
        """Return its gradient, free coordinates."""
        model = self.problem.model
        pulled = model.space.pullback(there.params, model.q_gradient(there.params, self.anchor.stats), "free")
        return (1 - self.beta) * there.gradient + self.beta * pulled

    def local_model(self, there: Evaluation) -> QuadraticModel | None:
        """Return its quadratic model in the metric of I_c; None where a matrix or the E-steps for it are missing."""
        if not self.problem.allows(1 + curvature_cost(self.problem)):
            return None
        factor = metric_factor(self.problem, there)
        observed = None if factor is None else observed_information(self.problem, there)
        if factor is None or observed is None:
            return None
        bend = self.problem.model.q_hessian(there.params, self.anchor.stats)
        return model_in_metric(factor, (1 - self.beta) * observed - self.beta * bend, self.gradient(there))


def _maximised(aim: _Penalised, there: Evaluation, left: float) -> Evaluation:
    """Return the end of Newton's method, where about `left` nats or nothing remain to be gained."""
    for _ in range(N_NEWTON):
        model = aim.local_model(there)
        if model is None:
            return there
        curvatures = np.maximum(np.abs(model.curvatures), LOWEST_CURVATURE)
        reached = _climbed(aim, there, model.directions @ (model.slopes / curvatures))
        if reached is None:
            return there
        there = reached
        slopes = model.directions.T @ aim.gradient(there)  # by the old curvatures: no Hessian at the last point
        if float(slopes @ (slopes / curvatures)) <= left:
            return there
    return there


def _climbed(aim: _Penalised, here: Evaluation, move: Array) -> Evaluation | None:
    """Halve the move until the penalised log-likelihood rises enough; None if it never does."""
    base, promised = aim.value(here), float(aim.gradient(here) @ move)
    for _ in range(N_SHORTER):
        if not aim.problem.allows(1):
            return None
        there = aim.problem.evaluate(here.x + move)
        if aim.value(there) >= base + ARMIJO * promised - ROUNDING * here.magnitude:
            return there
        move, promised = 0.5 * move, 0.5 * promised
    return None
