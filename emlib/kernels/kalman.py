"""The Rauch-Tung-Striebel smoother, and the pass of filter and smoother over sequences one after the other.

Where the filter's covariances have converged, the smoother's soon converge, too; steps whose covariances are equal
are counted, and added up together.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from emlib.kernels import blocks
from emlib.kernels import small_matrices as small
from emlib.kernels.arguments import Patterns, Series, Smoothed, System
from emlib.kernels.blocks import exact
from emlib.kernels.kalman_filter import Covariances, has_converged, run_forward
from emlib.kernels.small_matrices import inlined_exact


class Step(NamedTuple):
    """Matrices of one smoothing step, shape (k, k): as in `emlib.models.lds.kalman.Smoothed`, and A times the last."""

    gain: Any
    noise_gain: Any
    conditional: Any
    moved: Any


@inlined_exact
def smoother_step(system: Any, predicted: Any, filtered: Any, step: Any, room: Any) -> Any:
    """Write the matrices of one step; return the least pivot of the predicted covariance."""
    transition, noise = system.transition, system.transition_covariance
    side, factor, inverse = len(transition), room[0], room[1]
    small.copy(predicted, factor)
    _, least = small.cholesky(factor, side)
    small.invert_triangle(factor, inverse, side)
    small.multiply_square(transition, filtered, step.conditional)
    small.right_solve(inverse, step.conditional, side, factor, step.gain)
    small.right_solve(inverse, noise, side, factor, step.noise_gain)
    small.identity_minus_product(step.gain, transition, side, step.moved)
    small.congruence(step.moved, filtered, step.conditional, factor)
    small.congruence(step.gain, noise, inverse, factor)
    small.add(inverse, step.conditional)
    small.multiply_square(transition, step.conditional, step.moved)
    return least


@exact
def run_backward(kinds: Any, weight: float, system: Any, given: Any, means: Any, changes: Any, sums: Any) -> Any:
    """Smooth one sequence, and add its weighted covariances to `sums`; return the least pivot.

    `means` and `changes` come as `run_forward` writes them, and become those of the smoothed states and of the
    states' noise, but for the noise of the first row.
    """
    length, side = means.shape
    room, shape = np.empty((4, side, side)), (side, side)
    step = Step(np.empty(shape), np.empty(shape), np.empty(shape), np.empty(shape))
    now, new = np.empty(shape), np.empty(shape)
    change, surprise = np.zeros(side), np.empty(side)
    least, here, after, still, waiting = 1.0, -1, -1, False, 0.0
    slots, gain, noise_gain = given.slots, step.gain, step.noise_gain
    small.copy(given.filtered[slots[length - 1]], now)
    small.add_multiple(weight, now, sums.by_pattern[kinds[length - 1]])
    for t in range(length - 2, -1, -1):
        fresh = not (slots[t] == here and slots[t + 1] == after)
        if fresh or not still:
            if waiting > 0.0:
                add_covariances(waiting, now, now, kinds[t + 1], system, step, sums, room)
                waiting = 0.0
            if fresh:
                here, after = slots[t], slots[t + 1]
                least = min(least, smoother_step(system, given.predicted[after], given.filtered[here], step, room))
                if not least > 0.0:
                    return least
            small.congruence(step.gain, now, new, room[0])
            small.add(step.conditional, new)
            add_covariances(weight, now, new, kinds[t], system, step, sums, room)
            still = not fresh and has_converged(now, new, step.gain, room)
            small.copy(new, now)
        else:
            waiting += weight
        for j in range(side):
            surprise[j] = change[j] + changes[t + 1, j]
        small.multiply_vector(noise_gain, surprise, changes[t + 1])
        small.multiply_vector(gain, surprise, change)
        for j in range(side):
            means[t, j] += change[j]
    if waiting > 0.0:
        add_covariances(waiting, now, now, kinds[0], system, step, sums, room)
    small.add_multiple(weight, now, sums.first)
    return least


@inlined_exact
def add_covariances(weight: float, after: Any, before: Any, kind: int, system: Any, step: Any, sums: Any,
                    room: Any) -> None:
    """Add the weighted covariances of a move between states with smoothed covariances `before` and `after`."""
    side, part, moved = len(after), room[0], step.moved
    small.multiply_square(step.noise_gain, after, part)
    for i in range(side):
        for j in range(side):
            noise, cross = 0.0, -moved[i, j]
            for e in range(side):
                noise += part[i, e] * step.noise_gain[j, e] + moved[i, e] * system.transition[j, e]
                cross += part[i, e] * step.gain[j, e]
            sums.moves[0, i, j] += weight * noise
            sums.moves[1, i, j] += weight * cross
    small.add_multiple(weight, before, sums.moves[2])
    small.add_multiple(weight, before, sums.by_pattern[kind])


@blocks.cached
def smooth(series: Series, patterns: Patterns, system: System, sums: Smoothed) -> float:
    """Filter and smooth all sequences, and add to `sums`; return the least Cholesky pivot, see `small.cholesky`.

    A pivot that is not positive ends the pass.
    """
    longest, side = 0, len(system.initial_mean)
    for length in series.lengths:
        longest = max(longest, length)
    found = Covariances(np.empty((longest + 1, side, side)), np.empty((longest + 1, side, side)),
                        np.empty(longest, np.int64))
    low = 0
    least: float = 1.0
    for s in range(len(series.lengths)):
        high = low + series.lengths[s]
        kinds, means, changes = series.kinds[low:high], sums.means[low:high], sums.noise[low:high]
        sums.distance[s], sums.log_det[s], pivot = run_forward(series.rows[low:high], kinds, patterns, system, found,
                                                               means, changes)
        least = min(least, pivot)
        if not least > 0.0:
            return least
        least = min(least, run_backward(kinds, series.weights[s], system, found, means, changes, sums))
        if not least > 0.0:
            return least
        sums.noise[low] = 0.0
        low = high
    return least
