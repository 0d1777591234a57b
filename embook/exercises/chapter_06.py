"""The checked exercises of chapter 6."""

from __future__ import annotations

import numpy as np

from embook.exercises.exercise import Exercise

__all__ = ["EXERCISES"]

PEAK = (15 + np.sqrt(53809)) / 394  # of the linkage likelihood
KIND_2 = PEAK / (2 + PEAK)  # the probability of kind 2, given the first cell
MISSING = 125 * KIND_2 * (1 - KIND_2) / PEAK**2
COMPLETE = (125 * KIND_2 + 34) / PEAK**2 + 38 / (1 - PEAK) ** 2

EXERCISES = {
    1: Exercise(
        right=lambda share: (1 - share) / share,
        cases=((0.3,), (0.5,), (0.995666,)),
        slips={
            "1 - share is only close to it, for a share near one; solve beta share = 1 - share":
                lambda share: 1 - share,
            "this is upside down: the more is missing, the further the dial is turned down":
                lambda share: share / (1 - share),
            "this is half of EM's penalty; ask for half of the error": lambda share: 0.5 + 0 * share,
        },
    ),
    2: Exercise(
        right=10 * MISSING / (COMPLETE - MISSING),
        tolerance=1e-4,
        slips={
            "beta is small here: divide the missing information by the observed, not by the complete":
                10 * MISSING / COMPLETE,
            "beta is ten times the error": MISSING / (COMPLETE - MISSING),
            "observed and missing have changed places": 10 * (COMPLETE - MISSING) / MISSING,
        },
    ),
}
