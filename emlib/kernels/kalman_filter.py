"""The Kalman filter along one sequence, with or without missing entries.

Covariances do not depend on the observations, only on which entries are seen. While all rows are seen alike they soon
converge; from there on, until a row is seen otherwise, only means are computed. Every covariance is a sum of terms
F S F', as in the NumPy filter.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from emlib.kernels import small_matrices as small
from emlib.kernels.blocks import exact
from emlib.kernels.small_matrices import inlined_exact

STEP_CHANGE, TAIL_CHANGE = 1e-14, 1e-13  # relative change in one step, and in all later ones, of a converged covariance
SQUARINGS = 6  # of a matrix, for a bound on its largest eigenvalue


class Covariances(NamedTuple):
    """The filter's covariances, shape (slots, k, k), of predicted and of filtered states; each row's slot (T,)."""

    predicted: Any
    filtered: Any
    slots: Any


class Update(NamedTuple):
    """The update by a row, for one pattern of seen entries, and workspace.

    Rows of C and entries of R that are seen; the gain (k, d); the inverse of the Cholesky factor of S, the covariance
    of the row given the past; I - K C; and the row's residual (d,).
    """

    observation: Any
    noise: Any
    gain: Any
    whitening: Any
    kept: Any
    residual: Any
    square: Any
    wide: Any
    factor: Any


@exact
def has_converged(old: Any, new: Any, matrix: Any, room: Any) -> Any:
    """Return whether the recursion S -> M S M' + ... has converged to rounding, including the geometric tail.

    The tail is bounded by a power of M in units of the standard deviations, whose size bounds the largest eigenvalue.
    """
    side, change, largest, relative = len(new), 0.0, 0.0, 0.0
    for i in range(side):
        largest = max(largest, new[i, i])
        for j in range(side):
            gap = abs(new[i, j] - old[i, j])
            change = max(change, gap)
            relative = max(relative, gap / np.sqrt(new[i, i] * new[j, j]))
    if not (change <= STEP_CHANGE * largest and relative <= STEP_CHANGE):
        return False
    power, square = room[0], room[1]
    for i in range(side):
        for j in range(side):
            power[i, j] = matrix[i, j] * np.sqrt(new[j, j] / new[i, i])
    for _ in range(SQUARINGS):
        small.multiply_square(power, power, square)
        small.copy(square, power)
    size = 0.0
    for i in range(side):
        for j in range(side):
            size += power[i, j] * power[i, j]
    rate = size ** (1.0 / 2.0**SQUARINGS)  # the Frobenius norm, squared, of the 64th power
    return rate < 1.0 and relative * rate <= TAIL_CHANGE * (1.0 - rate)


@exact
def empty_update(side: int, width: int) -> Any:
    """Return room for the update of k = `side` states by rows of d = `width` entries."""
    return Update(np.empty((width, side)), np.empty((width, width)), np.empty((side, width)), np.empty((width, width)),
                  np.empty((side, side)), np.empty(width), np.empty((4, side, side)), np.empty((2, width, side)),
                  np.empty((width, width)))


@inlined_exact
def update_covariance(predicted: Any, size: int, update: Any, filtered: Any) -> tuple[float, float]:
    """Write the covariance given one more row of `size` entries, and the update; return log|S| and the least pivot."""
    side, cross, factor, observation = len(predicted), update.wide[0], update.factor, update.observation
    small.multiply(observation, predicted, size, side, side, cross)
    for a in range(size):
        for b in range(a + 1):
            total = update.noise[a, b]
            for e in range(side):
                total += cross[a, e] * observation[b, e]
            factor[a, b] = total
    log_det, least = small.cholesky(factor, size)
    small.invert_triangle(factor, update.whitening, size)
    small.right_solve(update.whitening, cross, size, update.wide[1], update.gain)
    small.identity_minus_product(update.gain, observation, size, update.kept)
    small.congruence(update.kept, predicted, filtered, update.square[0])  # Joseph's form
    add_gain_noise(update, size, filtered)
    return log_det, least


@inlined_exact
def add_gain_noise(update: Any, size: int, filtered: Any) -> None:
    """Add K R K' to a symmetric matrix, in place."""
    side, gain, room = len(filtered), update.gain, update.wide[0]
    for i in range(side):
        for a in range(size):
            total = 0.0
            for b in range(size):
                total += gain[i, b] * update.noise[b, a]
            room[a, i] = total
    for i in range(side):
        for j in range(i + 1):
            total = filtered[i, j]
            for a in range(size):
                total += room[a, i] * gain[j, a]
            filtered[i, j] = total
            filtered[j, i] = total


@inlined_exact
def select_entries(system: Any, entries: Any, size: int, update: Any) -> None:
    """Copy the parts of C and R that belong to the seen entries."""
    for a in range(size):
        for j in range(system.observation.shape[1]):
            update.observation[a, j] = system.observation[entries[a], j]
        for b in range(size):
            update.noise[a, b] = system.observation_covariance[entries[a], entries[b]]


@inlined_exact
def update_mean(row: Any, entries: Any, size: int, update: Any, mean: Any, change: Any, distance: float) -> Any:
    """Add a row's `change` of the mean to it; return `distance` plus the row's squared length in units of S."""
    residual = update.residual
    for a in range(size):
        total = row[entries[a]]
        for j in range(len(mean)):
            total -= update.observation[a, j] * mean[j]
        residual[a] = total
    for j in range(len(mean)):
        total = 0.0
        for a in range(size):
            total += update.gain[j, a] * residual[a]
        change[j] = total
        mean[j] += total
    for a in range(size):
        total = 0.0
        for b in range(a + 1):
            total += update.whitening[a, b] * residual[b]
        distance += total * total
    return distance


@exact
def run_forward(rows: Any, kinds: Any, patterns: Any, system: Any, found: Any, means: Any, changes: Any) -> Any:
    """Filter one sequence; return its squared length, the sum of log|S|, and the least pivot.

    Covariances go to `found`, the filtered means and what each row changed of them to `means` and `changes`.
    """
    side, width, transition = len(system.initial_mean), rows.shape[1], system.transition
    update = empty_update(side, width)
    room, slots = update.square, found.slots
    slot, kind, still, size, now = -1, -1, False, 0, 0.0
    distance, log_det, least = 0.0, 0.0, 1.0
    for t in range(len(rows)):
        same = kinds[t] == kind
        if not (still and same):
            predicted = found.predicted[slot + 1]
            if t == 0:
                small.copy(system.initial_covariance, predicted)
            else:
                small.congruence(transition, found.filtered[slot], predicted, room[0])
                small.add(system.transition_covariance, predicted)
            if same:
                small.multiply_square(update.kept, transition, room[3])
            still = same and has_converged(found.predicted[slot], predicted, room[3], room)
            if not still:
                slot += 1
                if not same:
                    kind = kinds[t]
                    size = patterns.sizes[kind]
                    select_entries(system, patterns.entries[kind], size, update)
                now, pivot = update_covariance(predicted, size, update, found.filtered[slot])
                if not pivot > 0.0:
                    return distance, log_det, pivot
                least = min(least, pivot)
        slots[t] = slot
        log_det += now
        if t == 0:
            for j in range(side):
                means[t, j] = system.initial_mean[j]
        else:
            small.multiply_vector(transition, means[t - 1], means[t])
            for j in range(side):
                means[t, j] += system.transition_offset[j]
        distance = update_mean(rows[t], patterns.entries[kind], size, update, means[t], changes[t], distance)
    return distance, log_det, least
