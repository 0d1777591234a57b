"""The hybrid: two algorithms, and a criterion that says which of them makes the next step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from emlib.algorithms.base import Algorithm, Info, State, check_algorithm
from emlib.algorithms.criteria import Criterion
from emlib.algorithms.relay import Relay
from emlib.numerics import Array
from emlib.problem import Evaluation, Problem
from emlib.result import Status

INNER = "inner."  # before the names of what the algorithm at work remembers


@dataclass(frozen=True)
class Switch:
    """Let `second` work while a criterion holds, `first` while it does not.

    Parameters
    ----------
    first, second : Algorithm
        Each starts afresh when its turn comes.
    when : Criterion
        Made by `entropy_above`, `missing_information_above` or `after`.
    hysteresis : float
        How far the quantity must fall below the level before `first` has its turn again, in its own units; it
        keeps a quantity that hovers about the level from throwing away what the algorithms have learnt.

    Notes
    -----
    The hybrid of Salakhutdinov, Roweis & Ghahramani (2003) is ``Switch(EM(), ECG(), entropy_above(level))``. Where
    a line search of `second` finds nothing, `first` makes the step. Where the two work in different coordinates,
    both work in free ones.

    Examples
    --------
    >>> import emlib
    >>> from emlib import datasets
    >>> from emlib.algorithms import ECG, EM, Switch, after
    >>> from emlib.models import PoissonMixture
    >>> values, days = datasets.hasselblad()
    >>> data = PoissonMixture(2).as_data(values, days)
    >>> result = emlib.fit(PoissonMixture(2), data, algorithm=Switch(EM(), ECG(), when=after(3)), rng=0)
    >>> result.success, " ".join(result.trace.kind[:6])
    (True, 'start em em em ecg ecg')
    """

    first: Algorithm
    second: Algorithm
    when: Criterion
    hysteresis: float = 0.05

    def __post_init__(self) -> None:
        for algorithm in (self.first, self.second):
            check_algorithm(algorithm)
            if isinstance(algorithm, Relay):
                raise TypeError(f"first, second: {algorithm!r} found; a Relay is no part, the run itself hands over")
        if not isinstance(self.when, Criterion):
            raise TypeError(f"when: {self.when!r} found; give a criterion, such as entropy_above(0.5)")
        if not (np.isfinite(self.hysteresis) and self.hysteresis >= 0):
            raise ValueError(f"hysteresis: {self.hysteresis!r} found; a number is needed, 0 for none")

    @property
    def coordinates(self) -> str:
        """Those of the two algorithms if they agree, else free ones."""
        return self.first.coordinates if self.first.coordinates == self.second.coordinates else "free"

    @property
    def monotone(self) -> bool:
        """True if both algorithms are."""
        return self.first.monotone and self.second.monotone

    def init(self, problem: Problem, evaluation: Evaluation) -> State:
        """Return the starting state.

        Raises
        ------
        ValueError
            If one of the algorithms cannot work in the problem's coordinates, or the model has not what the
            criterion measures.
        """
        for algorithm in (self.first, self.second):
            algorithm.init(problem, evaluation)
        readings = self._readings(problem, evaluation, evaluation, 0, np.empty(0))
        second = self._holds(readings, False)
        return _packed(self._at_work(second).init(problem, evaluation), second, 0, readings)

    def step(self, problem: Problem, state: State) -> tuple[State, Info]:
        """Make a step of the algorithm whose turn it is, and choose whose turn is next."""
        second, n_steps = bool(state.memory["second"]), int(state.memory["n_steps"]) + 1
        moved, info = self._at_work(second).step(problem, State(state.evaluation, _inner(state.memory)))
        if second and info.status is Status.LINE_SEARCH_FAILED:
            second = False
            moved, info = self.first.step(problem, self.first.init(problem, state.evaluation))
        readings = self._readings(problem, state.evaluation, moved.evaluation, n_steps, state.memory["readings"])
        chosen = self._holds(readings, second)
        if chosen is not second:
            moved = self._at_work(chosen).init(problem, moved.evaluation)
        return _packed(moved, chosen, n_steps, readings), info

    def _at_work(self, second: bool) -> Algorithm:
        return self.second if second else self.first

    def _readings(self, problem: Problem, before: Evaluation, after: Evaluation, n_steps: int,
                  readings: Array) -> Array:
        """Return the last readings of the criterion with the one after this step, if it can be measured."""
        value = self.when.measure(problem, before, after, n_steps)
        return readings if np.isnan(value) else np.append(readings, value)[-self.when.window:]

    def _holds(self, readings: Array, second: bool) -> bool:
        level = self.when.level - (self.hysteresis if second else 0.0)
        return bool(len(readings)) and float(readings.max()) >= level


def _packed(state: State, second: bool, n_steps: int, readings: Array) -> State:
    inner = {INNER + name: value for name, value in state.memory.items()}
    return State(state.evaluation, {"second": second, "n_steps": n_steps, "readings": readings, **inner})


def _inner(memory: Mapping[str, Any]) -> dict[str, Any]:
    return {name.removeprefix(INNER): value for name, value in memory.items() if name.startswith(INNER)}
