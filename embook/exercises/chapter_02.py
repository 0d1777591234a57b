"""The checked exercises of chapter 2."""

from __future__ import annotations

from typing import Any

import numpy as np

from embook.exercises.exercise import Exercise

__all__ = ["EXERCISES"]

WAITS = np.array([54.0, 66.0, 78.0])
LONG = 1 / (1 + np.exp(-np.array([-8.0, 0.0, 8.0])))  # their responsibilities at 78


def gap(q: Any, posterior: Any) -> Any:
    """Return the divergence of beliefs from the posterior, summed over the observations."""
    return np.sum(q * np.log(q / posterior))


CASES = (
    (np.array([[0.2, 0.8], [0.5, 0.5], [0.9, 0.1]]), np.array([[0.4, 0.6], [0.7, 0.3], [0.3, 0.7]])),
    (np.array([[0.2, 0.3, 0.5], [0.1, 0.1, 0.8]]), np.array([[0.3, 0.3, 0.4], [0.6, 0.2, 0.2]])),
)

EXERCISES = {
    1: Exercise(
        right=LONG @ WAITS / LONG.sum(),
        tolerance=1e-3,
        slips={
            "divide by the sum of the responsibilities, 1.5, not by 3": LONG @ WAITS / 3,
            "the wait of 66 minutes lies halfway: it counts with one half, not as a whole": 72.0,
            "the wait of 66 minutes lies halfway: it counts with one half; it is not left out": 78.0,
            "this is the plain mean of all three; weigh each wait with its responsibility": 66.0,
            "these are the weights of the short kind, whose mean is known": (1 - LONG) @ WAITS / (1 - LONG).sum(),
        },
    ),
    2: Exercise(
        right=gap,
        cases=CASES,
        slips={
            "this is the wrong way round: the average is taken over q, not over the posterior":
                lambda q, posterior: gap(posterior, q),
            "the sign is the wrong one: the gap is never negative": lambda q, posterior: -gap(q, posterior),
            "this is the entropy of q; the posterior must enter": lambda q, posterior: -np.sum(q * np.log(q)),
            "the entropy of q is missing": lambda q, posterior: -np.sum(q * np.log(posterior)),
            "sum over the observations; this is their mean": lambda q, posterior: gap(q, posterior) / len(q),
            "one number is asked for; sum over the observations, too":
                lambda q, posterior: np.sum(q * np.log(q / posterior), axis=1),
        },
    ),
}
