"""One forward and one backward pass over the observations of a hidden Markov model, emissions and moments included.

The rows are cut into LANES stretches of equal length, which are followed side by side. A stretch that begins in the
middle of a sequence is run in: it starts `lead` rows too early with a guess, which the observations make it forget.
How much of the guess is left is measured at every joint, where two stretches tell the same probabilities. The way
back reads what the way forward has kept of each block; of long data nothing of length T is kept, and the way forward
is repeated block by block, from what was noted at the block's start.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numba
import numpy as np

from emlib.kernels import blocks, chain, gaussian, quadratic, tiles
from emlib.kernels.blocks import loop
from emlib.kernels.chain import LANES, STEPS
from emlib.kernels.choice import BLOCK, ROOM, STRIDE
from emlib.kernels.gaussian import CUBE, MATRIX, PRODUCTS, ROWS, SEEN, VECTOR

LEAST = 1e-307  # a normal density that is less than this share of the largest one
SYMBOLS, MARKS = numba.types.Array(numba.int64, 1, "A", readonly=True), numba.types.uint8[::1]


def notes(total: int, count: int) -> tuple[int, int, int]:
    """Return the shape of the notes for the way back."""
    return (total - 1) // BLOCK + 1, count + 1, LANES


def kept(total: int, count: int, width: int) -> tuple[int, int, int]:
    """Return the shape of what is kept of each block: its densities, their logarithms, filtered probabilities."""
    whole, rows = (total - 1) // BLOCK + 1, count + 2 * width
    return (whole if 8 * whole * rows * STRIDE <= ROOM else 0), rows, STRIDE


class Given(NamedTuple):
    """What a pass reads; see `smooth`."""

    rows: Any
    symbols: Any
    marks: Any
    seen: Any
    means: Any
    factors: Any
    heads: Any
    fast: Any
    constants: Any
    stretch: Any


class Block(NamedTuple):
    """What is known of a block before its neighbours are asked: one entry, or column, for each of its rows.

    Where the rows lie; which of them begin and end a sequence; how much each counts; the rows, transposed; the
    logarithm of the largest density; each state's density over it, and its logarithm; room to work.
    """

    place: Any
    fresh: Any
    over: Any
    weight: Any
    x: Any
    top: Any
    density: Any
    gap: Any
    y: Any
    z: Any
    features: Any


class Moments(NamedTuple):
    """Sums that a pass adds to: emissions of each state, and first states."""

    counts: Any
    first: Any
    second: Any
    shares: Any
    initial: Any
    near: Any
    sums: Any


@loop
def gather(given: Any, low: int, block: Any) -> None:
    """Copy a block; a lane that has no row at a step repeats the first or the last one, each time anew, at weight 0."""
    last = len(given.marks) - 1
    for i in range(BLOCK):
        row = (i % LANES) * given.stretch + low + i // LANES
        at = max(0, min(row, last))
        block.place[i] = at
        block.fresh[i] = 1.0 if (row != at) | (given.marks[at] > 0) else 0.0
        block.over[i] = 1.0 if at == last else (1.0 if given.marks[at + 1] > 0 else 0.0)
        block.weight[i] = 0.0 if row != at else (given.seen[at] if len(given.seen) else 1.0)
        for j in range(given.rows.shape[1]):
            block.x[j, i] = given.rows[at, j]


@loop
def densities(given: Any, block: Any) -> None:
    """Write each state's density over the largest one, and the logarithm of the largest."""
    if not given.rows.shape[1]:  # densities are looked up
        for i in range(BLOCK):
            symbol = given.symbols[block.place[i]]
            block.top[i] = given.heads[symbol]
            for k in range(len(block.density)):
                block.density[k, i] = given.means[symbol, k]
                block.gap[k, i] = given.factors[0, symbol, k]
        return
    count, distance = len(block.density), block.y[len(block.y) - 1]
    if quadratic.near(given.fast, block.x, block.z, distance):
        quadratic.densities(given.fast, block.z, block.features, block.gap)
    else:
        for k in range(count):
            gaussian.squared(given.factors[k], block.x, given.means[k], block.y, distance)
            gaussian.joined(distance, given.heads[k], block.gap[k])
    gaussian.highest(block.gap[:count], block.top)
    for k in range(count):
        over(block.gap[k], block.top, block.density[k], given.constants)


@loop
def over(gap: Any, top: Any, density: Any, c: Any) -> None:
    """Take the largest logarithm out of one state's, and write its density."""
    for i in range(BLOCK):
        value = gap[i] - top[i]
        gap[i] = value
        density[i] = max(blocks.exp(value, c), LEAST)


@loop
def joints(given: Any, ours: Any, theirs: Any, count: int) -> float:
    """Return the largest disagreement, in mid-sequence, of a stretch in `ours` with a neighbour in `theirs`."""
    gap = 0.0
    for lane in range(1, LANES):
        row = lane * given.stretch
        if row < len(given.marks) and given.marks[row] == 0:
            gap = max(gap, chain.apart(ours, lane, theirs, lane - 1, count))
    return gap


@loop
def add(given: Any, block: Any, states: Any, total: Any) -> None:
    """Add a block's weighted probabilities of states, with the observations that belong to them."""
    count = len(block.density)
    for k in range(count):
        total.initial[k] += blocks.product(states[k], block.fresh)
    if not given.rows.shape[1]:  # densities are looked up
        for k in range(count):
            share = states[k]
            for i in range(BLOCK):
                total.shares[given.symbols[block.place[i]], k] += share[i]
    elif quadratic.near(given.fast, block.x, block.z, block.y[0]):
        for k in range(count):
            total.near[k] += gaussian.count(states[k])
        quadratic.fill_last(given.fast, block.z, block.features)
        quadratic.gather(given.fast, block.z, block.features, states, total.sums)
    else:
        for k in range(count):
            total.counts[k] += gaussian.count(states[k])
            gaussian.exactly(states[k], block.x, given.means[k], block.y, block.y[len(block.x):], total.first[k],
                             total.second[k])


@loop
def own(block: Any, mine: Any, width: int) -> tuple[Any, Any]:
    """Return a block whose densities and their logarithms lie in what is kept of it, and its filtered probabilities."""
    count = len(block.density)
    with_mine = Block(block.place, block.fresh, block.over, block.weight, block.x, block.top, mine[:count],
                      mine[count:count + width], block.y, block.z, block.features)
    return with_mine, mine[count + width:]


@loop
def tell(block: Any, totals: Any, evidence: Any) -> float:
    """Write the log-densities of a block's rows given the past; return their sum over the largest densities."""
    heights = 0.0
    for i in range(BLOCK):
        totals[i] = blocks.log(totals[i])
        heights += block.weight[i] * totals[i]
    for i in range(BLOCK):
        if block.weight[i] > 0.0:
            evidence[block.place[i]] = block.top[i] + totals[i]
    return heights


INPUT = (ROWS, SYMBOLS, MARKS, SEEN, VECTOR, *PRODUCTS, MATRIX, CUBE, VECTOR, numba.int64, VECTOR, MATRIX,
         CUBE)


@loop
def taken(rows: Any, symbols: Any, marks: Any, seen: Any, table: Any, fast: Any, means: Any, factors: Any,
          heads: Any) -> Any:
    """Return what a pass reads, and room for a block of it."""
    stretch = ((len(marks) - 1) // BLOCK + 1) * STEPS
    side, count = rows.shape[1], len(means) if rows.shape[1] else means.shape[1]
    block = Block(np.empty(BLOCK, np.int64), np.empty(BLOCK), np.empty(BLOCK), np.empty(BLOCK),
                  np.empty((side, STRIDE)), np.empty(BLOCK), np.empty((count, STRIDE)),
                  np.empty((count + count % 2, STRIDE)), np.empty((side + 3, STRIDE)), np.ones((side + 1, STRIDE)),
                  np.zeros((min(len(fast.pairs), quadratic.PANEL), STRIDE)))
    return Given(rows, symbols, marks, seen, means, factors, heads, fast, blocks.constants(table), stretch), block


@blocks.kept((*INPUT, CUBE, VECTOR, VECTOR))
def filter(rows: Any, symbols: Any, marks: Any, seen: Any, table: Any, centre: Any, scale: Any, limit: Any,
           pairs: Any, weights: Any, constants: Any, means: Any, factors: Any, heads: Any, lead: int, initial: Any,
           moves: Any, notes: Any, kept: Any, evidence: Any, signs: Any) -> None:
    """Run forward: fill in the log of each row's density given the past, and notes for the way back.

    `marks` is one where a sequence begins, `seen` how often each row counts, or empty. Densities are looked up by
    `symbols` in `means` (over the largest one, whose logarithm is in `heads`), their logarithms in ``factors[0]``; or
    they are those of normals with these means, scale factors and constants. `moves` holds the probabilities of the
    moves into each state in its row, filled up with zeros to an even number. `kept` gets what the way back can read,
    or has no room for any block. `signs` gets the least predictions
    and products met, the largest disagreement at a joint, and (after `smooth`) the sum of log p(row | past) less the
    expected log-densities, both over the largest density.
    """
    fast = quadratic.Quadratic(centre, scale, limit, pairs, weights, constants)
    given, block = taken(rows, symbols, marks, seen, table, fast, means, factors, heads)
    count, filtered, totals = len(initial), np.zeros((len(moves), STRIDE)), np.empty(BLOCK)
    carry, scratch = np.zeros((len(moves), LANES)), np.empty((len(moves), LANES))
    reciprocal, least = np.ones(LANES), np.ones((2, LANES))
    heights = 0.0
    chain.guess(carry, count)
    for low in range(-min(lead, LANES * given.stretch), given.stretch, STEPS):
        if low >= 0:
            chain.copy(carry, notes[low // STEPS], count)
            for i in range(LANES):
                notes[low // STEPS, count, i] = reciprocal[i]
            if len(kept):
                block, filtered = own(block, kept[low // STEPS], len(moves))
                filtered[count:] = 0.0
        gather(given, low, block)
        densities(given, block)
        chain.forward(initial, moves, block.density, block.fresh, carry, reciprocal, scratch, filtered, totals,
                      least)
        if low >= 0:
            heights += tell(block, totals, evidence)
    for i in range(LANES):
        signs[0], signs[1] = min(signs[0], least[0, i]), min(signs[1], least[1, i])
    signs[2] = max(signs[2], joints(given, notes[0], carry, count))
    signs[3] = heights


@blocks.kept((*INPUT, CUBE, VECTOR, MATRIX, CUBE, MATRIX, VECTOR, VECTOR, MATRIX, MATRIX, VECTOR))
def smooth(rows: Any, symbols: Any, marks: Any, seen: Any, table: Any, centre: Any, scale: Any, limit: Any,
           pairs: Any, weights: Any, constants: Any, means: Any, factors: Any, heads: Any, lead: int, initial: Any,
           moves: Any, notes: Any, kept: Any, counts: Any, first: Any, second: Any, shares: Any, starts: Any,
           near: Any, products: Any, sums: Any, signs: Any) -> None:
    """Run back, from the last block to the first, and add up the expected moments; what goes in is as for `filter`."""
    fast = quadratic.Quadratic(centre, scale, limit, pairs, weights, constants)
    given, block = taken(rows, symbols, marks, seen, table, fast, means, factors, heads)
    total, back = Moments(counts, first, second, shares, starts, near, products), moves.T.copy()
    count, filtered, totals = len(initial), np.zeros((len(moves), STRIDE)), np.empty(BLOCK)
    carry, state = np.zeros((len(moves), LANES)), np.zeros((len(moves), LANES))
    scratch, after, sizes = np.empty((len(moves), LANES)), np.zeros((count, LANES)), np.empty(LANES)
    ahead, onward = np.zeros((count + count % 2, STRIDE)), np.zeros((len(moves), STRIDE))
    reciprocal, least, spare = np.ones(LANES), np.ones((2, LANES)), np.ones((2, LANES))
    chain.guess(carry, count)
    for low in range(given.stretch + min(lead, LANES * given.stretch) - STEPS, -1, -STEPS):
        gather(given, low, block)
        mine = low < given.stretch and len(kept) > 0
        if mine:
            block, filtered = own(block, kept[low // STEPS], len(moves))
        else:
            densities(given, block)
        chain.backward(back, block.density, block.over, carry, scratch, sizes, ahead, onward, least)
        if low >= given.stretch:
            chain.copy(ahead, after, count)
            continue
        if low == 0:
            signs[2] = max(signs[2], joints(given, ahead, after, count))
        if not mine:
            chain.copy(notes[low // STEPS], state, count)
            for i in range(LANES):
                reciprocal[i] = notes[low // STEPS, count, i]
            chain.forward(initial, moves, block.density, block.fresh, state, reciprocal, scratch, filtered, totals,
                          spare)
        chain.smooth(filtered, block.weight, ahead[:count], onward, totals)
        tiles.gather(filtered, onward, len(onward), sums, 0)
        add(given, block, ahead, total)
        for k in range(count):
            signs[3] -= blocks.product(ahead[k], block.gap[k])
    for i in range(LANES):
        signs[0], signs[1] = min(signs[0], least[0, i]), min(signs[1], least[1, i])
