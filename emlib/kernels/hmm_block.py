"""One block of the observations of a hidden Markov model, and what its rows add to expected moments."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from emlib.kernels import blocks, gaussian, quadratic
from emlib.kernels.blocks import loop
from emlib.kernels.chain import LANES, STEPS
from emlib.kernels.choice import BLOCK, STRIDE

LEAST = 1e-307  # a normal density that is less than this share of the largest one


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
def densities(given: Any, block: Any) -> bool:
    """Write each state's density over the largest one, and the logarithm of the largest; say if products served."""
    if not given.rows.shape[1]:  # densities are looked up
        for i in range(BLOCK):
            symbol = given.symbols[block.place[i]]
            block.top[i] = given.heads[symbol]
            for k in range(len(block.density)):
                block.density[k, i] = given.means[symbol, k]
                block.gap[k, i] = given.factors[0, symbol, k]
        return False
    count, distance = len(block.density), block.y[len(block.y) - 1]
    near: bool = quadratic.near(given.fast, block.x, block.z, distance)
    if near:
        quadratic.densities(given.fast, block.z, block.features, block.gap)
    else:
        for k in range(count):
            gaussian.squared(given.factors[k], block.x, given.means[k], block.y, distance)
            gaussian.joined(distance, given.heads[k], block.gap[k])
    gaussian.highest(block.gap[:count], block.top)
    for k in range(count):
        over(block.gap[k], block.top, block.density[k], given.constants)
    return near


@loop
def over(gap: Any, top: Any, density: Any, c: Any) -> None:
    """Take the largest logarithm out of one state's, and write its density."""
    for i in range(BLOCK):
        value = gap[i] - top[i]
        gap[i] = value
        density[i] = max(blocks.exp(value, c), LEAST)


@loop
def opening(block: Any, totals: Any) -> float:
    """Return the least total of a first row that counts, over the largest density.

    Elsewhere each state has a prediction that is seen to be far above LEAST; a first one may have none.
    """
    least = 1.0
    for i in range(BLOCK):
        least = min(least, totals[i] if (block.fresh[i] > 0.0) & (block.weight[i] > 0.0) else 1.0)
    return least


@loop
def add(given: Any, block: Any, near: bool, states: Any, total: Any) -> None:
    """Add a block's weighted probabilities of states, with the observations that belong to them.

    `near` is what `densities` has said of this block, whose z and features are still there.
    """
    count = len(block.density)
    for k in range(count):
        total.initial[k] += blocks.product(states[k], block.fresh)
    if not given.rows.shape[1]:  # densities are looked up
        for k in range(count):
            share = states[k]
            for i in range(BLOCK):
                total.shares[given.symbols[block.place[i]], k] += share[i]
    elif near:
        for k in range(count):
            total.near[k] += gaussian.count(states[k])
        quadratic.gather(given.fast, block.z, block.features, states, total.sums)
    else:
        for k in range(count):
            total.counts[k] += gaussian.count(states[k])
            gaussian.exactly(states[k], block.x, given.means[k], block.y, block.y[len(block.x):], total.first[k],
                             total.second[k])
