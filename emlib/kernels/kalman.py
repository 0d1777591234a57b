"""The Rauch-Tung-Striebel smoother, and the pass of filter and smoother over sequences one after the other.

Where the filter's covariances stand still, the smoother's soon do so, too; the steps that have all in common are
counted, and added up together.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from emlib.kernels import blocks, small
from emlib.kernels.blocks import exact as loop
from emlib.kernels.kalman_filter import forward, stands

INTEGERS = numba.types.Array(numba.int64, 1, "C", readonly=True)
TABLE = numba.types.Array(numba.int64, 2, "C", readonly=True)
VECTOR = numba.types.Array(numba.float64, 1, "C", readonly=True)
MATRIX = numba.types.Array(numba.float64, 2, "C", readonly=True)
NUMBERS, ROWS, CUBE = numba.float64[::1], numba.float64[:, ::1], numba.float64[:, :, ::1]


@loop
def turn(ahead: Any, filtered: Any, transition: Any, noise: Any, back: Any, share: Any, lost: Any, left: Any,
         room: Any) -> Any:
    """Write the smoother's matrices of one step; return the least share of a pivot."""
    side, factor, inverse = len(transition), room[0], room[1]
    small.copy(ahead, factor)
    _, least = small.cholesky(factor, side)
    small.invert(factor, inverse, side)
    small.times(transition, filtered, left)
    small.solved(inverse, left, side, factor, back)
    small.solved(inverse, noise, side, factor, share)
    small.remainder(back, transition, side, lost)
    small.image(lost, filtered, left, factor)
    small.image(back, noise, inverse, factor)
    small.add(inverse, left)
    small.times(transition, left, lost)
    return least


@loop
def backward(kinds: Any, weight: float, transition: Any, noise: Any, ahead: Any, filtered: Any, slots: Any, means: Any,
             told: Any, spreads: Any, first: Any, sums: Any) -> Any:
    """Smooth one sequence, add up its covariances, weighted; return the least share of a pivot.

    `told` goes with the means of the states' noise, but for the first row.
    """
    length, side = means.shape
    room = np.empty((4, side, side))
    back, share, lost, left = (np.empty((side, side)), np.empty((side, side)), np.empty((side, side)),
                               np.empty((side, side)))
    now, new = np.empty((side, side)), np.empty((side, side))
    change, surprise = np.zeros(side), np.empty(side)
    least, here, after, settled, waiting = 1.0, -1, -1, False, 0.0
    small.copy(filtered[slots[length - 1]], now)
    small.gain(weight, now, spreads[kinds[length - 1]])
    for t in range(length - 2, -1, -1):
        fresh = not (slots[t] == here and slots[t + 1] == after)
        if fresh or not settled:
            if waiting > 0.0:
                tally(waiting, now, kinds[t + 1], share, back, transition, lost, spreads, sums, room)
                waiting = 0.0
            if fresh:
                here, after = slots[t], slots[t + 1]
                least = min(least, turn(ahead[after], filtered[here], transition, noise, back, share, lost, left, room))
                if not least > 0.0:
                    return least
            small.image(back, now, new, room[0])
            small.add(left, new)
            cross(weight, now, share, back, lost, transition, sums, room)
            small.gain(weight, new, sums[2])
            small.gain(weight, new, spreads[kinds[t]])
            settled = not fresh and stands(now, new, back, room)
            small.copy(new, now)
        else:
            waiting += weight
        for j in range(side):
            surprise[j] = change[j] + told[t + 1, j]
        small.apply(share, surprise, told[t + 1])
        small.apply(back, surprise, change)
        for j in range(side):
            means[t, j] += change[j]
    if waiting > 0.0:
        tally(waiting, now, kinds[0], share, back, transition, lost, spreads, sums, room)
    small.gain(weight, now, first)
    return least


@loop
def tally(weight: float, now: Any, kind: int, share: Any, back: Any, transition: Any, lost: Any, spreads: Any,
          sums: Any, room: Any) -> None:
    """Add what many equal steps have in common."""
    cross(weight, now, share, back, lost, transition, sums, room)
    small.gain(weight, now, sums[2])
    small.gain(weight, now, spreads[kind])


@loop
def cross(weight: float, after: Any, share: Any, back: Any, lost: Any, transition: Any, sums: Any, room: Any) -> None:
    """Add the covariance of a state's noise, and that with the state before, given all observations."""
    side, part = len(after), room[0]
    small.times(share, after, part)
    for i in range(side):
        for j in range(side):
            own, other = 0.0, -lost[i, j]
            for e in range(side):
                own += part[i, e] * share[j, e] + lost[i, e] * transition[j, e]
                other += part[i, e] * back[j, e]
            sums[0, i, j] += weight * own
            sums[1, i, j] += weight * other


@blocks.kept((MATRIX, INTEGERS, VECTOR, INTEGERS, TABLE, INTEGERS, NUMBERS, ROWS, ROWS, ROWS, ROWS, ROWS,
              ROWS, ROWS, NUMBERS, NUMBERS, CUBE, ROWS, CUBE))
def smooth(rows: Any, lengths: Any, weights: Any, kinds: Any, entries: Any, sizes: Any, start: Any, initial: Any,
           transition: Any, noise: Any, matrix: Any, error: Any, means: Any, told: Any, fit: Any, log_det: Any,
           spreads: Any, first: Any, sums: Any) -> Any:
    """Filter and smooth all sequences; return the least share that a Cholesky pivot keeps of its diagonal entry.

    `kinds` says which pattern of seen entries a row has, `entries` and `sizes` which entries these are. For each
    sequence `fit` and `log_det` get the sums of r' S^-1 r and log|S|, for each row `means` the smoothed state and
    `told` the mean of its noise. Weighted sums of covariances go to `spreads` for each pattern, to `first` of the
    first states, and to `sums`: of the noise, the noise with the state before, and that state.
    """
    longest, side = 0, len(start)
    for length in lengths:
        longest = max(longest, length)
    ahead, filtered, slots = (np.empty((longest + 1, side, side)), np.empty((longest + 1, side, side)),
                              np.empty(longest, np.int64))
    low, least = 0, 1.0
    for s in range(len(lengths)):
        high = low + lengths[s]
        fit[s], log_det[s], share = forward(rows[low:high], kinds[low:high], entries, sizes, start, initial, transition,
                                            noise, matrix, error, ahead, filtered, slots, means[low:high],
                                            told[low:high])
        least = min(least, share)
        if not least > 0.0:
            return least
        share = backward(kinds[low:high], weights[s], transition, noise, ahead, filtered, slots, means[low:high],
                         told[low:high], spreads, first, sums)
        told[low] = 0.0
        least = min(least, share)
        if not least > 0.0:
            return least
        low = high
    return least
