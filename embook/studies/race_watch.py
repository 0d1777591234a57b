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
RISE = 1e-9  # nats: a run whose best point rises by less is at rest
PATIENCE = 10  # iterations an E-step: one may be rejected without a new point, none may go on so for ever


class Halt(Exception):
    """Raised when the finest precision is reached, the budget is spent, or the run is at rest."""


class Watched(Problem):
    """A problem that notes when its log-likelihood first comes within each precision of a goal.

    Parameters
    ----------
    goal : float
        The log-likelihood to reach, nats.
    budget : int
        E-steps after which the run is halted.
    rest : int, optional
        E-steps without a rise by `RISE` after which it is halted, too; never if not given.

    Attributes
    ----------
    reached : list of int
        The number of E-steps spent when each precision was first reached, or `NEVER`.
    best : float
        The highest log-likelihood met.
    n_louis : int
        Hessians in closed form so far; those by differences are E-steps already.
    """

    def __init__(self, model: Any, data: Data, coordinates: str, goal: float, budget: int,
                 rest: int | None = None) -> None:
        super().__init__(model, data, coordinates)
        self.goal, self.budget, self.rest = goal, budget, rest
        self.reached = [NEVER] * len(PRECISIONS)
        self.best = self.risen = -np.inf
        self.last_rise = self.n_louis = 0

    @property
    def end(self) -> str:
        """What halted the run."""
        return "goal" if self.reached[-1] != NEVER else "budget" if self.n_estep >= self.budget else "rest"

    def missing_information(self, params: Any) -> Array:
        """Return the missing information as always, and count the call."""
        self.n_louis += 1
        return super().missing_information(params)

    def _evaluate(self, x: Array, params: Any) -> Evaluation:
        if self.n_estep >= self.budget:
            raise Halt
        found = super()._evaluate(x, params)
        self.best = max(self.best, found.loglik)
        for place, precision in enumerate(PRECISIONS):
            if self.reached[place] == NEVER and found.loglik >= self.goal - precision:
                self.reached[place] = self.n_estep
        if self.reached[-1] != NEVER or self._is_at_rest():
            raise Halt
        return found

    def _is_at_rest(self) -> bool:
        if self.best > self.risen + RISE:
            self.risen, self.last_rise = self.best, self.n_estep
        return self.rest is not None and self.n_estep - self.last_rise >= self.rest


def watch(model: Any, data: Data, algorithm: Algorithm, start: Any, goal: float, budget: int,
          rest: int | None = None) -> tuple[Watched, str]:
    """Run an algorithm from a start until the goal is reached, the budget spent, or the algorithm cannot go on.

    With `rest` it is halted, too, when its best point has not risen by `RISE` in so many E-steps.

    Returns
    -------
    watched : Watched
    end : str
        "goal", "budget", "rest", or the name of the status with which the algorithm gave up.

    Notes
    -----
    The algorithm's own stopping rule is not applied, so that none can favour anybody. A run in another optimum is at
    rest at last; without `rest` it spends its budget.
    """
    watched = Watched(model, data, algorithm.coordinates, goal, budget, rest)
    try:
        state = algorithm.init(watched, watched.evaluate(model.space.pack(start, algorithm.coordinates)))
        idle = 0  # iterations that stay where they are, as EM's do at a fixed point
        for _ in range(PATIENCE * budget):
            before = watched.n_estep
            state, info = algorithm.step(watched, state)
            if info.status is not None:
                return watched, info.status.name
            idle = idle + 1 if watched.n_estep == before else 0
            if rest is not None and idle >= rest:
                return watched, "rest"
    except Halt:
        return watched, watched.end
    return watched, "STANDSTILL"
