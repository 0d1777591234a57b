"""One pass over rows with missing entries for their missing information: expected scores and their covariance.

For each pattern the covariance is factorised with the seen entries first, L L'. A row with residual r has the score
a = L'^-1 L^-1 r in the mean. Given the seen entries, its mean is L_s'^-1 L_s^-1 r_s there, and zero at the missing
ones; its covariance is H' H, H the rows of L^-1 below those of the seen entries. Complete rows are passed by.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from emlib.kernels import blocks, tiles
from emlib.kernels.array_types import AnyMatrix, AnyVector
from emlib.kernels.blocks import inlined
from emlib.kernels.dispatch import BLOCK, STRIDE
from emlib.kernels.missing_arguments import Kinds, Normal, PatternMoments
from emlib.kernels.missing_entries import factorise, subtract


class Work(NamedTuple):
    """A Cholesky factor; a row of its inverse, sorted in two ways; expected scores of some rows, and their moments."""

    factor: Any
    solved: Any
    line: Any
    slopes: Any
    weighted: Any
    weight: Any
    moments: Any


@inlined
def empty_work(side: int) -> Any:
    """Return room for the rows of one pattern; scores of a row end with a one."""
    width = side + 1 + (side + 1) % 2
    return Work(np.empty((side, side)), np.empty(side), np.empty(side), np.zeros((width, STRIDE)),
                np.zeros((width, STRIDE)), np.zeros(BLOCK), np.empty((width, width)))


@inlined
def write_slopes(rows: Any, places: Any, entries: Any, size: int, mean: Any, factor: Any, slopes: Any) -> None:
    """Write the expected scores of some rows at the seen entries, by forward and back substitution; then ones."""
    count = len(places)
    for a in range(size):
        entry, row, scale = entries[a], slopes[a], 1.0 / factor[a, a]
        for i in range(count):
            row[i] = rows[places[i], entry] - mean[entry]
        subtract(row, factor, a, a, slopes, count)
        for i in range(count):
            row[i] *= scale
    for a in range(size - 1, -1, -1):
        row, scale = slopes[a], 1.0 / factor[a, a]
        for b in range(a + 1, size):
            below, other = factor[b, a], slopes[b]
            for i in range(count):
                row[i] -= below * other[i]
        for i in range(count):
            row[i] *= scale
    for i in range(count):
        slopes[size, i] = 1.0


@inlined
def add_products(count: int, width: int, work: Any) -> None:
    """Add the moments of the scores of some rows; vectors are filled up with rows of weight zero."""
    length = (count + tiles.WIDTH - 1) // tiles.WIDTH * tiles.WIDTH
    for i in range(count, length):
        work.weight[i] = 0.0
    for j in range(width):
        row, line = work.weighted[j], work.slopes[j]
        for i in range(length):
            row[i] = work.weight[i] * line[i]
    tiles.add_product_transposed(work.weighted[:width], work.slopes, width, work.moments[:width], 0, length)


@inlined
def write_spread(entries: Any, size: int, work: Any, spread: Any) -> None:
    """Add the covariance H' H of a pattern's scores, a lower triangle row by row."""
    side, factor, solved, line = len(entries), work.factor, work.solved, work.line
    for e in range(size, side):
        solved[:] = 0.0
        solved[e] = 1.0
        for a in range(e, -1, -1):
            solved[a] /= factor[a, a]
            for b in range(a):
                solved[b] -= solved[a] * factor[a, b]
        for b in range(side):
            line[entries[b]] = solved[b]
        for a in range(side):
            left, row = line[a], spread[a * (a + 1) // 2:]
            for b in range(a + 1):
                row[b] += left * line[b]


@inlined
def write_moments(entries: Any, size: int, sums: Any, spread: Any, found: Any) -> None:
    """Write second moments with half of every row's covariance, first moments and the count."""
    side, pairs, count = len(entries), len(spread), sums[size, size]
    for a in range(size):
        for b in range(a + 1):
            row, column = max(entries[a], entries[b]), min(entries[a], entries[b])
            found[row * (row + 1) // 2 + column] = sums[a, b]
        found[pairs + entries[a]] = sums[size, a]
    for place in range(pairs):
        found[place] += 0.5 * count * spread[place]
    found[pairs + side] = count


@blocks.cached
def add_patterns(rows: AnyMatrix, weights: AnyVector, kinds: Kinds, normal: Normal, found: PatternMoments) -> bool:
    """Add the moments of each pattern's scores to zeros; return False where a covariance has no factor.

    `weights` may be empty: each row counts once.
    """
    side, low = len(normal.mean), 0
    work = empty_work(side)
    for kind in range(len(kinds.sizes)):
        entries, size, high = kinds.entries[kind], kinds.sizes[kind], kinds.ends[kind]
        if size == side:
            low = high
            continue
        if not factorise(entries, size, normal.covariance, work.factor)[0]:
            return False
        work.moments[:] = 0.0
        while low < high:
            count = min(high - low, BLOCK)
            places = kinds.order[low:low + count]
            write_slopes(rows, places, entries, size, normal.mean, work.factor, work.slopes)
            for i in range(count):
                work.weight[i] = weights[places[i]] if len(weights) else 1.0
            add_products(count, size + 1 + (size + 1) % 2, work)
            low += count
        write_spread(entries, size, work, found.spread[kind])
        write_moments(entries, size, work.moments, found.spread[kind], found.moments[kind])
    return True
