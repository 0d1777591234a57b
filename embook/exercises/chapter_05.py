"""The checked exercises of chapter 5."""

from __future__ import annotations

from typing import Any

import numpy as np

from embook.exercises.exercise import Exercise

__all__ = ["EXERCISES"]


def in_seconds(gradient: Any) -> Any:
    """Return the gradient with the second coordinate in seconds in place of minutes."""
    return gradient / np.array([1.0, 60.0])


EXERCISES = {
    1: Exercise(
        right=in_seconds,
        cases=((np.array([-3.0, 12.0]),), (np.array([0.5, -90.0]),)),
        slips={
            "a slope is per unit, and a second is the smaller unit: divide by 60":
                lambda gradient: gradient * np.array([1.0, 60.0]),
            "the log-likelihood is the same function, but its slope per second is another than per minute":
                lambda gradient: gradient,
            "durations are still in minutes; only the slope in the wait changes": lambda gradient: gradient / 60,
            "60 once: the square belongs to a step along the gradient, drawn in minutes":
                lambda gradient: gradient / np.array([1.0, 3600.0]),
        },
    ),
    2: Exercise(
        right=[14 / 3, -4.0],
        tolerance=1e-3,
        slips={
            "the first is EM's whole step; P g leads to the scatter about the old mean, 1": [2 / 3, -4.0],
            "the remainder is negative: the scatter about the new mean is the smaller one": [14 / 3, 4.0],
            "the scatter about the old mean is where P g leads; take the old variance from it": [20 / 3, -4.0],
            "the remainder is minus the square of the step of the mean": [14 / 3, -2.0],
        },
    ),
}
