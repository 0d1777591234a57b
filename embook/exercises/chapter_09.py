"""The checked exercises of chapter 9."""

from __future__ import annotations

from typing import Any

import numpy as np

from embook.exercises.exercise import Exercise

__all__ = ["EXERCISES"]


def exponent_gradient(n: Any, a: Any) -> Any:
    """Return the gradient of the log-likelihood in the exponents of one row."""
    return n - n.sum() * a


CASES = (
    (np.array([3.0, 1.5, 0.5]), np.array([0.5, 0.2, 0.3])),
    (np.array([0.0, 4.0, 8.0]), np.array([0.1, 0.6, 0.3])),
)  # fmt: skip

EXERCISES = {
    1: Exercise(
        right=145 / (4 * 90 * 1e-12),
        tolerance=3e-2,
        slips={
            "the step grows with the uniqueness: 1/psi falls by 2 g / n in each step": 145 / (2 * 90 * 1e-12),
            "the step is the factor 2 psi^2 / n times the slope: the square, not psi itself": 145 / (2 * 90),
            "one step adds 2 psi^2 g / n; how many are needed?": 2e-24 * 90 / 145,
        },
    ),
    2: Exercise(
        right=exponent_gradient,
        cases=CASES,
        slips={
            "this is the step of Baum and Welch; the gradient is not divided by the count":
                lambda n, a: n / n.sum() - a,
            "what was foretold is missing: take off the count times the probability": lambda n, a: n,
            "this is the slope in the probabilities, with the entries free; the exponents change all of them":
                lambda n, a: n / a,
            "what was foretold is the count of the whole row times the probability": lambda n, a: n - a,
            "the sign is the wrong one: what was seen, less what was foretold": lambda n, a: n.sum() * a - n,
        },
    ),
}
