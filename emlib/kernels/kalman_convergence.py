"""Whether the recursion of a covariance has converged, so that only means need be computed from there on."""

from __future__ import annotations

from typing import Any

import numpy as np

from emlib.kernels import small_matrices as small
from emlib.kernels.small_matrices import inlined_exact

STEP_CHANGE, TAIL_CHANGE = 1e-14, 1e-13  # relative change in one step, and in all later ones, of a converged covariance
SQUARINGS = 6  # of a matrix, for a bound on its largest eigenvalue


@inlined_exact
def largest_change(old: Any, new: Any, side: int) -> Any:
    """Return the largest change of a covariance, relative to the standard deviations; infinite if a large one is."""
    largest, change, relative = 0.0, 0.0, 0.0
    for i in range(side):
        largest = max(largest, new[i, i])
        for j in range(i + 1):
            gap = abs(new[i, j] - old[i, j])
            change = max(change, gap)
            if not gap * gap <= STEP_CHANGE * STEP_CHANGE * new[i, i] * new[j, j]:
                return np.inf
            relative = max(relative, gap / np.sqrt(new[i, i] * new[j, j]))
    return relative if change <= STEP_CHANGE * largest else np.inf


@inlined_exact
def has_converged(old: Any, new: Any, matrix: Any, side: int, room: Any) -> Any:
    """Return whether the recursion S -> M S M' + ... has converged to rounding, including the geometric tail.

    The tail is bounded by a power of M in units of the standard deviations, whose size bounds the largest eigenvalue.
    """
    relative = largest_change(old, new, side)
    if not relative <= STEP_CHANGE:
        return False
    power, square = room[0], room[1]
    for i in range(side):
        for j in range(side):
            power[i, j] = matrix[i, j] * np.sqrt(new[j, j] / new[i, i])
    for _ in range(SQUARINGS):
        small.multiply(power, power, side, square)
        small.copy(square, side, power)
    size = 0.0
    for i in range(side):
        for j in range(side):
            size += power[i, j] * power[i, j]
    rate = size ** (1.0 / 2.0**SQUARINGS)  # the Frobenius norm, squared, of the 64th power
    return rate < 1.0 and relative * rate <= TAIL_CHANGE * (1.0 - rate)
