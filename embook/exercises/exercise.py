"""One exercise: its right answer, known slips, and the sentence that an answer earns."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from embook.format import number

__all__ = ["Exercise", "told"]


@dataclass(frozen=True)
class Exercise:
    """What is asked for: a number, an array or a function.

    Parameters
    ----------
    right : number, array or function
        The right answer.
    slips : mapping of str to answer
        Wrong answers that a known slip gives, by the sentence that helps.
    cases : sequence of tuples
        Arguments on which a function is tried; empty for other answers.
    tolerance : float
        Largest difference, relative to 1 + the right value, that counts as right.
    """

    right: Any
    slips: Mapping[str, Any] = field(default_factory=dict)
    cases: tuple[tuple[Any, ...], ...] = ()
    tolerance: float = 1e-6


def told(exercise: Exercise, answer: Any) -> str:
    """Return the sentence for an answer: right, what is off, or not answered yet."""
    if answer is None or answer is ...:
        return "not answered yet"
    if exercise.cases and not callable(answer):
        return f"not yet: a function is asked for, this is of type {type(answer).__name__}"
    try:
        found, wanted = _values(exercise, answer), _values(exercise, exercise.right)
    except _Unanswered:
        return "not answered yet"
    except _Unusable as reason:
        return f"not yet: {reason}"
    off = _off(found, wanted, exercise.tolerance)
    if off is None:
        return "right"
    for hint, slip in exercise.slips.items():
        if _off(found, _values(exercise, slip), exercise.tolerance) is None:
            return f"not yet: {hint}"
    return f"not yet: {off}"


class _Unanswered(Exception):
    """A function that returns ``...``, as it stands in the notebook."""


class _Unusable(Exception):
    """An answer that has no values to compare."""


def _values(exercise: Exercise, answer: Any) -> list[Any]:
    """Return an answer as arrays, one for each case."""
    if not exercise.cases:
        return [_array(answer)]
    return [_array(_result(answer, case)) for case in exercise.cases]


def _result(function: Callable[..., Any], case: tuple[Any, ...]) -> Any:
    try:
        result = function(*(np.copy(argument) if isinstance(argument, np.ndarray) else argument for argument in case))
    except Exception as error:  # whatever a reader's function raises is shown, not thrown at them
        raise _Unusable(f"the function raises {type(error).__name__}: {error}") from error
    if result is ...:
        raise _Unanswered
    if result is None:
        raise _Unusable("the function returns None; does it end with return?")
    return result


def _array(value: Any) -> Any:
    try:
        array = np.asarray(value, dtype=float)
    except (TypeError, ValueError) as error:
        raise _Unusable("a number or an array of numbers is asked for") from error
    if not np.isfinite(array).all():
        raise _Unusable("the answer holds infinities or values that are not numbers")
    return array


def _off(found: list[Any], wanted: list[Any], tolerance: float) -> str | None:
    """Return what is off, None when nothing is."""
    for mine, theirs in zip(found, wanted, strict=True):
        if mine.shape != theirs.shape:
            return f"the shape is {mine.shape}, it should be {theirs.shape}"
        gap = np.max(np.abs(mine - theirs) / (1 + np.abs(theirs)), initial=0.0)
        if gap > tolerance:
            return f"the largest difference from the right answer is {number(np.abs(mine - theirs).max(), 2)}"
    return None
