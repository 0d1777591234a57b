"""The checked exercises of chapter 8."""

from __future__ import annotations

from embook.exercises.exercise import Exercise

__all__ = ["EXERCISES"]

EXERCISES = {
    1: Exercise(
        right=[2 / 100, 2 / 104, 96 / 104],
        tolerance=1e-4,
        slips={
            "the limit is two, not one, over the largest curvature": [1 / 100, 2 / 104, 96 / 104],
            "the best step has the least and the largest curvature in it, not the middle one": [
                2 / 100, 2 / 125, 75 / 125],
            "the factor is (κ - 1)/(κ + 1); yours is 1 - 1/κ": [2 / 100, 2 / 104, 96 / 100],
        },
    ),
    3: Exercise(
        right=[12, 40],
        tolerance=1e-6,
        slips={
            "half of η (c - 1) goes to each weight, so that ascent adds 0.00025 a step": [12, 20],
            "round up: after 11 and 39 steps the weight is still below 0.01": [11, 39],
            "EM multiplies by c, not by 1 + (c - 1)/2": [21, 40],
        },
    ),
}
