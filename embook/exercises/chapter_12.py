"""The checked exercises of chapter 12."""

from __future__ import annotations

from embook.exercises.exercise import Exercise

__all__ = ["EXERCISES"]

EXERCISES = {
    2: Exercise(
        right=[1.557274, 0.142924],
        tolerance=1e-3,
        slips={
            "this is EM itself; a somewhat longer step is faster": [1.0, 0.449645],
            "this is the end of the window, where the error along no longer falls": [2.725, 1.0],
            "this step is the best one across alone; along it overshoots": [1.817, 0.333],
        },
    ),
    5: Exercise(
        right=5.0,
        tolerance=1e-3,
        slips={
            "this is the factor across the truth": 1.0,
            "the second moment of Y along the truth is the signal's square plus the noise's variance": 4.0,
            "square the signal": 3.0,
        },
    ),
}
