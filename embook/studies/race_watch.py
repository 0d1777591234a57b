"""Runs of the race: the E-step at which each precision is reached, whichever program makes the evaluations."""

from __future__ import annotations

from typing import Any

import numpy as np

from emlib.algorithms import Algorithm
from emlib.data import Data
from emlib.numerics import Array
from emlib.problem import Evaluation, Problem

PRECISIONS = (1e-1, 1e-3, 1e-6)  # nats below the goal
NEVER = -1  # in place of a number of E-steps
PATIENCE = 10  # iterations an E-step: one may be rejected without a new point, none may go on so for ever


class Halt(Exception):
    """Raised when the finest precision is reached or the budget is spent."""


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
    """Run an algorithm from a start until the goal is reached, the budget spent, or the algorithm cannot go on.

    Returns
    -------
    watched : Watched
    end : str
        "goal", "budget", or the name of the status with which the algorithm gave up.

    Notes
    -----
    No stopping rule is applied, so that none can favour anybody; a run at rest in another optimum spends its budget.
    """
    watched = Watched(model, data, algorithm.coordinates, goal, budget)
    try:
        state = algorithm.init(watched, watched.evaluate(model.space.pack(start, algorithm.coordinates)))
        for _ in range(PATIENCE * budget):
            state, info = algorithm.step(watched, state)
            if info.status is not None:
                return watched, info.status.name
    except Halt:
        return watched, "goal" if watched.reached[-1] != NEVER else "budget"
    return watched, "STANDSTILL"
