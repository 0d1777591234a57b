"""The checked exercises of chapter 11."""

from __future__ import annotations

from embook.exercises.exercise import Exercise

__all__ = ["EXERCISES"]

EXERCISES = {
    2: Exercise(
        right=[-0.245937, -0.636659],
        tolerance=1e-3,
        slips={
            "the other way round: S1 is -r'v / v'v, and S2 is -r'r / r'v": [-0.636659, -0.245937],
            "mind the signs: r'v is positive here": [0.245937, 0.636659],
        },
    ),
    4: Exercise(
        right=[0.2, 2 / 7],
        tolerance=1e-3,
        slips={
            "at this a the rate is EM's own, (p + 2)/(ν + p + 2)": [0.0, 5 / 7],
            "a is right; the rate is one minus the quotient of observed and complete information": [0.2, 5 / 7],
        },
    ),
}
