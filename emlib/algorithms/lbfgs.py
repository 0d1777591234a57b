"""Limited-memory BFGS, with the complete information as its first metric."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from scipy.linalg import cho_solve

from emlib.algorithms.base import ROUNDING, Info, State, require_free
from emlib.algorithms.em import em_step
from emlib.algorithms.line_search import wolfe
from emlib.algorithms.metric import metric_factor
from emlib.numerics import Array
from emlib.problem import Evaluation, Problem
from emlib.result import Status

METRICS = ("complete", "identity")


@dataclass(frozen=True)
class LBFGS:
    """Quasi-Newton ascent with `history` pairs and a strong Wolfe line search.

    Parameters
    ----------
    history : int
    metric : {"complete", "identity"}
        What the pairs correct: I_c at the M-step of the current point (no pass over the data), or the
        scaled identity of the textbooks.

    Notes
    -----
    From a start near the boundary, such as tiny variances, the first line search may leap past the maximum and out of
    the space: ``Switch(EM(), LBFGS(), after(1))`` begins with an EM step.

    An EM step is made where I_c is no metric, near the boundary of the space, and where no step of the line search
    rises though no pairs mislead it.
    """

    history: int = 10
    metric: str = "complete"
    coordinates: ClassVar[str] = "free"
    monotone: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if self.metric not in METRICS:
            raise ValueError(f"metric: {self.metric!r} is unknown; choose one of {METRICS}")
        if self.history < 1:
            raise ValueError(f"history: {self.history} found; at least one pair is needed")

    def init(self, problem: Problem, evaluation: Evaluation) -> State:
        """Return the starting state.

        Raises
        ------
        ValueError
            If the problem is not in free coordinates.
        """
        require_free(problem, "LBFGS")
        return State(evaluation, _empty(problem.size))

    def step(self, problem: Problem, state: State) -> tuple[State, Info]:
        """Make one quasi-Newton step."""
        here, memory = state.evaluation, state.memory
        first = self._first(problem, here, memory)
        if first is None:
            return em_step(problem, state)
        direction = two_loops(here.gradient, memory, first)
        there = wolfe(problem, here, direction, self._first_step(here, memory, direction))
        if there is not None:
            memory = _remember(memory, there.x - here.x, here.gradient - there.gradient, self.history)
            return State(there, memory), Info("lbfgs")
        if len(memory["moves"]):  # the pairs may mislead: forget them and try once more
            return State(here, {**memory, **_empty(problem.size)}), Info("lbfgs", False)
        return _em_step_that_gains(problem, state)

    def _first(self, problem: Problem, here: Evaluation, memory: Mapping[str, Any]) -> Any:
        """Return the function that applies the first inverse metric; None where there is none."""
        if self.metric == "complete":
            factor = metric_factor(problem, here)
            return None if factor is None else lambda v: cho_solve((factor, True), v)
        moves, changes = memory["moves"], memory["changes"]
        scale = 1.0 if not len(moves) else float(moves[-1] @ changes[-1] / (changes[-1] @ changes[-1]))
        return lambda v: scale * v

    def _first_step(self, here: Evaluation, memory: Mapping[str, Any], direction: Array) -> float:
        if self.metric == "complete" or len(memory["moves"]):
            return 1.0
        return 1.0 / max(1.0, float(np.linalg.norm(direction)))


def _em_step_that_gains(problem: Problem, state: State) -> tuple[State, Info]:
    """Make an EM step where no step along I_c^-1 g gains: a vanishing curvature may have made it far too long."""
    here = state.evaluation
    moved, info = em_step(problem, state)
    if moved.evaluation.loglik > here.loglik + ROUNDING * here.magnitude:
        return moved, info
    return state, Info("lbfgs", False, None, Status.LINE_SEARCH_FAILED)


def two_loops(gradient: Array, memory: Mapping[str, Any], first: Any) -> Array:
    """Return the inverse-Hessian product of L-BFGS (Nocedal 1980)."""
    moves, changes = memory["moves"], memory["changes"]
    scales = 1.0 / np.einsum("ij,ij->i", moves, changes)
    rest, shares = gradient.copy(), np.empty(len(moves))
    for i in reversed(range(len(moves))):
        shares[i] = scales[i] * (moves[i] @ rest)
        rest = rest - shares[i] * changes[i]
    direction: Array = first(rest)
    for i in range(len(moves)):
        direction = direction + (shares[i] - scales[i] * (changes[i] @ direction)) * moves[i]
    return direction


def _empty(size: int) -> dict[str, Array]:
    return {"moves": np.empty((0, size)), "changes": np.empty((0, size))}


def _remember(memory: Mapping[str, Any], move: Array, change: Array, history: int) -> dict[str, Any]:
    """Append a pair if it has positive curvature, whatever the units of the coordinates; keep the last `history`."""
    if not move @ change > 1e-12 * np.abs(move * change).sum():
        return dict(memory)
    return {**memory, "moves": np.vstack([memory["moves"], move])[-history:],
            "changes": np.vstack([memory["changes"], change])[-history:]}
