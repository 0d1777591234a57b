"""The Kalman filter and the Rauch-Tung-Striebel smoother along sequences one after the other, entries missing or not.

Covariances do not depend on the observations, only on which entries are seen. While all rows are seen alike they soon
stand still; from there on until a row is seen otherwise, nothing but means is computed. Every covariance is a sum of
terms F S F', as in the plain filter.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from emlib.kernels import blocks, small
from emlib.kernels.blocks import exact as loop  # sums of a few terms: vectors would only take time to compile

STILL, LEFT = 1e-14, 1e-13  # relative change in a step, and still to come, below which a covariance stands still
SQUARINGS = 6  # of a matrix, for a bound on its largest eigenvalue

INTEGERS = numba.types.Array(numba.int64, 1, "C", readonly=True)
TABLE = numba.types.Array(numba.int64, 2, "C", readonly=True)
VECTOR = numba.types.Array(numba.float64, 1, "C", readonly=True)
MATRIX = numba.types.Array(numba.float64, 2, "C", readonly=True)
NUMBERS, ROWS, CUBE = numba.float64[::1], numba.float64[:, ::1], numba.float64[:, :, ::1]


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
           room: Any, wide: Any) -> tuple[float, float]:
    """Write what one more row of `size` entries makes of a covariance; return log|S| and the least pivot's share.

    `white` gets the inverse of the Cholesky factor of S, the covariance of the row given the past.
    """
    side, cross, inner = len(spread), wide[0], wide[1]
    for a in range(size):
        for j in range(side):
            total = 0.0
            for e in range(side):
                total += observed[a, e] * spread[e, j]
            cross[a, j] = total
    for a in range(size):
        for b in range(a + 1):
            total = noise[a, b]
            for e in range(side):
                total += cross[a, e] * observed[b, e]
            inner[a, b] = total
    log_det, least = small.cholesky(inner, size)
    small.invert(inner, white, size)
    whitened = wide[2]
    for a in range(size):
        for j in range(side):
            total = 0.0
            for b in range(a + 1):
                total += white[a, b] * cross[b, j]
            whitened[a, j] = total
    for j in range(side):
        for a in range(size):
            total = 0.0
            for b in range(a, size):
                total += whitened[b, j] * white[b, a]
            gain[j, a] = total
    for i in range(side):
        for j in range(side):
            total = 1.0 if i == j else 0.0
            for a in range(size):
                total -= gain[i, a] * observed[a, j]
            kept[i, j] = total
    small.image(kept, spread, filtered, room[0])  # Joseph's form
    for i in range(side):
        for a in range(size):
            total = 0.0
            for b in range(size):
                total += gain[i, b] * noise[b, a]
            cross[a, i] = total
    for i in range(side):
        for j in range(i + 1):
            total = filtered[i, j]
            for a in range(size):
                total += cross[a, i] * gain[j, a]
            filtered[i, j] = total
            filtered[j, i] = total
    return log_det, least


@loop
def select(matrix: Any, noise: Any, entries: Any, size: int, observed: Any, inner: Any) -> None:
    """Copy the rows of the seen entries."""
    for a in range(size):
        for j in range(matrix.shape[1]):
            observed[a, j] = matrix[entries[a], j]
        for b in range(size):
            inner[a, b] = noise[entries[a], entries[b]]


@loop
def forward(rows: Any, kinds: Any, entries: Any, sizes: Any, start: Any, first: Any, transition: Any, noise: Any,
            matrix: Any, error: Any, ahead: Any, filtered: Any, slots: Any, means: Any, told: Any) -> Any:
    """Filter one sequence; return its squared lengths, the sum of log|S|, and the least share of a pivot."""
    length, width = rows.shape
    side = len(start)
    room, wide = np.empty((2, side, side)), np.empty((3, width, max(side, width)))
    observed, inner, white, gain = (np.empty((width, side)), np.empty((width, width)), np.empty((width, width)),
                                    np.empty((side, width)))
    kept, moved, last, left = np.empty((side, side)), np.empty((side, side)), np.empty(side), np.empty(width)
    slot, kind, still, size, now = -1, -1, False, 0, 0.0
    fit, log_det, least = 0.0, 0.0, 1.0
    for t in range(length):
        if t == 0:
            last[:] = start
        else:
            small.apply(transition, means[t - 1], last)
        if not (still and kinds[t] == kind):
            same = kinds[t] == kind
            new = ahead[slot + 1]
            if t == 0:
                small.copy(first, new)
            else:
                small.image(transition, filtered[slot], new, room[0])
                small.add(noise, new)
            still = False
            if same:
                small.times(kept, transition, moved)
                still = stands(ahead[slot], new, moved, room)
            if not still:
                slot += 1
                if not same:
                    kind = kinds[t]
                    size = sizes[kind]
                    select(matrix, error, entries[kind], size, observed, inner)
                now, share = update(new, observed, inner, size, gain, white, kept, filtered[slot], room, wide)
                if not share > 0.0:
                    return fit, log_det, share
                least = min(least, share)
        slots[t] = slot
        log_det += now
        for a in range(size):
            entry = entries[kind, a]
            total = rows[t, entry]
            for j in range(side):
                total -= observed[a, j] * last[j]
            left[a] = total
        for j in range(side):
            total = 0.0
            for a in range(size):
                total += gain[j, a] * left[a]
            told[t, j] = total
            means[t, j] = last[j] + total
        for a in range(size):
            total = 0.0
            for b in range(a + 1):
                total += white[a, b] * left[b]
            fit += total * total
    return fit, log_det, least


@loop
def turn(ahead: Any, filtered: Any, transition: Any, noise: Any, back: Any, share: Any, lost: Any, left: Any,
         room: Any) -> Any:
    """Write the smoother's matrices of one step; return the least share of a pivot."""
    side, factor, inverse = len(transition), room[0], room[1]
    small.copy(ahead, factor)
    _, least = small.cholesky(factor, side)
    small.invert(factor, inverse, side)
    small.times(transition, filtered, left)
    small.solved(inverse, left, factor, back)
    small.solved(inverse, noise, factor, share)
    for i in range(side):
        for j in range(side):
            total = 1.0 if i == j else 0.0
            for e in range(side):
                total -= back[i, e] * transition[e, j]
            lost[i, j] = total
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
    now, new = filtered[slots[length - 1]].copy(), np.empty((side, side))
    change, surprise = np.zeros(side), np.empty(side)
    least, here, after, settled, waiting = 1.0, -1, -1, False, 0.0
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


@blocks.kept((MATRIX, INTEGERS, VECTOR, INTEGERS, TABLE, INTEGERS, VECTOR, MATRIX, MATRIX, MATRIX, MATRIX, MATRIX,
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
    longest, side = lengths.max(), len(start)
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
