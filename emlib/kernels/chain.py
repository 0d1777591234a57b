"""Compiled recursions along a hidden chain, many stretches of it side by side.

A block holds STEPS steps of LANES stretches, step by step: entry ``step * LANES + lane``. Each inner loop runs over
the lanes, or over the whole block, so that the compiler vectorises it. Probabilities are scaled at every step; where
they may underflow, the least ones met are tracked, which tells where logarithms are needed.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from emlib.kernels import tiles
from emlib.kernels.blocks import inlined
from emlib.kernels.dispatch import BLOCK, LANES

STEPS = BLOCK // LANES


class State(NamedTuple):
    """What a recursion carries from one step to the next, for each lane.

    Probabilities (W, LANES) up to a factor; the reciprocals of their sums (LANES,); their product with the moves
    (W, LANES); and the least prediction and the least product met (2, LANES).
    """

    carry: Any
    reciprocal: Any
    moved: Any
    least: Any


@inlined
def uniform_state(width: int, count: int) -> Any:
    """Return a state in which all of `count` hidden states are equally probable."""
    carry = np.zeros((width, LANES))
    for k in range(count):
        for i in range(LANES):
            carry[k, i] = 1.0 / count
    return State(carry, np.ones(LANES), np.empty((width, LANES)), np.ones((2, LANES)))


@inlined
def multiply(matrix: Any, columns: Any, product: Any) -> None:
    """Write the product of a matrix with LANES columns; both sides are multiples of two."""
    for k in range(len(product)):
        for i in range(LANES):
            product[k, i] = 0.0
    tiles.add_product(matrix, 0, columns, len(columns), product, LANES)


@inlined
def forward(chain: Any, block: Any, state: Any, watched: bool, filtered: Any, totals: Any) -> None:
    """Write p(s_t, y_t | past) of a block, and its totals over the states.

    `state` comes from the block before. If `watched`, the least predictions and products are tracked.
    """
    for at in range(0, BLOCK, LANES):
        multiply(chain.moves, state.carry, state.moved)
        total, fresh = totals[at:], block.fresh[at:]
        for i in range(LANES):
            # The reciprocal is infinite after an impossible row.
            state.reciprocal[i] = 0.0 if fresh[i] > 0.0 else state.reciprocal[i]
            total[i] = 0.0
        for k in range(len(chain.initial)):
            filter_state(chain.initial[k], fresh, state.reciprocal, block.density[k, at:], state.moved[k],
                         filtered[k, at:], state.carry[k], total)
        if watched:
            for k in range(len(chain.initial)):
                track_underflow(chain.initial[k], fresh, state.reciprocal, block.density[k, at:], state.moved[k],
                                state.carry[k], state.least)
        for i in range(LANES):
            state.reciprocal[i] = 1.0 / total[i]


@inlined
def filter_state(initial: float, fresh: Any, reciprocal: Any, density: Any, moved: Any, filtered: Any, carry: Any,
                 total: Any) -> None:
    """Multiply the predicted probability of one state by the density of its observation."""
    for i in range(LANES):
        joint = (moved[i] * reciprocal[i] + initial * fresh[i]) * density[i]
        filtered[i] = joint
        carry[i] = joint
        total[i] += joint


@inlined
def track_underflow(initial: float, fresh: Any, reciprocal: Any, density: Any, moved: Any, joint: Any,
                    least: Any) -> None:
    """Track one state's least prediction and product; an initial probability is no sum that could lose terms."""
    prediction, product = least[0], least[1]
    for i in range(LANES):
        carried = moved[i] * reciprocal[i]
        prediction[i] = min(prediction[i], carried if carried > 0.0 else 1.0)
        possible = (carried + initial * fresh[i] > 0.0) & (density[i] > 0.0)
        product[i] = min(product[i], joint[i] if possible else 1.0)


@inlined
def backward(moves: Any, block: Any, state: Any, watched: bool, ahead: Any, onward: Any) -> None:
    """Write p(y_t+1.. | s_t), up to a factor for each t, into `ahead`, and its parts by the next state into `onward`.

    `moves` has the probabilities of the moves out of a state in its row. The state's `carry` is p(y_t+1.. | s_t+1) for
    the last columns of the block, and afterwards for those of the block before.
    """
    total = state.reciprocal
    for at in range(BLOCK - LANES, -1, -LANES):
        over = block.over[at:]
        for k in range(len(block.density)):
            part, carry = onward[k, at:], state.carry[k]
            for i in range(LANES):
                carry[i] *= 1.0 - over[i]
                part[i] = carry[i]
        multiply(moves, state.carry, state.moved)
        for i in range(LANES):
            total[i] = 0.0
        for k in range(len(block.density)):
            look_ahead(over, state.moved[k], ahead[k, at:], total)
        for i in range(LANES):
            total[i] = 1.0 / total[i]
        for k in range(len(block.density)):
            multiply_density(block.density[k, at:], ahead[k, at:], total, state.carry[k])
        if watched:
            for k in range(len(block.density)):
                track_underflow_back(block.density[k, at:], ahead[k, at:], state.carry[k], state.least)


@inlined
def look_ahead(over: Any, moved: Any, ahead: Any, total: Any) -> None:
    """Write the probability of the future given one state; one where a sequence is over."""
    for i in range(LANES):
        value = moved[i] + over[i]
        ahead[i] = value
        total[i] += value


@inlined
def multiply_density(density: Any, ahead: Any, reciprocal: Any, carry: Any) -> None:
    """Multiply the probability of the future given one state by the density of its own observation."""
    for i in range(LANES):
        carry[i] = density[i] * (ahead[i] * reciprocal[i])


@inlined
def track_underflow_back(density: Any, ahead: Any, carry: Any, least: Any) -> None:
    """Track one state's least prediction and product on the way back."""
    prediction, product = least[0], least[1]
    for i in range(LANES):
        prediction[i] = min(prediction[i], ahead[i] if ahead[i] > 0.0 else 1.0)
        product[i] = min(product[i], carry[i] if (density[i] > 0.0) & (ahead[i] > 0.0) else 1.0)


@inlined
def smooth(filtered: Any, weight: Any, ahead: Any, onward: Any, total: Any) -> None:
    """Turn `ahead` into weighted probabilities of the states, and `onward` into the matching factors of the moves."""
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


@inlined
def copy_lanes(source: Any, target: Any, count: int) -> None:
    """Copy the first LANES columns of the first rows."""
    for k in range(count):
        for i in range(LANES):
            target[k, i] = source[k, i]


@inlined
def disagreement(ours: Any, lane: int, theirs: Any, other: int, count: int, least: float) -> float:
    """Return how far two columns are from being proportional: the largest relative difference of an entry.

    Entries less than `least` of the column's sum are taken for that.
    """
    a = b = gap = 0.0
    for k in range(count):
        a += ours[k, lane]
        b += theirs[k, other]
    for k in range(count):
        u, v = ours[k, lane] * b, theirs[k, other] * a
        gap = max(gap, abs(u - v) / max(u, v, least * a * b, 1e-300))
    return gap
