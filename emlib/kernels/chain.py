"""Compiled recursions along a hidden chain, many stretches of it side by side.

A block holds STEPS times of LANES stretches, step by step: entry ``step * LANES + lane``. Each inner loop runs over
the lanes, or over the whole block, so that the compiler makes vector instructions of it. Probabilities are scaled
at every time; who watches is told the least ones met, and knows where logarithms are needed.
"""

from __future__ import annotations

from typing import Any

from emlib.kernels import tiles
from emlib.kernels.blocks import loop
from emlib.kernels.choice import BLOCK

LANES = 32
STEPS = BLOCK // LANES


@loop
def multiply(matrix: Any, columns: Any, product: Any) -> None:
    """Write the product of a matrix with LANES columns; both sides are multiples of two."""
    for k in range(len(product)):
        for i in range(LANES):
            product[k, i] = 0.0
    tiles.weigh(matrix, 0, columns, len(columns), product, LANES)


@loop
def forward(initial: Any, moves: Any, density: Any, fresh: Any, carry: Any, reciprocal: Any, scratch: Any,
            filtered: Any, totals: Any, watch: bool, least: Any) -> None:
    """Write p(s_t, y_t | past) of a block and its totals over the states.

    `carry` and `reciprocal` come with the last columns of the block before and one over their totals. `moves` has the
    probabilities of the moves into a state in its row. `fresh` is one where a sequence begins. To `watch` is to write
    the least predictions and products met into `least`.
    """
    for at in range(0, BLOCK, LANES):
        multiply(moves, carry, scratch)
        total, start = totals[at:], fresh[at:]
        for i in range(LANES):
            reciprocal[i] = 0.0 if start[i] > 0.0 else reciprocal[i]  # which is infinite after an impossible row
            total[i] = 0.0
        for k in range(len(initial)):
            enter(initial[k], start, reciprocal, density[k, at:], scratch[k], filtered[k, at:], carry[k], total)
        if watch:
            for k in range(len(initial)):
                heed(initial[k], start, reciprocal, density[k, at:], scratch[k], carry[k], least)
        for i in range(LANES):
            reciprocal[i] = 1.0 / total[i]


@loop
def enter(first: float, start: Any, reciprocal: Any, density: Any, moved: Any, filtered: Any, carry: Any,
          total: Any) -> None:
    """Weigh what is predicted of one state by the density of its observation."""
    for i in range(LANES):
        joint = (moved[i] * reciprocal[i] + first * start[i]) * density[i]
        filtered[i] = joint
        carry[i] = joint
        total[i] += joint


@loop
def heed(first: float, start: Any, reciprocal: Any, density: Any, moved: Any, joint: Any, least: Any) -> None:
    """Note how small one state's predictions and products become; a first state's chance is no sum that loses terms."""
    low, product = least[0], least[1]
    for i in range(LANES):
        carried = moved[i] * reciprocal[i]
        low[i] = min(low[i], carried if carried > 0.0 else 1.0)
        product[i] = min(product[i], joint[i] if (carried + first * start[i] > 0.0) & (density[i] > 0.0) else 1.0)


@loop
def backward(moves: Any, density: Any, over: Any, carry: Any, scratch: Any, total: Any, ahead: Any, onward: Any,
             watch: bool, least: Any) -> None:
    """Write p(y_t+1.. | s_t), up to a factor for each t, into `ahead`, and its parts by the next state into `onward`.

    `carry` comes with p(y_t+1.. | s_t+1) for the last columns of the block, and goes with the same for those of the
    block before. `over` is one where a sequence ends. To `watch` is the same as in `forward`.
    """
    for at in range(BLOCK - LANES, -1, -LANES):
        end = over[at:]
        for k in range(len(density)):
            part, kept = onward[k, at:], carry[k]
            for i in range(LANES):
                kept[i] *= 1.0 - end[i]
                part[i] = kept[i]
        multiply(moves, carry, scratch)
        for i in range(LANES):
            total[i] = 0.0
        for k in range(len(density)):
            look(end, scratch[k], ahead[k, at:], total)
        for i in range(LANES):
            total[i] = 1.0 / total[i]
        for k in range(len(density)):
            weigh(density[k, at:], ahead[k, at:], total, carry[k])
        if watch:
            for k in range(len(density)):
                heed_back(density[k, at:], ahead[k, at:], carry[k], least)


@loop
def look(end: Any, moved: Any, ahead: Any, total: Any) -> None:
    """Write what one state says of the future; where there is none, one."""
    for i in range(LANES):
        value = moved[i] + end[i]
        ahead[i] = value
        total[i] += value


@loop
def weigh(density: Any, ahead: Any, reciprocal: Any, carry: Any) -> None:
    """Add the density of its own observation to what one state says of the future."""
    for i in range(LANES):
        carry[i] = density[i] * (ahead[i] * reciprocal[i])


@loop
def heed_back(density: Any, ahead: Any, carry: Any, least: Any) -> None:
    """Note how small one state's predictions and products become, on the way back."""
    low, product = least[0], least[1]
    for i in range(LANES):
        low[i] = min(low[i], ahead[i] if ahead[i] > 0.0 else 1.0)
        product[i] = min(product[i], carry[i] if (density[i] > 0.0) & (ahead[i] > 0.0) else 1.0)


@loop
def smooth(filtered: Any, weight: Any, ahead: Any, onward: Any, scratch: Any) -> None:
    """Turn `ahead` into weighted probabilities of the states, and `onward` into the matching factors of the moves."""
    total = scratch
    for i in range(BLOCK):
        total[i] = 0.0
    for k in range(len(ahead)):
        a, b = filtered[k], ahead[k]
        for i in range(BLOCK):
            value = a[i] * b[i]
            b[i] = value
            total[i] += value
    for i in range(BLOCK):
        total[i] = weight[i] / total[i] if weight[i] > 0.0 else 0.0
    for k in range(len(ahead)):
        a, b = onward[k], ahead[k]
        for i in range(BLOCK):
            a[i] *= total[i]
            b[i] *= total[i]


@loop
def copy(source: Any, target: Any, count: int) -> None:
    """Copy the first LANES columns of the first rows."""
    for k in range(count):
        for i in range(LANES):
            target[k, i] = source[k, i]


@loop
def guess(columns: Any, count: int) -> None:
    """Give each state the same probability."""
    for k in range(count):
        for i in range(LANES):
            columns[k, i] = 1.0 / count


@loop
def apart(ours: Any, lane: int, theirs: Any, other: int, count: int) -> float:
    """Return how far two columns are from being proportional: the largest relative difference of an entry."""
    a = b = gap = 0.0
    for k in range(count):
        a += ours[k, lane]
        b += theirs[k, other]
    for k in range(count):
        u, v = ours[k, lane] * b, theirs[k, other] * a
        gap = max(gap, abs(u - v) / max(u, v, 1e-300))
    return gap
