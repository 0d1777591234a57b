"""Expectation-conjugate-gradient: nonlinear conjugate gradients on the gradient that an E-step gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from emlib.algorithms.base import Info, State, require_free
from emlib.algorithms.line_search import wolfe
from emlib.numerics import Array
from emlib.problem import Evaluation, Problem
from emlib.result import Status

FLATNESS = 0.1  # share of the first slope left on the line; below 1/2, or the next direction may lead downhill


@dataclass(frozen=True)
class ECG:
    """Conjugate-gradient ascent (Polak-Ribiere) with a strong Wolfe line search, free coordinates.

    Notes
    -----
    The idea is that of Salakhutdinov, Roweis & Ghahramani (2003): conjugate gradients on the exact gradient, which
    an E-step gives (Fisher's identity), so that each probe of the line search costs one E-step. Ours are the
    coordinates, the constants of the search and the restarts: the direction is the plain gradient again where
    Polak and Ribiere's coefficient is negative (Gilbert & Nocedal 1992), where the direction would not rise, and
    where the search finds nothing.

    Examples
    --------
    >>> import emlib
    >>> from emlib import datasets
    >>> from emlib.algorithms import ECG, EM
    >>> from emlib.models import PoissonMixture
    >>> values, days = datasets.hasselblad()
    >>> data = PoissonMixture(2).as_data(values, days)
    >>> fast = emlib.fit(PoissonMixture(2), data, algorithm=ECG(), rng=0)
    >>> slow = emlib.fit(PoissonMixture(2), data, algorithm=EM(), rng=0)
    >>> fast.success, 5 * fast.n_estep < slow.n_estep
    (True, True)
    """

    coordinates: ClassVar[str] = "free"
    monotone: ClassVar[bool] = True

    def init(self, problem: Problem, evaluation: Evaluation) -> State:
        """Return the starting state.

        Raises
        ------
        ValueError
            If the problem is not in free coordinates.
        """
        require_free(problem, "ECG")
        return State(evaluation, _restarted(problem))

    def step(self, problem: Problem, state: State) -> tuple[State, Info]:
        """Search along the direction, then choose the next one."""
        here, memory = state.evaluation, state.memory
        direction = memory["direction"]
        if not direction @ here.gradient > 0:
            direction = here.gradient
        there = wolfe(problem, here, direction, _first_probe(here, memory, direction), FLATNESS)
        if there is not None:
            return State(there, _next_direction(here, there, direction)), Info("ecg")
        if memory["direction"].any():  # the direction may mislead: forget it and try once more
            return State(here, _restarted(problem)), Info("ecg", False)
        return state, Info("ecg", False, None, Status.LINE_SEARCH_FAILED)


def _restarted(problem: Problem) -> dict[str, Any]:
    return {"direction": np.zeros(problem.size), "predicted_gain": 0.0}


def _first_probe(here: Evaluation, memory: Mapping[str, Any], direction: Array) -> float:
    """Return the step that predicts the same gain as the last, to first order (Nocedal & Wright 2006, section 3.5)."""
    slope = float(here.gradient @ direction)
    if memory["predicted_gain"] > 0:
        return float(memory["predicted_gain"] / slope)
    return 1.0 / max(1.0, float(np.linalg.norm(direction)))


def _next_direction(here: Evaluation, there: Evaluation, direction: Array) -> dict[str, Any]:
    """Return the next direction, and the gain of the last step to first order: step times slope."""
    change = there.gradient - here.gradient
    share = max(0.0, float(there.gradient @ change) / float(here.gradient @ here.gradient))
    return {"direction": there.gradient + share * direction,
            "predicted_gain": float(here.gradient @ (there.x - here.x))}
