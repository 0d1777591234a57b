"""The checked exercises of chapter 3."""

from __future__ import annotations

from typing import Any

import numpy as np

from embook.exercises.exercise import Exercise

__all__ = ["EXERCISES"]


def multiply(w: Any, slope: Any, h: Any) -> Any:
    """Return shares after one multiplicative step."""
    grown = w * np.exp(h * slope)
    return grown / grown.sum()


CASES = (
    (np.array([0.2, 0.3, 0.5]), np.array([1.5, 0.2, -0.3]), 0.4),
    (np.array([0.6, 0.4]), np.array([-1.0, 2.0]), 1.5),
)

EXERCISES = {
    1: Exercise(
        right=[0.75, 2.0],
        slips={
            "divide the notices by the usual days, not by all days": [0.75, 1.5],
            "the share is the expected number of usual days over all hundred": [75.0, 2.0],
            "the rate is the mean over the usual days; this is the number of their notices": [0.75, 150.0],
            "this is the mean over all days; count the usual ones alone": [0.75, 2.14],
        },
    ),
    2: Exercise(
        right=multiply,
        cases=CASES,
        slips={
            "bring the sum back to one": lambda w, slope, h: w * np.exp(h * slope),
            "multiply by the exponential instead of adding the slope": lambda w, slope, h: w + h * slope,
            "the old shares are missing": lambda w, slope, h: multiply(np.ones(len(w)), slope, h),
            "the sign is the wrong one: shares with a large slope must grow":
                lambda w, slope, h: multiply(w, -slope, h),
            "the length h is missing": lambda w, slope, h: multiply(w, slope, 1.0),
        },
    ),
}
