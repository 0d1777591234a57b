"""States and moves from the two recursions of `wide_chain`, a block of rows at a time."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from emlib.kernels import tiles
from emlib.kernels.blocks import inlined
from emlib.kernels.dispatch import BLOCK, STRIDE
from emlib.kernels.wide_numbers import NOWHERE, power_of_two

SURE = 2.0**-500  # a sum of products that is larger has lost nothing that matters to underflow


class Room(NamedTuple):
    """Of all rows, wide, shape (K, T): densities over the largest ones, filtered states, and the future given a state.

    The largest power of two among the filtered states of a row is zero, as it was among the products of densities and
    futures of the row after when the future was found.
    """

    density: Any
    filtered: Any
    ahead: Any


class Work(NamedTuple):
    """Of a block of rows: p(all rows), up to a factor, over a power of two, and the power; the same as a plain number.

    The largest power of the products of densities and futures of the row after; the two factors of the moves, and the
    sums of their products.
    """

    total: Any
    top: Any
    share: Any
    after: Any
    before: Any
    onward: Any
    sums: Any


@inlined
def empty_work(count: int) -> Any:
    """Return room for a block of a model with `count` states."""
    width = count + count % 2
    return Work(np.empty(BLOCK), np.empty(BLOCK, np.int64), np.empty(BLOCK), np.empty(BLOCK, np.int64),
                np.zeros((width, STRIDE)), np.zeros((width, STRIDE)), np.empty((width, width)))


@inlined
def smooth_block(low: int, size: int, gaps: Any, room: Any, work: Any, states: Any) -> float:
    """Write p(s_t | all) of a block, and its totals; return the expected log-densities over the largest ones."""
    filtered, ahead, top, total, expected = room.filtered, room.ahead, work.top, work.total, 0.0
    for i in range(size):
        top[i] = NOWHERE
        total[i] = 0.0
    for k in range(len(states)):
        past, future = filtered.powers[k, low:], ahead.powers[k, low:]
        for i in range(size):
            top[i] = max(top[i], past[i] + future[i])
    for k in range(len(states)):
        past, future, share = filtered.powers[k, low:], ahead.powers[k, low:], states[k, low:]
        first, second = filtered.fractions[k, low:], ahead.fractions[k, low:]
        for i in range(size):
            value = first[i] * second[i] * power_of_two(past[i] + future[i] - top[i])
            share[i] = value
            total[i] += value
    for k in range(len(states)):
        share, gap = states[k, low:], gaps[k, low:]
        for i in range(size):
            value = share[i] / total[i]
            share[i] = value
            expected += value * gap[i] if value > 0.0 else 0.0
    return expected


@inlined
def load_factors(low: int, size: int, room: Any, work: Any) -> bool:
    """Write the factors of the moves of a block's rows to the ones after; return whether plain numbers serve all.

    Where they do not, the factor is zero.
    """
    filtered, ahead, density, after, sure = room.filtered, room.ahead, room.density, work.after, True
    for i in range(size):
        after[i] = NOWHERE
    for k in range(len(filtered.powers)):
        future, power = ahead.powers[k, low + 1:], density.powers[k, low + 1:]
        for i in range(size):
            after[i] = max(after[i], future[i] + power[i])
    for k in range(len(filtered.powers)):
        future, power, onward = ahead.powers[k, low + 1:], density.powers[k, low + 1:], work.onward[k]
        first, second = ahead.fractions[k, low + 1:], density.fractions[k, low + 1:]
        for i in range(size):
            onward[i] = first[i] * second[i] * power_of_two(future[i] + power[i] - after[i])
    for i in range(size):
        share = work.total[i] * power_of_two(work.top[i])
        work.share[i] = share
        sure = sure & (share > SURE)
    for k in range(len(filtered.powers)):
        first, past, before = filtered.fractions[k, low:], filtered.powers[k, low:], work.before[k]
        for i in range(size):
            value = first[i] * power_of_two(past[i]) / work.share[i]
            before[i] = value if work.share[i] > SURE else 0.0
        for i in range(size, BLOCK):
            before[i] = 0.0
    return sure


@inlined
def add_wide_moves(low: int, i: int, room: Any, moves: Any, work: Any, found: Any) -> None:
    """Add p(s_t, s_t+1 | all) of one row of a block, in wide range."""
    filtered, ahead, density, t = room.filtered, room.ahead, room.density, low + i
    for j in range(len(found)):
        for k in range(len(found)):
            onward = ahead.powers[k, t + 1] + density.powers[k, t + 1] - work.after[i]
            power = filtered.powers[j, t] + moves.powers[j, k] + onward - work.top[i]
            first, second = filtered.fractions[j, t] * moves.fractions[j, k], ahead.fractions[k, t + 1]
            found[j, k] += first * second * density.fractions[k, t + 1] * power_of_two(power) / work.total[i]


@inlined
def smooth(low: int, high: int, gaps: Any, room: Any, back: Any, work: Any, states: Any, moves: Any) -> float:
    """Write p(s_t | all) of one sequence, add up its moves, and return the expected log-density over the largest."""
    expected, sums = 0.0, work.sums
    sums[:] = 0.0
    for at in range(low, high, BLOCK):
        expected += smooth_block(at, min(BLOCK, high - at), gaps, room, work, states)
        size = min(BLOCK, high - 1 - at)
        sure = load_factors(at, size, room, work)
        tiles.add_product_transposed(work.before, work.onward, len(sums), sums, 0, BLOCK)
        if not sure:
            for i in range(size):
                if not work.share[i] > SURE:
                    add_wide_moves(at, i, room, back.wide_moves, work, moves)
    for j in range(len(moves)):
        for k in range(len(moves)):
            moves[j, k] += sums[j, k] * back.moves[j, k]
    return expected
