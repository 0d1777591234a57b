"""Lange's EM-gradient algorithm: one Newton step on Q instead of its maximisation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.linalg import LinAlgError, cho_factor, cho_solve

from emlib.algorithms.base import Info, State
from emlib.algorithms.em import em_step
from emlib.algorithms.line_search import backtrack
from emlib.numerics import Array
from emlib.problem import Evaluation, Problem


@dataclass(frozen=True)
class EMGradient:
    """x <- x + [-d2Q(x | x)]^-1 gradient, halved until the log-likelihood rises.

    Where Q is not concave at the current point (theorem T12) the EM step is made instead.

    Notes
    -----
    Lange (1995), JRSS-B 57:425-437; the local rate is EM's.
    """

    coordinates: str = "standard"
    monotone: ClassVar[bool] = True

    def init(self, problem: Problem, evaluation: Evaluation) -> State:
        """Return the starting state."""
        return State(evaluation, {"slopes": np.empty(0)})

    def step(self, problem: Problem, state: State) -> tuple[State, Info]:
        """Make one Newton step on Q, or an EM step where that is none."""
        here = state.evaluation
        direction = newton_on_q(problem, here)
        there = None if direction is None else backtrack(problem, here, direction)
        if there is None:
            return em_step(problem, state)
        return State(there, {"slopes": np.empty(0)}), Info("em-gradient")


def newton_on_q(problem: Problem, here: Evaluation) -> Array | None:
    """Return the Newton step of Q at the current point, or None where Q is not concave."""
    hessian = problem.model.q_hessian(here.params, here.stats, problem.coordinates)
    try:
        factor = cho_factor(-problem.reduce(problem.reduce(hessian).T))
    except (LinAlgError, ValueError):
        return None
    return problem.lift(cho_solve(factor, problem.reduce(here.gradient)))
