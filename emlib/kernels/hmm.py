"""One forward and one backward pass over the observations of a hidden Markov model, emissions and moments included.

The rows are cut into LANES stretches of equal length, which are followed side by side. A stretch that begins in the
middle of a sequence is run in: it starts `lead` rows too early with a guess, which the observations make it forget.
How much of the guess is left is measured at every joint, where two stretches tell the same probabilities. Nothing of
length T is kept but the rows' log-densities: the way back repeats the way forward block by block, from what was noted
at the block's start, which takes no longer than to keep what was found there.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from emlib.kernels import blocks, chain, hmm_block, quadratic, tiles
from emlib.kernels.blocks import loop
from emlib.kernels.chain import LANES, STEPS
from emlib.kernels.choice import BLOCK, STRIDE
from emlib.kernels.gaussian import CUBE, MATRIX, PRODUCTS, ROWS, SEEN, VECTOR

SYMBOLS, MARKS = numba.types.Array(numba.int64, 1, "A", readonly=True), numba.types.uint8[::1]


def notes(total: int, count: int) -> tuple[int, int, int]:
    """Return the shape of the notes for the way back."""
    return (total - 1) // BLOCK + 1, count + 1, LANES


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


INPUT = (ROWS, SYMBOLS, MARKS, SEEN, VECTOR, *PRODUCTS, MATRIX, CUBE, VECTOR, numba.int64, numba.boolean, VECTOR,
         MATRIX, CUBE)


@blocks.kept((*INPUT, VECTOR, VECTOR))
def filter(rows: Any, symbols: Any, marks: Any, seen: Any, table: Any, centre: Any, scale: Any, limit: Any,
           pairs: Any, weights: Any, constants: Any, means: Any, factors: Any, heads: Any, lead: int, watch: bool,
           initial: Any, moves: Any, notes: Any, evidence: Any, signs: Any) -> None:
    """Run forward: fill in the log of each row's density given the past, and notes for the way back.

    `marks` is one where a sequence begins, `seen` how often each row counts, or empty. Densities are looked up by
    `symbols` in `means` (over the largest one, whose logarithm is in `heads`), their logarithms in ``factors[0]``; or
    they are those of normals with these means, scale factors and constants. `moves` holds the probabilities of the
    moves into each state in its row, filled up with zeros to an even number. `signs` gets the least predictions and
    products met, as far as there is something to `watch`; the largest disagreement at a joint; (after `smooth`) the
    sum of log p(row | past) less the expected log-densities, both over the largest density; and the least
    p(first row), over the same.
    """
    fast = quadratic.Quadratic(centre, scale, limit, pairs, weights, constants)
    given, block = hmm_block.taken(rows, symbols, marks, seen, table, fast, means, factors, heads)
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
        hmm_block.gather(given, low, block)
        hmm_block.densities(given, block)
        chain.forward(initial, moves, block.density, block.fresh, carry, reciprocal, scratch, filtered, totals, watch,
                      least)
        if low >= 0:
            signs[4] = min(signs[4], hmm_block.opening(block, totals))
            heights += tell(block, totals, evidence)
    for i in range(LANES):
        signs[0], signs[1] = min(signs[0], least[0, i]), min(signs[1], least[1, i])
    signs[2] = max(signs[2], joints(given, notes[0], carry, count))
    signs[3] = heights


@blocks.kept((*INPUT, VECTOR, MATRIX, CUBE, MATRIX, VECTOR, VECTOR, MATRIX, MATRIX, VECTOR))
def smooth(rows: Any, symbols: Any, marks: Any, seen: Any, table: Any, centre: Any, scale: Any, limit: Any,
           pairs: Any, weights: Any, constants: Any, means: Any, factors: Any, heads: Any, lead: int, watch: bool,
           initial: Any, moves: Any, notes: Any, counts: Any, first: Any, second: Any, shares: Any, starts: Any,
           near: Any, products: Any, sums: Any, signs: Any) -> None:
    """Run back, from the last block to the first, and add up the expected moments; what goes in is as for `filter`."""
    fast = quadratic.Quadratic(centre, scale, limit, pairs, weights, constants)
    given, block = hmm_block.taken(rows, symbols, marks, seen, table, fast, means, factors, heads)
    total, back = hmm_block.Moments(counts, first, second, shares, starts, near, products), moves.T.copy()
    count, filtered, totals = len(initial), np.zeros((len(moves), STRIDE)), np.empty(BLOCK)
    carry, state = np.zeros((len(moves), LANES)), np.zeros((len(moves), LANES))
    scratch, after, sizes = np.empty((len(moves), LANES)), np.zeros((count, LANES)), np.empty(LANES)
    ahead, onward = np.zeros((count + count % 2, STRIDE)), np.zeros((len(moves), STRIDE))
    reciprocal, least = np.ones(LANES), np.ones((2, LANES))
    chain.guess(carry, count)
    for low in range(given.stretch + min(lead, LANES * given.stretch) - STEPS, -1, -STEPS):
        hmm_block.gather(given, low, block)
        served = hmm_block.densities(given, block)
        chain.backward(back, block.density, block.over, carry, scratch, sizes, ahead, onward, watch, least)
        if low >= given.stretch:
            chain.copy(ahead, after, count)
            continue
        if low == 0:
            signs[2] = max(signs[2], joints(given, ahead, after, count))
        chain.copy(notes[low // STEPS], state, count)
        for i in range(LANES):
            reciprocal[i] = notes[low // STEPS, count, i]
        chain.forward(initial, moves, block.density, block.fresh, state, reciprocal, scratch, filtered, totals, False,
                      least)
        chain.smooth(filtered, block.weight, ahead[:count], onward, totals)
        tiles.gather(filtered, onward, len(onward), sums, 0)
        hmm_block.add(given, block, served, ahead, total)
        for k in range(count):
            signs[3] -= blocks.product(ahead[k], block.gap[k])
    for i in range(LANES):
        signs[0], signs[1] = min(signs[0], least[0, i]), min(signs[1], least[1, i])
