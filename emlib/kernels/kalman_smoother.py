"""The Rauch-Tung-Striebel smoother along one sequence.

Where the filter's covariances have converged, the smoother's soon converge, too; steps whose covariances are equal
are counted, and added up together.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from emlib.kernels import small_matrices as small
from emlib.kernels.kalman_convergence import has_converged
from emlib.kernels.small_matrices import inlined_exact


class Step(NamedTuple):
    """Matrices of one smoothing step, shape (k, k): as in `emlib.models.lds.kalman.Smoothed`, and A times the last."""

    gain: Any
    noise_gain: Any
    conditional: Any
    moved: Any


class Spreads(NamedTuple):
    """Weighted sums of covariances.

    Attributes
    ----------
    by_pattern, first, moves : ndarray, shape (G, k, k), (k, k), (3, k, k)
        Of states, by the pattern of their row; of first states; of the noise, of the noise with the state before, and
        of that state.
    """

    by_pattern: Any
    first: Any
    moves: Any


@inlined_exact
def smoother_step(system: Any, predicted: Any, filtered: Any, side: int, step: Any, room: Any) -> Any:
    """Write the matrices of one step; return the least pivot of the predicted covariance."""
    transition, noise = system.transition, system.transition_covariance
    factor, inverse = room[0], room[1]
    small.copy(predicted, side, factor)
    _, least = small.cholesky(factor, side)
    small.invert_triangle(factor, side, inverse)
    small.multiply(transition, filtered, side, step.conditional)
    small.right_solve(inverse, step.conditional, side, factor, step.gain)
    small.right_solve(inverse, noise, side, factor, step.noise_gain)
    small.identity_minus_product(step.gain, transition, side, step.moved)
    step.conditional[:] = 0.0
    small.add_congruence(step.moved, filtered, side, factor, step.conditional)
    small.add_congruence(step.gain, noise, side, factor, step.conditional)
    small.multiply(transition, step.conditional, side, step.moved)
    return least


@inlined_exact
def run_backward(kinds: Any, weight: float, system: Any, side: int, given: Any, means: Any, changes: Any,
                 spreads: Any) -> Any:
    """Smooth one sequence, and add its weighted covariances to `spreads`; return the least pivot.

    `means` and `changes` come as `run_forward` writes them, and become those of the smoothed states and of the
    states' noise, but for the noise of the first row.
    """
    length, shape = len(means), (side, side)
    room = np.empty((3, side, side))
    step = Step(np.empty(shape), np.empty(shape), np.empty(shape), np.empty(shape))
    now, new = np.empty(shape), np.empty(shape)
    change, surprise = np.zeros(side), np.empty(side)
    least, here, after, still, waiting = 1.0, -1, -1, False, 0.0
    slots, gain, noise_gain = given.slots, step.gain, step.noise_gain
    small.copy(given.filtered[slots[length - 1]], side, now)
    small.add_multiple(weight, now, side, spreads.by_pattern[kinds[length - 1]])
    for t in range(length - 2, -1, -1):
        fresh = not (slots[t] == here and slots[t + 1] == after)
        if fresh or not still:
            if waiting > 0.0:
                add_move(waiting, now, now, kinds[t + 1], system, side, step, spreads, room[0])
                waiting = 0.0
            if fresh:
                here, after = slots[t], slots[t + 1]
                least = min(least, smoother_step(system, given.predicted[after], given.filtered[here], side, step,
                                                 room))
                if not least > 0.0:
                    return least
            small.copy(step.conditional, side, new)
            small.add_congruence(gain, now, side, room[0], new)
            add_move(weight, now, new, kinds[t], system, side, step, spreads, room[0])
            still = not fresh and has_converged(now, new, gain, side, room)
            small.copy(new, side, now)
        else:
            waiting += weight
        for j in range(side):
            surprise[j] = change[j] + changes[t + 1, j]
        small.multiply_vector(noise_gain, surprise, side, changes[t + 1])
        small.multiply_vector(gain, surprise, side, change)
        for j in range(side):
            means[t, j] += change[j]
    if waiting > 0.0:
        add_move(waiting, now, now, kinds[0], system, side, step, spreads, room[0])
    small.add_multiple(weight, now, side, spreads.first)
    return least


@inlined_exact
def add_move(weight: float, after: Any, before: Any, kind: int, system: Any, side: int, step: Any, spreads: Any,
             part: Any) -> None:
    """Add the weighted covariances of a move between states with smoothed covariances `before` and `after`."""
    moved, moves = step.moved, spreads.moves
    small.multiply(step.noise_gain, after, side, part)
    for i in range(side):
        for j in range(side):
            noise, cross = 0.0, -moved[i, j]
            for e in range(side):
                noise += part[i, e] * step.noise_gain[j, e] + moved[i, e] * system.transition[j, e]
                cross += part[i, e] * step.gain[j, e]
            moves[0, i, j] += weight * noise
            moves[1, i, j] += weight * cross
            moves[2, i, j] += weight * before[i, j]
    small.add_multiple(weight, before, side, spreads.by_pattern[kind])
