"""One forward and one backward pass over the observations of a hidden Markov model, emissions and moments included.

The rows are cut into LANES stretches of equal length, which are followed side by side. A stretch that begins in the
middle of a sequence is run in: it starts some rows too early with equal probabilities, which the observations make it
forget. How much of this guess is left is measured where two stretches meet, which compute the same probabilities.
Nothing of length T is kept but the rows' log-densities: the backward pass repeats the forward pass block by block,
from a checkpoint at the block's start, which takes no longer than to keep what was found there.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from emlib.kernels import blocks, chain, hmm_block, tiles
from emlib.kernels.arguments import ExpTable
from emlib.kernels.blocks import inlined
from emlib.kernels.chain import STEPS
from emlib.kernels.chain_arguments import Chain, ChainSums, ChainTotals, Emissions, Forward, Sequences
from emlib.kernels.dispatch import BLOCK, LANES, STRIDE

# What is less than this share of all states' probabilities cannot matter where every move has a chance of 1e-50 or
# more (`compiled_chain.may_underflow`): what is still to come favours no state by more than that.
NEGLIGIBLE = 1e-150


def checkpoints_shape(total: int, count: int) -> tuple[int, int, int]:
    """Return the shape of the checkpoints of so many rows and states."""
    return (total - 1) // BLOCK + 1, count + 1, LANES


@inlined
def seam(sequences: Any, ours: Any, theirs: Any, count: int, watched: bool) -> float:
    """Return the largest disagreement, in mid-sequence, of a stretch in `ours` with a neighbour in `theirs`."""
    gap, length, least = 0.0, hmm_block.stretch(len(sequences.starts)), 0.0 if watched else NEGLIGIBLE
    for lane in range(1, LANES):
        row = lane * length
        if row < len(sequences.starts) and sequences.starts[row] == 0:
            gap = max(gap, chain.disagreement(ours, lane, theirs, lane - 1, count, least))
    return gap


@inlined
def write_log_densities(block: Any, totals: Any, log_density: Any) -> float:
    """Write log p(row | past) of a block's rows; return their weighted sum over the largest densities."""
    heights = 0.0
    for i in range(BLOCK):
        totals[i] = blocks.log(totals[i])
        heights += block.weight[i] * totals[i]
    for i in range(BLOCK):
        if block.weight[i] > 0.0:
            log_density[block.place[i]] = block.top[i] + totals[i]
    return heights


@inlined
def lane_minimum(values: Any, least: float) -> float:
    """Return the least of the lanes' values and one more."""
    for i in range(LANES):
        least = min(least, values[i])
    return least


@blocks.cached
def run_forward(sequences: Sequences, emissions: Emissions, model: Chain, found: Forward, c: ExpTable) -> ChainTotals:
    """Filter: write the rows' log-densities, and checkpoints for the way back."""
    length, count = hmm_block.stretch(len(sequences.starts)), len(model.initial)
    block, state = hmm_block.empty_block(emissions, count), chain.uniform_state(len(model.moves), count)
    filtered, totals = np.zeros((len(model.moves), STRIDE)), np.empty(BLOCK)
    surplus, opening = 0.0, 1.0
    for low in range(-min(model.run_in, LANES * length), length, STEPS):
        if low >= 0:
            checkpoint = found.checkpoints[low // STEPS]
            chain.copy_lanes(state.carry, checkpoint, count)
            for i in range(LANES):
                checkpoint[count, i] = state.reciprocal[i]
        hmm_block.load(sequences, emissions, low, block)
        hmm_block.densities(emissions, block, c)
        chain.forward(model, block, state, model.watched, filtered, totals)
        if low >= 0:
            opening = min(opening, hmm_block.least_opening(block, totals))
            surplus += write_log_densities(block, totals, found.log_density)
    return ChainTotals(surplus, lane_minimum(state.least[0], 1.0), lane_minimum(state.least[1], 1.0), opening,
                       seam(sequences, found.checkpoints[0], state.carry, count, model.watched))


@blocks.cached
def run_backward(sequences: Sequences, emissions: Emissions, model: Chain, found: Forward, before: ChainTotals,
                 sums: ChainSums, c: ExpTable) -> ChainTotals:
    """Smooth, from the last block to the first, add up the expected moments, and return the totals of both passes."""
    length, count, back = hmm_block.stretch(len(sequences.starts)), len(model.initial), model.moves.T.copy()
    block = hmm_block.empty_block(emissions, count)
    state, again = chain.uniform_state(len(back), count), chain.uniform_state(len(back), 0)
    filtered, totals, after = np.zeros((len(back), STRIDE)), np.empty(BLOCK), np.zeros((count, LANES))
    ahead, onward = np.zeros((len(back), STRIDE)), np.zeros((len(back), STRIDE))
    surplus, gap = before.surplus, before.disagreement
    for low in range(length + min(model.run_in, LANES * length) - STEPS, -1, -STEPS):
        hmm_block.load(sequences, emissions, low, block)
        served = hmm_block.densities(emissions, block, c)
        chain.backward(back, block, state, model.watched, ahead, onward)
        if low >= length:
            chain.copy_lanes(ahead, after, count)
            continue
        if low == 0:
            gap = max(gap, seam(sequences, ahead, after, count, model.watched))
        checkpoint = found.checkpoints[low // STEPS]
        chain.copy_lanes(checkpoint, again.carry, count)
        for i in range(LANES):
            again.reciprocal[i] = checkpoint[count, i]
        chain.forward(model, block, again, False, filtered, totals)
        chain.smooth(filtered, block.weight, ahead[:count], onward, totals)
        tiles.add_product_transposed(filtered, onward, len(onward), sums.moves, 0, BLOCK)
        hmm_block.add_moments(emissions, block, served, ahead, sums)
        for k in range(count):
            surplus -= blocks.inner_product(ahead[k], block.gap[k])
    return ChainTotals(surplus, lane_minimum(state.least[0], before.least_prediction),
                       lane_minimum(state.least[1], before.least_product), before.least_opening, gap)
