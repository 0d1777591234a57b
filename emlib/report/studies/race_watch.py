"""How one run of the race is watched: the E-step at which each precision is reached, whoever makes the evaluations."""

from __future__ import annotations

from typing import Any

import numpy as np

from emlib.algorithms import Algorithm
from emlib.model import Data
from emlib.numerics import Array
from emlib.problem import Evaluation, Problem
from emlib.solve import solve

PRECISIONS = (1e-1, 1e-3, 1e-6)  # nats below the goal
TOL = 1e-9  # nats left to gain at which a run counts as at rest
NEVER = -1  # in place of a number of E-steps
ENDS = {"goal": "at the goal", "budget": "out of budget", "rest": "at rest elsewhere", "failed": "stopped by a failure"}


class Halt(Exception):
    """The finest precision is reached, or the budget spent."""


class Watched(Problem):
    """A problem that notes when its log-likelihood first comes within each precision of a goal.

    Parameters
    ----------
    goal : float
        The log-likelihood to reach, nats.
    budget : int
        E-steps after which the run is halted.

    Attributes
    ----------
    reached : list of int
        The number of E-steps spent when each precision was first reached, or `NEVER`.
    best : float
        The highest log-likelihood met.
    """

    def __init__(self, model: Any, data: Data, coordinates: str, goal: float, budget: int) -> None:
        super().__init__(model, data, coordinates)
        self.goal, self.budget = goal, budget
        self.reached = [NEVER] * len(PRECISIONS)
        self.best = -np.inf

    def _evaluate(self, x: Array, params: Any) -> Evaluation:
        if self.n_estep >= self.budget:
            raise Halt
        found = super()._evaluate(x, params)
        self.best = max(self.best, found.loglik)
        for place, precision in enumerate(PRECISIONS):
            if self.reached[place] == NEVER and found.loglik >= self.goal - precision:
                self.reached[place] = self.n_estep
        if self.reached[-1] != NEVER:
            raise Halt
        return found


def watch(model: Any, data: Data, algorithm: Algorithm, start: Any, goal: float, budget: int) -> tuple[Watched, str]:
    """Run an algorithm from a start; return what was noted, and one of `ENDS`."""
    watched = Watched(model, data, algorithm.coordinates, goal, budget)
    try:
        found = solve(watched, algorithm, model.space.pack(start, algorithm.coordinates), tol=TOL, max_estep=budget)
    except Halt:
        return watched, "goal" if watched.reached[-1] != NEVER else "budget"
    if found.n_estep >= budget:
        return watched, "budget"
    return watched, "rest" if found.success else "failed"
