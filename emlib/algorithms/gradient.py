"""Gradient ascent on the log-likelihood, and first-order EM, which is the same thing per unit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from emlib.algorithms.base import Info, State
from emlib.algorithms.line_search import backtrack
from emlib.numerics import Array
from emlib.problem import Evaluation, Problem
from emlib.result import Status

GROWTH = 2.0  # how much longer the first probe of a line search is than the last accepted step


@dataclass(frozen=True)
class GradientAscent:
    """x <- x + step * gradient, along the feasible directions.

    Parameters
    ----------
    step : float or None
        Fixed step length; None searches along the gradient (Armijo).

    Notes
    -----
    With a fixed step the log-likelihood may fall, and a step may leave the space in standard coordinates.
    """

    step_length: float | None = None
    coordinates: str = "free"

    def __post_init__(self) -> None:
        _check_step(self.step_length)

    @property
    def monotone(self) -> bool:
        """True with the line search only."""
        return self.step_length is None

    def init(self, problem: Problem, evaluation: Evaluation) -> State:
        """Return the starting state; the first probe moves by about one unit."""
        return State(evaluation, {"step": 1.0 / max(1.0, float(np.linalg.norm(evaluation.gradient)))})

    def step(self, problem: Problem, state: State) -> tuple[State, Info]:
        """Move along the gradient."""
        here = state.evaluation
        direction = problem.lift(problem.reduce(here.gradient))
        if self.step_length is not None:
            return fixed_step(problem, state, self.step_length * direction, "gradient")
        there = backtrack(problem, here, direction, GROWTH * state.memory["step"])
        if there is None:
            return state, Info("gradient", False, None, Status.LINE_SEARCH_FAILED)
        used = float(np.linalg.norm(there.x - here.x) / np.linalg.norm(direction))
        return State(there, {"step": used}), Info("gradient")


@dataclass(frozen=True)
class FirstOrderEM:
    """x <- x + step * grad Q_n(x | x): one gradient step on the average Q of a unit.

    Parameters
    ----------
    step_length : float
        Step per unit; gradient ascent on the total log-likelihood with step_length/n makes the same steps.

    Notes
    -----
    Balakrishnan, Wainwright & Yu (2017). By Fisher's identity it is gradient ascent.
    """

    step_length: float = 1.0
    coordinates: str = "standard"
    monotone: ClassVar[bool] = False

    def __post_init__(self) -> None:
        _check_step(self.step_length)

    def init(self, problem: Problem, evaluation: Evaluation) -> State:
        """Return the starting state."""
        return State(evaluation)

    def step(self, problem: Problem, state: State) -> tuple[State, Info]:
        """Move along the gradient of Q at the current point."""
        here = state.evaluation
        slopes = problem.model.q_gradient(here.params, here.stats)
        slope = problem.model.space.pullback(here.params, slopes, problem.coordinates) / problem.data.n_units
        return fixed_step(problem, state, self.step_length * problem.lift(problem.reduce(slope)), "first-order EM")


def fixed_step(problem: Problem, state: State, move: Array, kind: str) -> tuple[State, Info]:
    """Make a step as it is; leaving the space ends the run."""
    there = problem.evaluate(state.evaluation.x + move)
    if there.fault is not None:
        return state, Info(kind, False, None, Status.DEGENERATE, there.fault + "; use a shorter step_length")
    return State(there, state.memory), Info(kind)


def _check_step(value: float | None) -> None:
    if value is not None and not (np.isfinite(value) and value > 0):
        raise ValueError(f"step_length: {value!r} found; a positive number is needed")
