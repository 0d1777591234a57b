"""The observations of hidden chains apart from the chains: all their densities, and the moments they belong to.

`hmm` does both as it follows the chains side by side; this is for recursions that take one step after the other.
"""

from __future__ import annotations

import numpy as np

from emlib.kernels import blocks, hmm_block
from emlib.kernels.arguments import ExpTable
from emlib.kernels.chain import STEPS
from emlib.kernels.chain_arguments import ChainSums, Emissions, Gaps, Sequences
from emlib.kernels.dispatch import BLOCK, STRIDE


@blocks.cached
def write_gaps(sequences: Sequences, emissions: Emissions, found: Gaps, c: ExpTable) -> None:
    """Write the log of each row's density in each state over its largest one, and the log of the largest."""
    count = len(found.gaps)
    block = hmm_block.empty_block(emissions, count)
    for low in range(0, hmm_block.stretch(len(sequences.starts)), STEPS):
        hmm_block.load(sequences, emissions, low, block)
        hmm_block.densities(emissions, block, c)
        for i in range(BLOCK):
            found.tops[block.place[i]] = block.top[i] if block.top[i] > -np.inf else 0.0
        for k in range(count):
            for i in range(BLOCK):
                # `densities` leaves a zero, and no logarithm, where a symbol is impossible.
                possible = (block.top[i] > -np.inf) & (block.density[k, i] > 0.0)
                found.gaps[k, block.place[i]] = block.gap[k, i] if possible else -np.inf


@blocks.cached
def add_moments(sequences: Sequences, emissions: Emissions, found: Gaps, sums: ChainSums, c: ExpTable) -> None:
    """Add the moments of the rows, of which `found.states` are the probabilities of the states."""
    count = len(found.states)
    block, states = hmm_block.empty_block(emissions, count), np.empty((count + count % 2, STRIDE))
    states[count:] = 0.0
    for low in range(0, hmm_block.stretch(len(sequences.starts)), STEPS):
        hmm_block.load(sequences, emissions, low, block)
        served = hmm_block.densities(emissions, block, c)
        for k in range(count):
            for i in range(BLOCK):
                states[k, i] = block.weight[i] * found.states[k, block.place[i]]
        hmm_block.add_moments(emissions, block, served, states, sums)
