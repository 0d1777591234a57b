"""Expectation-maximisation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from emlib.algorithms.base import Info, State
from emlib.problem import Evaluation, MStep, Problem
from emlib.result import Status
from emlib.stopping import remaining_gain

WINDOW = 3  # ratios looked back on: the fast directions die first and would flatter the rate


@dataclass(frozen=True)
class EM:
    """x <- M(x), the maximiser of Q(. | x); one E-step per iteration.

    Notes
    -----
    Monotone (Dempster, Laird & Rubin 1977, theorem 1). Works in standard coordinates, where a
    probability may become exactly zero.
    """

    coordinates: ClassVar[str] = "standard"
    monotone: ClassVar[bool] = True

    def init(self, problem: Problem, evaluation: Evaluation) -> State:
        """Return the starting state."""
        return State(evaluation, {"slopes": np.empty(0)})

    def step(self, problem: Problem, state: State) -> tuple[State, Info]:
        """Move to the maximiser of Q."""
        return em_step(problem, state)


def em_step(problem: Problem, state: State) -> tuple[State, Info]:
    """Make one EM step; its memory holds the last values of g'(M(x) - x), whose ratios tell the rate."""
    here = state.evaluation
    target = problem.m_step(here)
    if target.fault is not None:
        return state, Info("em", False, None, Status.DEGENERATE, target.fault)
    there = problem.evaluate(target.x)
    if there.fault is not None:
        return state, Info("em", False, None, Status.NON_FINITE, there.fault)
    slopes = np.append(state.memory.get("slopes", np.empty(0)), _slope(here, target))[-WINDOW:]
    memory = {**state.memory, "slopes": slopes}
    return State(there, memory), Info("em", True, _remaining(problem, there, slopes))


def _slope(here: Evaluation, target: MStep) -> float:
    return float(here.gradient @ (target.x - here.x))


def _remaining(problem: Problem, there: Evaluation, slopes: np.ndarray) -> float:
    """The slope shrinks by the square of the rate; use the slowest ratio seen lately."""
    ahead = problem.m_step(there)
    if ahead.fault is not None:
        return np.inf
    values = np.append(slopes, _slope(there, ahead))
    if len(values) < 2:
        return np.inf
    if values[-1] <= 0:
        return abs(float(values[-1]))
    with np.errstate(divide="ignore", invalid="ignore"):
        rate = float(np.sqrt(np.max(values[1:] / values[:-1])))
    return remaining_gain(float(values[-1]), rate)
