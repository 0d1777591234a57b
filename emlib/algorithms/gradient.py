"""Gradient ascent on the log-likelihood, and first-order EM, which is the same thing per unit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from emlib.algorithms.base import Info, State, check_share, check_step_length
from emlib.algorithms.line_search import backtrack
from emlib.numerics import Array
from emlib.problem import Evaluation, Problem
from emlib.result import Status

PROBE_GROWTH = 2.0  # how much longer the first probe of a line search is than the last accepted step


@dataclass(frozen=True)
class GradientAscent:
    """x <- x + step_length * gradient, along the feasible directions.

    Parameters
    ----------
    step_length : float or None
        Fixed step length; None searches along the gradient (Armijo).
    coordinates : {"free", "standard", "mean"}
    momentum : float
        Share of the last velocity v that is kept, in [0, 1): v <- momentum v + step_length gradient, x <- x + v
        (Polyak's heavy ball). Needs a fixed step length.
    nesterov : bool
        Whether the gradient is taken where the momentum alone would lead.

    Notes
    -----
    With a fixed step the log-likelihood may fall, and a step may leave the space in standard coordinates, which ends
    the run. On a parabola with curvatures from m to L plain steps of 2/(L + m) contract by (L - m)/(L + m), the
    heavy ball (Polyak 1964) with step 4/(L^0.5 + m^0.5)^2 and the square of (L^0.5 - m^0.5)/(L^0.5 + m^0.5) as
    momentum by that quotient itself. Nesterov's points (1983) are kept where the gradients are taken, so that here,
    too, an iteration costs one E-step.

    Examples
    --------
    >>> import emlib
    >>> from emlib.algorithms import GradientAscent
    >>> from emlib.models import Linkage
    >>> [emlib.fit(Linkage(), [125, 18, 20, 34], start={"theta": 0.1}, algorithm=algorithm).nit
    ...  for algorithm in (GradientAscent(0.01), GradientAscent(0.01, momentum=0.5))]
    [52, 30]
    """

    step_length: float | None = None
    coordinates: str = "free"
    momentum: float = 0.0
    nesterov: bool = False

    def __post_init__(self) -> None:
        if self.step_length is not None:
            check_step_length(self.step_length)
        check_share(self.momentum, "momentum")
        if self.momentum > 0 and self.step_length is None:
            raise ValueError(f"momentum: {self.momentum!r} found with a line search; give a step_length, too")
        if self.nesterov and not self.momentum > 0:
            raise ValueError("nesterov: True found without momentum; give momentum, too, such as 0.9")

    @property
    def monotone(self) -> bool:
        """True with the line search only."""
        return self.step_length is None

    def init(self, problem: Problem, evaluation: Evaluation) -> State:
        """Return the starting state; the first probe moves by about one unit."""
        first = 1.0 / max(1.0, float(np.linalg.norm(evaluation.gradient)))
        return State(evaluation, {"step": first, "velocity": np.zeros(problem.size)})

    def step(self, problem: Problem, state: State) -> tuple[State, Info]:
        """Move along the gradient."""
        here, memory = state.evaluation, state.memory
        direction = problem.lift(problem.reduce(here.gradient))
        if self.step_length is not None:
            push = self.step_length * direction
            velocity = self.momentum * memory["velocity"] + push
            move = push + self.momentum * velocity if self.nesterov else velocity
            return fixed_step(problem, State(here, {**memory, "velocity": velocity}), move, "gradient")
        there = backtrack(problem, here, direction, PROBE_GROWTH * memory["step"])
        if there is None:
            return state, Info("gradient", False, None, Status.LINE_SEARCH_FAILED)
        used = float(np.linalg.norm(there.x - here.x) / np.linalg.norm(direction))
        return State(there, {**memory, "step": used}), Info("gradient")


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
        check_step_length(self.step_length)

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
    """Make a step as it is; leaving the space ends the run, and so does a step that is lost in rounding."""
    there = problem.evaluate(state.evaluation.x + move)
    if np.array_equal(there.x, state.evaluation.x):
        return state, Info(kind, False, None, Status.LINE_SEARCH_FAILED, "step_length: too short to move the point")
    if there.fault is not None:
        return state, Info(kind, False, None, Status.DEGENERATE, there.fault + "; use a shorter step_length")
    return State(there, state.memory), Info(kind)

