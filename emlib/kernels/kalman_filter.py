"""The Kalman filter along one sequence, entries missing or not.

Covariances do not depend on the observations, only on which entries are seen. While all rows are seen alike they soon
stand still; from there on until a row is seen otherwise, nothing but means is computed. Every covariance is a sum of
terms F S F', as in the plain filter.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from emlib.kernels import small
from emlib.kernels.blocks import exact as loop
from emlib.kernels.small import inlined

STILL, LEFT = 1e-14, 1e-13  # relative change in a step, and still to come, below which a covariance stands still
SQUARINGS = 6  # of a matrix, for a bound on its largest eigenvalue


@loop
def stands(old: Any, new: Any, matrix: Any, room: Any) -> Any:
    """Say whether S -> M S M' + ... has arrived: the change is rounding, and so is all that is to come.

    What is to come is judged by a power of M in units of the deviations, whose size bounds the largest eigenvalue.
    """
    side, change, largest, relative = len(new), 0.0, 0.0, 0.0
    for i in range(side):
        largest = max(largest, new[i, i])
        for j in range(side):
            gap = abs(new[i, j] - old[i, j])
            change = max(change, gap)
            relative = max(relative, gap / np.sqrt(new[i, i] * new[j, j]))
    if not (change <= STILL * largest and relative <= STILL):
        return False
    power, square = room[0], room[1]
    for i in range(side):
        for j in range(side):
            power[i, j] = matrix[i, j] * np.sqrt(new[j, j] / new[i, i])
    for _ in range(SQUARINGS):
        small.times(power, power, square)
        small.copy(square, power)
    size = 0.0
    for i in range(side):
        for j in range(side):
            size += power[i, j] * power[i, j]
    rate = size ** (1.0 / 2.0**SQUARINGS)  # the Frobenius norm, squared, of the 64th power
    return rate < 1.0 and relative * rate <= LEFT * (1.0 - rate)


@loop
def update(spread: Any, observed: Any, noise: Any, size: int, gain: Any, white: Any, kept: Any, filtered: Any,
           room: Any, wide: Any, inner: Any) -> tuple[float, float]:
    """Write what one more row of `size` entries makes of a covariance; return log|S| and the least pivot's share.

    `white` gets the inverse of the Cholesky factor of S, the covariance of the row given the past; `kept` goes with
    what the gain leaves of the state predicted.
    """
    side, cross = len(spread), wide[0]
    small.product(observed, spread, size, side, side, cross)
    for a in range(size):
        for b in range(a + 1):
            total = noise[a, b]
            for e in range(side):
                total += cross[a, e] * observed[b, e]
            inner[a, b] = total
    log_det, least = small.cholesky(inner, size)
    small.invert(inner, white, size)
    small.solved(white, cross, size, wide[1], gain)
    small.remainder(gain, observed, size, kept)
    small.image(kept, spread, filtered, room[0])  # Joseph's form
    join(gain, noise, size, cross, filtered)
    return log_det, least


@loop
def join(gain: Any, noise: Any, size: int, room: Any, filtered: Any) -> None:
    """Add K R K' to a symmetric matrix, for a gain K and the noise of the seen entries."""
    side = len(filtered)
    for i in range(side):
        for a in range(size):
            total = 0.0
            for b in range(size):
                total += gain[i, b] * noise[b, a]
            room[a, i] = total
    for i in range(side):
        for j in range(i + 1):
            total = filtered[i, j]
            for a in range(size):
                total += room[a, i] * gain[j, a]
            filtered[i, j] = total
            filtered[j, i] = total


@loop
def select(matrix: Any, noise: Any, entries: Any, size: int, observed: Any, inner: Any) -> None:
    """Copy the rows of the seen entries."""
    for a in range(size):
        for j in range(matrix.shape[1]):
            observed[a, j] = matrix[entries[a], j]
        for b in range(size):
            inner[a, b] = noise[entries[a], entries[b]]


@inlined
def meet(row: Any, entries: Any, size: int, observed: Any, gain: Any, white: Any, mean: Any, told: Any, left: Any,
         fit: float) -> Any:
    """Add what a row tells, which goes to `told`, to the mean; return `fit` plus the row's squared length."""
    for a in range(size):
        total = row[entries[a]]
        for j in range(len(mean)):
            total -= observed[a, j] * mean[j]
        left[a] = total
    for j in range(len(mean)):
        total = 0.0
        for a in range(size):
            total += gain[j, a] * left[a]
        told[j] = total
        mean[j] += total
    for a in range(size):
        total = 0.0
        for b in range(a + 1):
            total += white[a, b] * left[b]
        fit += total * total
    return fit


@loop
def forward(rows: Any, kinds: Any, entries: Any, sizes: Any, start: Any, first: Any, transition: Any, noise: Any,
            matrix: Any, error: Any, ahead: Any, filtered: Any, slots: Any, means: Any, told: Any) -> Any:
    """Filter one sequence; return its squared lengths, the sum of log|S|, and the least share of a pivot."""
    length, width = rows.shape
    side = len(start)
    room, wide, deep = np.empty((4, side, side)), np.empty((3, width, side)), np.empty((3, width, width))
    gain, left = np.empty((side, width)), np.empty(width)
    observed, inner, white, kept = wide[2], deep[1], deep[2], room[2]
    slot, kind, still, size, now = -1, -1, False, 0, 0.0
    fit, log_det, least = 0.0, 0.0, 1.0
    for t in range(length):
        same = kinds[t] == kind
        if not (still and same):
            new = ahead[slot + 1]
            if t == 0:
                small.copy(first, new)
            else:
                small.image(transition, filtered[slot], new, room[0])
                small.add(noise, new)
            if same:
                small.times(kept, transition, room[3])
            still = same and stands(ahead[slot], new, room[3], room)
            if not still:
                slot += 1
                if not same:
                    kind = kinds[t]
                    size = sizes[kind]
                    select(matrix, error, entries[kind], size, observed, deep[0])
                now, share = update(new, observed, deep[0], size, gain, white, kept, filtered[slot], room, wide, inner)
                if not share > 0.0:
                    return fit, log_det, share
                least = min(least, share)
        slots[t] = slot
        log_det += now
        if t == 0:
            for j in range(side):
                means[t, j] = start[j]
        else:
            small.apply(transition, means[t - 1], means[t])
        fit = meet(rows[t], entries[kind], size, observed, gain, white, means[t], told[t], left, fit)
    return fit, log_det, least
