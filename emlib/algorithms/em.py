"""Expectation-maximisation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from emlib.algorithms.base import Info, State, check_step_length
from emlib.algorithms.stopping import remaining_gain
from emlib.numerics import Array
from emlib.problem import Evaluation, MStep, Problem
from emlib.result import Status

N_HALVINGS = 30  # halvings of what an over-relaxed step goes beyond the M-step
N_RATIOS = 3  # slopes remembered: the fast directions die first and would flatter the rate


@dataclass(frozen=True)
class EM:
    """x <- x + step_length (M(x) - x), M(x) the maximiser of Q(. | x); one E-step per iteration.

    Parameters
    ----------
    step_length : float
        1 is EM itself; above 1 it is over-relaxed, and the log-likelihood may fall.

    Notes
    -----
    Monotone up to step_length = 1 (Dempster, Laird & Rubin 1977, theorem 1). Near an interior optimum it converges for
    step_length < 2/(1 - a), and fastest for 2/(2 - a - b), with a the smallest and b the largest eigenvalue of EM's
    Jacobian (theorem T12); a is zero for mixtures with free weights and means. Works in standard coordinates, where
    a probability may become exactly zero. Towards a noise variance of zero it creeps, ever more slowly, and ends with
    MAX_ESTEP: the default of `fit` gets there and names it. An over-relaxed step that would leave the space is brought
    nearer to M(x).

    Examples
    --------
    >>> import emlib
    >>> from emlib.algorithms import EM
    >>> from emlib.models import Linkage
    >>> [emlib.fit(Linkage(), [125, 18, 20, 34], start={"theta": 0.1}, algorithm=EM(step)).nit
    ...  for step in (0.5, 1.0, 1.15, 1.9)]
    [20, 6, 3, 27]
    """

    step_length: float = 1.0
    coordinates: ClassVar[str] = "standard"

    def __post_init__(self) -> None:
        check_step_length(self.step_length)

    @property
    def monotone(self) -> bool:
        """True unless over-relaxed."""
        return self.step_length <= 1

    def init(self, problem: Problem, evaluation: Evaluation) -> State:
        """Return the starting state."""
        return State(evaluation, {"slopes": np.empty(0)})

    def step(self, problem: Problem, state: State) -> tuple[State, Info]:
        """Move towards the maximiser of Q, or past it."""
        return em_step(problem, state, self.step_length)


def em_step(problem: Problem, state: State, length: float = 1.0) -> tuple[State, Info]:
    """Make one EM step; its memory holds the last values of g'(M(x) - x), whose ratios tell the rate."""
    here = state.evaluation
    target = problem.m_step(here)
    if target.fault is not None:
        return state, Info("em", False, None, Status.DEGENERATE, target.fault)
    there = _moved(problem, here, target, length)
    if length != 1 and np.array_equal(there.x, here.x):
        return state, Info("em", False, None, Status.LINE_SEARCH_FAILED, "step_length: too short to move the point")
    if there.fault is not None:
        return state, Info("em", False, None, Status.NON_FINITE, there.fault)
    slopes = np.append(state.memory.get("slopes", np.empty(0)), length * slope(here, target))[-N_RATIOS:]
    memory = {**state.memory, "slopes": slopes}
    return State(there, memory), Info("em", True, _remaining(problem, there, slopes, length))


def _moved(problem: Problem, here: Evaluation, target: MStep, length: float) -> Evaluation:
    """Return the point of this step length, nearer to the M-step if it would lie outside the space."""
    for _ in range(N_HALVINGS if length != 1 else 0):
        there = problem.evaluate(here.x + length * (target.x - here.x))
        if there.fault is None:
            return there
        length = 0.5 * (1 + length)
    return problem.evaluate(target.x)


def slope(here: Evaluation, target: MStep) -> float:
    """Return g'(M(x) - x), twice what the EM step promises to gain."""
    return float(here.gradient @ (target.x - here.x))


def _remaining(problem: Problem, there: Evaluation, slopes: Array, length: float) -> float:
    """Return the remaining gain by the slowest of the last rates: slopes shrink by the square of the rate."""
    ahead = problem.m_step(there)
    if ahead.fault is not None:
        return np.inf
    values = np.append(slopes, length * slope(there, ahead))
    if len(values) < 2:
        return np.inf
    if values[-1] <= 0:
        return abs(float(values[-1]))
    return remaining_gain(float(values[-1]), observed_rate(values))


def observed_rate(slopes: Array) -> float:
    """Return the slowest rate that successive values of g'(M(x) - x) show, of which there are two or more."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(np.sqrt(np.max(slopes[1:] / slopes[:-1])))
