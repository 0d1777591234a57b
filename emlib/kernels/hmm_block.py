"""One block of the observations of a hidden Markov model, and what its rows add to expected moments."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from emlib.kernels import blocks, gaussian, quadratic
from emlib.kernels.blocks import inlined
from emlib.kernels.chain import STEPS
from emlib.kernels.dispatch import BLOCK, LANES, LEAST_DENSITY, STRIDE


class Block(NamedTuple):
    """A block before its neighbours are known: one entry, or column, for each of its rows.

    Where the rows lie (-> place); whether they begin (fresh) or end (over) a sequence; how much each counts (weight);
    the rows, transposed (x); the log of the largest density (top); each state's density over it, and its log (gap);
    and room to work.
    """

    place: Any
    fresh: Any
    over: Any
    weight: Any
    x: Any
    top: Any
    density: Any
    gap: Any
    z: Any
    panel: Any
    residuals: Any
    scratch: Any


@inlined
def empty_block(emissions: Any, count: int) -> Any:
    """Return room for a block of a model with `count` states."""
    side = emissions.rows.shape[1]
    return Block(np.empty(BLOCK, np.int64), np.empty(BLOCK), np.empty(BLOCK), np.empty(BLOCK),
                 np.empty((side, STRIDE)), np.empty(BLOCK), np.empty((count, STRIDE)),
                 np.empty((count + count % 2, STRIDE)), np.ones((side + 1, STRIDE)),
                 np.zeros((min(len(emissions.normals.quadratic.pairs), quadratic.PANEL), STRIDE)),
                 np.empty((side, STRIDE)), np.empty(STRIDE))


@inlined
def stretch(total: int) -> int:
    """Return the length of the LANES stretches of so many rows, a multiple of STEPS."""
    return ((total - 1) // BLOCK + 1) * STEPS


@inlined
def load(sequences: Any, emissions: Any, low: int, block: Any) -> None:
    """Copy a block; a lane that has no row at a step repeats the first or the last one, each time anew, at weight 0."""
    starts, weights, rows = sequences.starts, sequences.weights, emissions.rows
    last, length = len(starts) - 1, stretch(len(starts))
    for i in range(BLOCK):
        row = (i % LANES) * length + low + i // LANES
        at = max(0, min(row, last))
        block.place[i] = at
        block.fresh[i] = 1.0 if (row != at) | (starts[at] > 0) else 0.0
        block.over[i] = 1.0 if at == last else (1.0 if starts[at + 1] > 0 else 0.0)
        block.weight[i] = 0.0 if row != at else (weights[at] if len(weights) else 1.0)
        for j in range(rows.shape[1]):
            block.x[j, i] = rows[at, j]


@inlined
def densities(emissions: Any, block: Any, c: Any) -> bool:
    """Write each state's density over the largest one, and the log of the largest; return whether products served."""
    normals, table, count = emissions.normals, emissions.table, len(block.density)
    if not emissions.rows.shape[1]:
        for i in range(BLOCK):
            symbol = emissions.symbols[block.place[i]]
            block.top[i] = table.log_largest[symbol]
            for k in range(count):
                block.density[k, i] = table.probabilities[symbol, k]
                block.gap[k, i] = table.logarithms[symbol, k]
        return False
    served: bool = quadratic.centre_block(normals.quadratic, block.x, block.z, block.scratch)
    if served:
        quadratic.log_densities(normals.quadratic, block.z, block.panel, block.gap)
    else:
        for k in range(count):
            gaussian.log_densities(normals, k, block.x, block.residuals, block.scratch, block.gap[k])
    gaussian.column_maxima(block.gap[:count], block.top)
    for k in range(count):
        divide_by_largest(block.gap[k], block.top, block.density[k], c)
    return served


@inlined
def divide_by_largest(gap: Any, top: Any, density: Any, c: Any) -> None:
    """Subtract the largest log-density from one state's, and write its density."""
    for i in range(BLOCK):
        value = gap[i] - top[i]
        gap[i] = value
        density[i] = max(blocks.exp(value, c), LEAST_DENSITY)


@inlined
def least_opening(block: Any, totals: Any) -> float:
    """Return the least total of a first row that counts, over the largest density.

    Elsewhere each state's prediction is known to be far above LEAST_DENSITY; that of a first state may be zero.
    """
    least = 1.0
    for i in range(BLOCK):
        least = min(least, totals[i] if (block.fresh[i] > 0.0) & (block.weight[i] > 0.0) else 1.0)
    return least


@inlined
def add_moments(emissions: Any, block: Any, served: bool, states: Any, sums: Any) -> None:
    """Add a block's weighted probabilities of states, with the observations that belong to them.

    `served` is what `densities` has returned for this block, whose z and panel are still there.
    """
    count, normals = len(block.density), emissions.normals
    for k in range(count):
        sums.initial[k] += blocks.inner_product(states[k], block.fresh)
    if not emissions.rows.shape[1]:
        for k in range(count):
            share = states[k]
            for i in range(BLOCK):
                sums.symbols[emissions.symbols[block.place[i]], k] += share[i]
    elif served:
        for k in range(count):
            sums.normals.product_counts[k] += blocks.row_sum(states[k])
        quadratic.add_weighted_products(normals.quadratic.pairs, block.z, block.panel, states, sums.normals.products)
    else:
        for k in range(count):
            sums.normals.counts[k] += blocks.row_sum(states[k])
            gaussian.add_moments(states[k], block.x, normals.means[k], block.residuals, block.scratch,
                                 sums.normals.first[k], sums.normals.second[k])
