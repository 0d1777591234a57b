"""The checked exercises of chapter 12."""

from __future__ import annotations

from embook.exercises.exercise import Exercise
from emlib.diagnostics.symmetric_population import local_rates

__all__ = ["EXERCISES"]

ALONG, ACROSS = local_rates(1.0)
BEST = 2 / (2 - ALONG - ACROSS)

EXERCISES = {
    2: Exercise(
        right=[BEST, 1 - BEST * (1 - ACROSS)],
        tolerance=1e-3,
        slips={
            "this is EM itself; a somewhat longer step is faster": [1.0, ACROSS],
            "this is the end of the window, where the error along no longer falls": [2 / (1 - ALONG), 1.0],
            "this step is the best one across alone; along it overshoots":
                [1 / (1 - ACROSS), (ACROSS - ALONG) / (1 - ACROSS)],
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
