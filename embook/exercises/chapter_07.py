"""The checked exercises of chapter 7."""

from __future__ import annotations

import numpy as np

from embook.exercises.exercise import Exercise

__all__ = ["EXERCISES"]

EXERCISES = {
    1: Exercise(
        right=lambda n, m: 1 - m / n,
        cases=((10, 8), (50, 5), (7, 7)),
        slips={
            "this is the share that is observed; EM leaves the share that is missing": lambda n, m: m / n,
            "divide the missing information by the complete one, not by the observed": lambda n, m: (n - m) / m,
            "count what is censored, n - m, and divide it by all n": lambda n, m: 1 / m - 1 / n,
        },
    ),
    2: Exercise(
        right=0.05 * np.sqrt(10),
        tolerance=1e-3,
        slips={
            "the variance grows by the factor 10; the standard error is its root": 0.5,
            "the complete information is too large, so the right standard error is larger": 0.05 / np.sqrt(10),
            "what is observed is the share 1 - 0.9, not 0.9": 0.05 / np.sqrt(0.9),
            "this is the variance; take its root": 0.05**2 * 10,
        },
    ),
}
