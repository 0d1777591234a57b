"""The checked exercises of chapter 10."""

from __future__ import annotations

from embook.exercises.exercise import Exercise

__all__ = ["EXERCISES"]

EXERCISES = {
    1: Exercise(
        right=5,
        slips={
            "with four components the entropy is one half exactly, and the level counts as met": 4,
            "two components that all observations hesitate between have entropy one": 2,
            "compare log 2 / log K with one half": 3,
        },
    ),
    2: Exercise(
        right=61,
        slips={
            "with so many the entropy is one half exactly, and the level counts as met": 60,
            "divide by all observations, the certain ones included": 160,
        },
    ),
}
