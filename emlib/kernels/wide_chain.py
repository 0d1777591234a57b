"""Forward and backward along hidden chains in wide range, see `wide_numbers`.

Nothing underflows, so that moves of no chance and states far apart take no logarithms. One step follows the other;
only the recursions need that. Both run in one loop, so that neither waits for the other's arithmetic, and what the two
say together, `wide_posterior` finds for many rows at a time.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from emlib.kernels import blocks, wide_posterior
from emlib.kernels.arguments import ExpTable
from emlib.kernels.blocks import inlined
from emlib.kernels.chain_arguments import WideChains, WideSums
from emlib.kernels.wide_numbers import (
    NOWHERE,
    empty,
    empty_rows,
    exponentiate,
    inner_product,
    keep,
    to_common_power,
)
from emlib.kernels.wide_posterior import SURE

LN2 = 0.6931471805599453


class Direction(NamedTuple):
    """One of the two recursions: its moves, plain and wide, and the probabilities that it carries, wide and plain."""

    moves: Any
    wide_moves: Any
    carry: Any
    scaled: Any


@inlined
def direction(moves: Any) -> Any:
    """Return a recursion with these moves, row k those that lead it to state k."""
    count = len(moves)
    found = Direction(moves, empty_rows(count, count), empty(count), np.empty(count))
    for k in range(count):
        for i in range(count):
            value, power = math.frexp(moves[k, i])
            found.wide_moves.fractions[k, i] = value
            found.wide_moves.powers[k, i] = power if value > 0.0 else NOWHERE
    return found


@inlined
def move(way: Any, message: Any) -> None:
    """Write the product of the moves with what is carried; in wide range where plain numbers lose something."""
    for k in range(len(way.moves)):
        total, power = 0.0, 0
        for i in range(len(way.scaled)):
            total += way.moves[k, i] * way.scaled[i]
        if not total > SURE:
            total, power = inner_product(way.wide_moves, k, way.carry)
        keep(total, power, k, message)


@inlined
def observe(message: Any, density: Any, t: int, way: Any) -> int:
    """Multiply by the densities of row t; carry this over its largest power of two, which is returned."""
    carry = way.carry
    for k in range(len(way.scaled)):
        fraction = message.fractions[k] * density.fractions[k, t]
        carry.fractions[k] = fraction
        carry.powers[k] = message.powers[k] + density.powers[k, t]
    top: int = to_common_power(carry, way.scaled)
    for k in range(len(way.scaled)):
        carry.powers[k] = carry.powers[k] - top if carry.fractions[k] > 0.0 else NOWHERE
    return top


@inlined
def store(numbers: Any, t: int, target: Any) -> None:
    """Copy a vector of numbers to a column."""
    for k in range(len(numbers.powers)):
        target.fractions[k, t] = numbers.fractions[k]
        target.powers[k, t] = numbers.powers[k]


@inlined
def sweep(low: int, high: int, initial: Any, room: Any, forth: Any, back: Any) -> float:
    """Write p(s_t | y_1..t), and p(y_t+1.. | s_t), of one sequence, both up to factors; return its log-density.

    This is over its rows' largest densities; minus infinity for an impossible sequence.
    """
    count, shifts, total = len(initial), 0.0, 0.0
    ahead, past = empty(count), empty(count)
    for k in range(count):
        keep(initial[k], 0, k, past)
        keep(1.0, 0, k, ahead)
    for t in range(low, high):
        later = high - 1 - (t - low)
        if t > low:
            move(forth, past)
            move(back, ahead)
        top = observe(past, room.density, t, forth)
        store(forth.carry, t, room.filtered)
        store(ahead, later, room.ahead)
        if top <= NOWHERE // 2:
            return -np.inf
        shifts += top
        observe(ahead, room.density, later, back)
    for k in range(count):
        total += forth.scaled[k]
    return math.log(total) + shifts * LN2


@inlined
def densities(gaps: Any, c: Any) -> Any:
    """Return the rows' densities over their largest ones."""
    count, length = gaps.shape
    found = empty_rows(count, length)
    for k in range(count):
        fractions, powers, logs = found.fractions[k], found.powers[k], gaps[k]
        for t in range(length):
            fractions[t], powers[t] = exponentiate(logs[t], c)
    return found


@blocks.cached
def smooth(chains: WideChains, found: WideSums, c: ExpTable) -> None:
    """Smooth sequences that lie one after the other; of an impossible one only the log-density is written.

    `found` comes with zeros.
    """
    count, length = chains.gaps.shape
    forth, back = direction(chains.transition.T.copy()), direction(chains.transition)
    room = wide_posterior.Room(densities(chains.gaps, c), empty_rows(count, length), empty_rows(count, length))
    work, low = wide_posterior.empty_work(count), 0
    for s in range(len(chains.lengths)):
        high = low + chains.lengths[s]
        found.loglik[s] = sweep(low, high, chains.initial, room, forth, back)
        if found.loglik[s] > -np.inf:
            expected = wide_posterior.smooth(low, high, chains.gaps, room, back, work, found.states, found.moves[s])
            found.surplus[s] = found.loglik[s] - expected
        low = high
