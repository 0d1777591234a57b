"""What an algorithm is: settings with two pure methods, `init` and `step`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from emlib.problem import Evaluation, Problem
from emlib.result import Status

ROUNDING = 1e-14  # relative change of the log-likelihood that carries no information


@dataclass(frozen=True, eq=False)
class State:
    """The state of a run: the current evaluation, and what the algorithm remembers (arrays and scalars)."""

    evaluation: Evaluation
    memory: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Info:
    """What one step did.

    Attributes
    ----------
    kind : str
        "em", "gradient", "newton", "lbfgs", ...
    accepted : bool
        Whether the point moved.
    remaining : float or None
        The algorithm's estimate of the remaining gain in nats; None leaves it to the EM step's.
    status : Status or None
        Set when the algorithm cannot go on.
    message : str
    exact : bool
        Whether `remaining` is Newton's estimate by the exact Hessian, at a point without positive curvature if it is
        finite: then the curvature is not looked at once more.
    """

    kind: str
    accepted: bool = True
    remaining: float | None = None
    status: Status | None = None
    message: str = ""
    exact: bool = False


class Algorithm(Protocol):
    """Frozen settings; `coordinates` are the ones `fit` uses, `monotone` promises that loglik never falls."""

    @property
    def coordinates(self) -> str: ...
    @property
    def monotone(self) -> bool: ...
    def init(self, problem: Problem, evaluation: Evaluation) -> State: ...
    def step(self, problem: Problem, state: State) -> tuple[State, Info]: ...


def check_algorithm(algorithm: Any) -> None:
    """Raise TypeError unless the argument is an algorithm with its settings: not a name, not the class."""
    if isinstance(algorithm, type) or not all(hasattr(algorithm, name) for name in ("init", "step", "coordinates")):
        raise TypeError(f"algorithm: {algorithm!r} found; give an algorithm with its settings, such as EM()")


def require_free(problem: Problem, name: str) -> None:
    """Raise ValueError unless the problem is in free coordinates, in which no step leaves the space."""
    if problem.coordinates != "free":
        raise ValueError(f"coordinates: {name} works in 'free' ones, the problem has {problem.coordinates!r}; leave "
                         "coordinates out, or give an algorithm that works in these, such as EM()")


INNER = ("identity", "complete")  # inner products: Euclid's, or that of the complete information


def check_inner(inner: Any, coordinates: Any) -> None:
    """Raise ValueError unless the inner product is known, and the complete information's in free coordinates."""
    if inner not in INNER:
        raise ValueError(f"inner: {inner!r} is unknown; choose one of {INNER}")
    if inner == "complete" and coordinates != "free":
        raise ValueError(f"inner: 'complete' found with {coordinates!r} coordinates; give coordinates='free', too")


def is_integer(value: Any, least: int) -> bool:
    """Return whether a setting is a whole number of at least this size; True and False are none."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def is_number(value: Any) -> bool:
    """Return whether a setting is a finite number; True and False are none."""
    return isinstance(value, (int, float, np.number)) and not isinstance(value, bool) and bool(np.isfinite(value))


def check_step_length(value: Any) -> None:
    """Raise ValueError unless the step length is a positive finite number."""
    if not is_number(value) or value <= 0:
        raise ValueError(f"step_length: {value!r} found; a positive number is needed")


def check_share(value: Any, name: str) -> None:
    """Raise ValueError unless the value is a number in [0, 1)."""
    if not is_number(value) or not 0 <= value < 1:
        raise ValueError(f"{name}: {value!r} found; a number from 0 to below 1 is needed")
