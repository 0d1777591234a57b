"""The checked exercises of chapter 13."""

from __future__ import annotations

from embook.exercises.exercise import Exercise

__all__ = ["EXERCISES"]

EXERCISES = {
    1: Exercise(
        right=lambda s, overlap, second: max(s**2 * overlap, 4 * second),
        cases=((1.0, 0.199, 0.1642), (3.0, 0.0493, 0.021)),
        slips={
            "this is one eigenvalue; for a close pair the other is larger": lambda s, overlap, second: s**2 * overlap,
            "this is one eigenvalue; for a separated pair the other is larger": lambda s, overlap, second: 4 * second,
            "the rate is the largest eigenvalue, not their sum":
                lambda s, overlap, second: s**2 * overlap + 4 * second,
            "this is the larger one if the weights are free, too; here the means alone are unknown":
                lambda s, overlap, second: max((s**2 + 4) * overlap, 4 * second),
        },
    ),
    2: Exercise(
        right=2,
        tolerance=1e-3,
        slips={
            "the mean has the eigenvalue nearer to one, so EM needs more steps, not fewer": 0.5,
            "compare 1 - v / lambda of the mean with the slow eigenvalue of the scale, which is 1 - 2 v / lambda": 1,
        },
    ),
}
