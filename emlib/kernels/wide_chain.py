"""Forward and backward along hidden chains in wide range, see `wide_numbers`.

Nothing underflows, so that moves of no chance and states far apart take no logarithms; one step follows the other,
which takes some three times as long as the pass of `hmm` side by side.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from emlib.kernels import blocks
from emlib.kernels.blocks import inlined
from emlib.kernels.chain_arguments import WideChains, WideSums
from emlib.kernels.wide_numbers import (
    NOWHERE,
    empty,
    halved,
    inner_product,
    keep,
    powers_of_two,
    row,
    times_density,
    to_common_power,
)

SURE = 2.0**-500  # a sum of products that is larger has lost nothing that matters to underflow
LN2, LN2_HIGH, LN2_LOW = 0.6931471805599453, 0.6931471803691238, 1.9082149292705877e-10  # high * power is exact
LARGEST_POWER = 2.0**50


class Room(NamedTuple):
    """What the passes share.

    Powers of two, downwards from 2^ROUNDING; moves out of each state, and into it, plain and wide; densities of the
    rows over their largest ones, filtered states, both wide; logs of the largest densities; two plain vectors.
    """

    halves: Any
    out: Any
    into: Any
    wide_out: Any
    wide_into: Any
    density: Any
    filtered: Any
    top: Any
    scaled: Any
    other: Any


@inlined
def multiply(matrix: Any, wide: Any, vector: Any, room: Any, product: Any) -> None:
    """Write the product of a matrix with a vector; in wide range only where plain numbers lose something."""
    top = to_common_power(vector, room.halves, room.scaled)
    for k in range(len(matrix)):
        line, total = matrix[k], 0.0
        for i in range(len(line)):
            total += line[i] * room.scaled[i]
        power = top
        if not total > SURE:
            total, power = inner_product(row(wide, k), vector, room.halves)
        keep(total, power, k, product)


@inlined
def load_density(logs: Any, density: Any) -> float:
    """Write the densities of a row over the largest one, and return the log of that."""
    top = -np.inf
    for k in range(len(logs)):
        top = max(top, logs[k])
    for k in range(len(logs)):
        if logs[k] > -np.inf:
            gap = logs[k] - top
            power = max(np.rint(gap / LN2), -LARGEST_POWER)
            density.fractions[k] = math.exp((gap - power * LN2_HIGH) - power * LN2_LOW)
            density.powers[k] = np.int64(power)
        else:
            density.fractions[k], density.powers[k] = 0.0, NOWHERE
    return top


@inlined
def run_forward(low: int, high: int, chains: Any, room: Any) -> tuple[float, float]:
    """Write p(s_t | y_1..t) of one sequence; return log p(y) over its rows' largest densities, and the log of these.

    The first is minus infinity for an impossible sequence.
    """
    count, gaps, tops = len(room.out), 0.0, 0.0
    for t in range(low, high):
        density, filtered = row(room.density, t), row(room.filtered, t)
        room.top[t] = load_density(chains.log_density[t], density)
        if t == low:
            for k in range(count):
                keep(chains.initial[k], 0, k, filtered)
        else:
            multiply(room.into, room.wide_into, row(room.filtered, t - 1), room, filtered)
        times_density(filtered, density, filtered)
        top, total = to_common_power(filtered, room.halves, room.scaled), 0.0
        for k in range(count):
            total += room.scaled[k]
        if not total > 0.0:
            return -np.inf, 0.0
        for k in range(count):
            filtered.fractions[k] /= total
            filtered.powers[k] = filtered.powers[k] - top if filtered.fractions[k] > 0.0 else NOWHERE
        gaps += math.log(total) + top * LN2
        tops += room.top[t]
    return gaps, tops


@inlined
def expected_gap(states: Any, logs: Any, top: float) -> float:
    """Return the expected log-density of a row over its largest one."""
    total = 0.0
    for k in range(len(states)):
        total += states[k] * (logs[k] - top) if states[k] > 0.0 else 0.0
    return total


@inlined
def add_moves(before: Any, onward: Any, total: float, top: int, room: Any, plain: Any, wide: Any) -> None:
    """Add p(s_t, s_t+1 | all) to `wide`, or what it is over the chance of the move to `plain` where that serves."""
    count = len(plain)
    first = to_common_power(before, room.halves, room.other)
    second = to_common_power(onward, room.halves, room.scaled)
    share = halved(total, first + second - top, room.halves)
    for i in range(count):
        if share > SURE:
            part, line = room.other[i] / share, plain[i]
            for k in range(count):
                line[k] += part * room.scaled[k]
        else:
            chances = row(room.wide_out, i)
            for k in range(count):
                power = before.powers[i] + chances.powers[k] + onward.powers[k]
                part = before.fractions[i] * chances.fractions[k] * onward.fractions[k]
                wide[i, k] += halved(part, top - power, room.halves) / total


@inlined
def run_backward(low: int, high: int, chains: Any, room: Any, states: Any, moves: Any) -> float:
    """Write p(s_t | all) of one sequence, add up its moves, and return the expected log-density over the largest."""
    count = len(room.out)
    ahead, onward = row(empty(1, count), 0), row(empty(1, count), 0)
    plain, wide = np.zeros((count, count)), np.zeros((count, count))
    for k in range(count):
        keep(1.0, 0, k, ahead)
    expected = 0.0
    for t in range(high - 1, low - 1, -1):
        filtered = row(room.filtered, t)
        total, top = inner_product(filtered, ahead, room.halves)
        for k in range(count):
            power = filtered.powers[k] + ahead.powers[k]
            states[t, k] = halved(filtered.fractions[k] * ahead.fractions[k], top - power, room.halves) / total
        expected += expected_gap(states[t], chains.log_density[t], room.top[t])
        if t < high - 1:
            add_moves(filtered, onward, total, top, room, plain, wide)
        for k in range(count):
            ahead.powers[k] = ahead.powers[k] - top if ahead.fractions[k] > 0.0 else NOWHERE
        times_density(ahead, row(room.density, t), onward)
        if t > low:
            multiply(room.out, room.wide_out, onward, room, ahead)
    for i in range(count):
        for k in range(count):
            moves[i, k] = plain[i, k] * room.out[i, k] + wide[i, k]
    return expected


@inlined
def prepare(transition: Any, total: int) -> Any:
    """Return the room for chains of so many rows in all."""
    count = len(transition)
    into, out, back = transition.T.copy(), empty(count, count), empty(count, count)
    for i in range(count):
        for k in range(count):
            keep(transition[i, k], 0, k, row(out, i))
            keep(into[i, k], 0, k, row(back, i))
    return Room(powers_of_two(), transition, into, out, back, empty(total, count), empty(total, count), np.empty(total),
                np.empty(count), np.empty(count))


@blocks.cached
def smooth(chains: WideChains, found: WideSums) -> None:
    """Smooth sequences that lie one after the other; of an impossible one only the log-density is written.

    `found` comes with zeros.
    """
    room, low = prepare(chains.transition, len(chains.log_density)), 0
    for s in range(len(chains.lengths)):
        high = low + chains.lengths[s]
        gaps, tops = run_forward(low, high, chains, room)
        found.loglik[s] = gaps + tops
        if gaps > -np.inf:
            found.surplus[s] = gaps - run_backward(low, high, chains, room, found.states, found.moves[s])
        low = high
