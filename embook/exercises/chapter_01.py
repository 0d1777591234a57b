"""The checked exercises of chapter 1."""

from __future__ import annotations

from typing import Any

import numpy as np

from embook.exercises.exercise import Exercise

__all__ = ["EXERCISES"]


def mean_gradient(y: Any, r: Any, mean: Any, cov: Any) -> Any:
    """Return the gradient of the log-likelihood by the mean of a group."""
    return np.linalg.solve(cov, r @ (y - mean))


CASE = (
    np.array([[1.0, 2.0], [3.0, 5.0], [2.5, 4.0]]), np.array([0.2, 0.9, 0.5]), np.array([2.0, 3.0]),
    np.array([[2.0, 0.5], [0.5, 1.0]]),
)  # fmt: skip

EXERCISES = {
    1: Exercise(
        right=[0.48, 10.24 / 2.4],
        tolerance=1e-3,
        slips={
            "the mean is a sum over all eruptions divided by n_k = 2.4, not by 5": [0.48, 10.24 / 5],
            "the eruption of 3.1 minutes counts with 0.4, not as a whole": [0.6, 12.1 / 3],
            "the eruption of 3.1 minutes counts with 0.4; it is not left out": [0.4, 4.5],
            "this is the plain mean of all five": [0.48, 15.9 / 5],
        },
    ),
    2: Exercise(
        right=mean_gradient,
        cases=(CASE,),
        slips={
            "the inverse of the covariance is missing": lambda y, r, mean, cov: r @ (y - mean),
            "each eruption counts with its responsibility":
                lambda y, r, mean, cov: mean_gradient(y, 0 * r + 1, mean, cov),
            "the sign is the wrong one: it points from the mean to the data":
                lambda y, r, mean, cov: -mean_gradient(y, r, mean, cov),
            "this is the step of EM; the gradient is not divided by the sum of r":
                lambda y, r, mean, cov: r @ (y - mean) / r.sum(),
            "multiply by the inverse of the covariance, not by the covariance":
                lambda y, r, mean, cov: cov @ (r @ (y - mean)),
        },
    ),
}
