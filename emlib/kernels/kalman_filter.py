"""The Kalman filter along one sequence, with or without missing entries.

Covariances do not depend on the observations, only on which entries are seen. While all rows are seen alike they soon
converge; from there on, until a row is seen otherwise, only means are computed. Every covariance is a sum of terms
F S F', as in the NumPy filter. The seen entries of a row, whitened, are taken one after the other, so that nothing is
factorised.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from emlib.kernels import small_matrices as small
from emlib.kernels.kalman_convergence import STEP_CHANGE, has_converged, largest_change
from emlib.kernels.kalman_patterns import prepare
from emlib.kernels.small_matrices import inlined_exact

LARGEST_PRODUCT = 1e150  # of variances, before its logarithm is taken


class Covariances(NamedTuple):
    """The filter's covariances, shape (slots, k, k), of predicted and of filtered states; each row's slot (T,)."""

    predicted: Any
    filtered: Any
    slots: Any


class Update(NamedTuple):
    """The update by a row's whitened entries: gains (d, k), reciprocal variances (d,); and room for residuals (d,)."""

    gains: Any
    shares: Any
    residual: Any


@inlined_exact
def update_covariance(maps: Any, size: int, spread: Any, side: int, update: Any, room: Any) -> Any:
    """Condition a covariance on `size` whitened entries; return their log-determinant, not-a-number if it is none."""
    gains, log_det, product = update.gains, 0.0, 1.0
    for a in range(size):
        variance = 1.0
        for i in range(side):
            total = 0.0
            for j in range(side):
                total += spread[i, j] * maps[a, j]
            gains[a, i] = total
            variance += total * maps[a, i]
        if not variance > 0.0:
            return np.nan
        share = 1.0 / variance
        update.shares[a] = share
        for i in range(side):
            for j in range(side):
                room[i, j] = spread[i, j] - gains[a, i] * share * gains[a, j]
        for i in range(side):
            gains[a, i] *= share
        for i in range(side):  # Joseph's form (I - g m') S (I - g m')' + g g'
            excess = gains[a, i]
            for j in range(side):
                excess -= room[i, j] * maps[a, j]
            for j in range(i + 1):
                spread[i, j] = room[i, j] + excess * gains[a, j]
                spread[j, i] = spread[i, j]
        product *= variance
        if product > LARGEST_PRODUCT:
            log_det += np.log(product)
            product = 1.0
    return log_det + np.log(product)


@inlined_exact
def feedback(maps: Any, size: int, transition: Any, side: int, update: Any, result: Any) -> None:
    """Write (I - K C) A: what the update leaves of the covariance that the transition brings."""
    small.copy(transition, side, result)
    for a in range(size):
        for j in range(side):
            total = 0.0
            for e in range(side):
                total += maps[a, e] * result[e, j]
            for i in range(side):
                result[i, j] -= update.gains[a, i] * total


@inlined_exact
def update_mean(row: Any, entries: Any, size: int, system: Any, whitening: Any, maps: Any, side: int, update: Any,
                mean: Any, change: Any) -> float:
    """Add a row's `change` of the mean to it; return the row's squared length in units of its covariance."""
    residual, observation, distance = update.residual, system.observation, 0.0
    for a in range(size):
        entry = entries[a]
        total = row[entry]
        for j in range(side):
            total -= observation[entry, j] * mean[j]
        residual[a] = total
    for j in range(side):
        change[j] = 0.0
    for a in range(size):
        surprise = 0.0
        for b in range(a + 1):
            surprise += whitening[a, b] * residual[b]
        for j in range(side):
            surprise -= maps[a, j] * change[j]
        for j in range(side):
            change[j] += update.gains[a, j] * surprise
        distance += surprise * surprise * update.shares[a]
    for j in range(side):
        mean[j] += change[j]
    return distance


@inlined_exact
def run_forward(rows: Any, kinds: Any, patterns: Any, system: Any, side: int, laws: Any, found: Any, means: Any,
                changes: Any) -> Any:
    """Filter one sequence; return its squared length, the sum of log|S|, the information, and the least pivot.

    Covariances go to `found`, the filtered means and what each row changed of them to `means` and `changes`.
    """
    width, transition, slots = rows.shape[1], system.transition, found.slots
    update = Update(np.empty((width, side)), np.empty(width), np.empty(width))
    room = np.empty((3, side, side))
    slot, kind, here, size, still = -1, -1, 0, 0, False
    now, distance, noise, gained, least = 0.0, 0.0, 0.0, 0.0, 1.0
    for t in range(len(rows)):
        same = kinds[t] == kind
        if not (still and same):
            predicted = found.predicted[slot + 1]
            if t == 0:
                small.copy(system.initial_covariance, side, predicted)
            else:
                small.copy(system.transition_covariance, side, predicted)
                small.add_congruence(transition, found.filtered[slot], side, room[0], predicted)
            still = same and largest_change(found.predicted[slot], predicted, side) <= STEP_CHANGE
            if still:
                feedback(laws.maps[here], size, transition, side, update, room[2])
                still = has_converged(found.predicted[slot], predicted, room[2], side, room)
            if not still:
                slot += 1
                kind = kinds[t]
                size, here = patterns.sizes[kind], kind % len(laws.owners)
                if laws.owners[here] != kind:
                    least = min(least, prepare(kind, patterns, system, laws))
                small.copy(predicted, side, found.filtered[slot])
                now = update_covariance(laws.maps[here], size, found.filtered[slot], side, update, room[0])
                if not (least > 0.0 and now >= 0.0):
                    return distance, noise, gained, 0.0
        slots[t] = slot
        gained += 0.5 * now
        noise += laws.log_det[here]
        if t == 0:
            for j in range(side):
                means[t, j] = system.initial_mean[j]
        else:
            small.multiply_vector(transition, means[t - 1], side, means[t])
            for j in range(side):
                means[t, j] += system.transition_offset[j]
        distance += update_mean(rows[t], patterns.entries[kind], size, system, laws.whitening[here], laws.maps[here],
                                side, update, means[t], changes[t])
    return distance, noise + 2.0 * gained, gained, least
