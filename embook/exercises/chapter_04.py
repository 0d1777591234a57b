"""The checked exercises of chapter 4."""

from __future__ import annotations

import numpy as np

from embook.exercises.exercise import Exercise

__all__ = ["EXERCISES"]

EM_END = 2 * np.tanh(2.0)  # of the symmetric mixture, y = 2, from 1

EXERCISES = {
    1: Exercise(
        right=2.56,
        tolerance=1e-3,
        slips={
            "divide by the variance: a slope is per unit of the mean": 0.64,
            "this is EM's step; the slope is not divided by the sum of the responsibilities": 0.64 / 2.4,
            "every eruption counts with its responsibility": (15.9 - 20) / 0.25,
            "the eruption of 3.1 minutes counts with 0.4; it is not left out": 4.0,
            "divide by the variance, not by the standard deviation": 1.28,
        },
    ),
    2: Exercise(
        right=[EM_END, 1 + 1.5 * (EM_END - 1)],
        tolerance=1e-3,
        slips={
            "the second stretches the step, not the point: begin at theta": [EM_END, 1.5 * EM_END],
            "the first is the gradient; add it to theta": [EM_END - 1, 1 + 1.5 * (EM_END - 1)],
            "the posterior mean of the sign is tanh(y theta), not tanh(y theta / 2)":
                [2 * np.tanh(1.0), 1 + 1.5 * (2 * np.tanh(1.0) - 1)],
        },
    ),
}  # fmt: skip
