"""Newton's method on the log-likelihood, in a trust region measured by the complete information."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import scipy
from scipy.linalg import eigh, solve_triangular

from emlib.algorithms.base import ROUNDING, Info, State, check_warm_up, require_free
from emlib.algorithms.em import em_step
from emlib.numerics import Array
from emlib.problem import Evaluation, Problem
from emlib.result import Status
from emlib.stopping import em_gain, newton_gain

ACCEPT = 1e-4  # share of the predicted rise that a step must bring
SMALLEST = 1e-12  # radius below which the search has failed


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


def in_metric(factor: Array, observed: Array, gradient: Array) -> tuple[Array, Array, Array]:
    """Return curvatures, slopes and directions (columns) of a quadratic model in the metric of I_c.

    Parameters
    ----------
    factor : ndarray, shape (p, p)
        Lower Cholesky factor of I_c.
    observed : ndarray, shape (p, p)
        The model's curvature.
    gradient : ndarray, shape (p,)
    """
    half = solve_triangular(factor, observed, lower=True)
    values, vectors = eigh(solve_triangular(factor, half.T, lower=True))
    slopes = vectors.T @ solve_triangular(factor, gradient, lower=True)
    return values, slopes, solve_triangular(factor, vectors, lower=True, trans="T")


def _trust_region(problem: Problem, here: Evaluation, memory: Mapping[str, Any]) -> tuple[State, Info]:
    values, slopes, radius = memory["values"], memory["slopes_in_metric"], memory["radius"]
    step = best_step(values, slopes, radius)
    predicted = rise(values, slopes, step)
    there = problem.evaluate(here.x + memory["directions"] @ step)
    gained = there.loglik - here.loglik
    noise = ROUNDING * here.magnitude
    good = gained >= ACCEPT * predicted - noise
    length = float(np.linalg.norm(step))
    share = 1.0 if predicted < noise else gained / predicted
    if not good:
        if length < SMALLEST:
            return State(here, memory), Info("newton", False, None, Status.LINE_SEARCH_FAILED)
        return State(here, {**memory, "radius": 0.25 * length}), Info("newton", False, newton_gain(values, slopes))
    state = State(there, {"radius": next_radius(radius, length, share)})
    # The curvatures change little near the optimum: the last ones give the estimate without a new Hessian.
    return state, Info("newton", True, em_gain(problem, there, 1.0 - float(values[0])))


def next_radius(radius: float, length: float, share: float) -> float:
    """Return the radius after a step that brought this share of the predicted rise."""
    if share > 0.75:
        return max(radius, 3.0 * length)
    return 0.5 * length if share < 0.25 else radius


def rise(values: Array, slopes: Array, step: Array) -> float:
    """Return what the quadratic model with these curvatures and slopes promises of a step, nats."""
    return float(slopes @ step - 0.5 * values @ step**2)


def best_step(values: Array, slopes: Array, radius: float) -> Array:
    """Maximise slopes's - half sum values s^2 over |s| <= radius, exactly (the hard case included).

    Parameters
    ----------
    values : ndarray, shape (p,)
        Curvatures, ascending; negative ones are directions along which the model rises for ever.
    slopes : ndarray, shape (p,)
    radius : float
    """
    if values[0] > 0:
        newton = slopes / values
        if np.linalg.norm(newton) <= radius:
            return newton
    floor = max(0.0, -float(values[0]))
    tiny = 1e-14 * max(1.0, float(np.abs(values).max()))

    def excess(shift: float) -> float:
        return float(np.linalg.norm(slopes / (values + shift))) - radius

    if excess(floor + tiny) < 0:  # hard case: no slope along the lowest curvature
        step = np.where(values + floor > tiny, slopes / np.maximum(values + floor, tiny), 0.0)
        step[0] += np.sqrt(max(radius**2 - float(step @ step), 0.0)) * (1.0 if slopes[0] >= 0 else -1.0)
        return step
    ceiling = floor + float(np.linalg.norm(slopes)) / radius + tiny
    shift = scipy.optimize.brentq(excess, floor + tiny, ceiling, xtol=1e-300, rtol=1e-12)
    result: Array = slopes / (values + shift)
    return result
