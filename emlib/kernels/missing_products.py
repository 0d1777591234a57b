"""One pass over rows with missing entries for their missing information: moments of each pattern, not of all together.

The rows of a pattern are filled in and added up as in `missing_entries`; complete ones are passed by.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from emlib.kernels import blocks
from emlib.kernels.array_types import AnyMatrix, AnyVector
from emlib.kernels.blocks import inlined
from emlib.kernels.dispatch import BLOCK
from emlib.kernels.missing_arguments import Kinds, Normal, PatternMoments
from emlib.kernels.missing_entries import add_block, empty_work, factorise, fill
from emlib.kernels.tiles import WIDTH


@inlined
def write_left(entries: Any, size: int, factor: Any, left: Any) -> None:
    """Write the covariances of a pattern's missing entries given the seen ones to a lower triangle, row by row."""
    for a in range(size, len(entries)):
        for b in range(size, a + 1):
            total = 0.0
            for e in range(size, b + 1):
                total += factor[a, e] * factor[b, e]
            row, column = max(entries[a], entries[b]), min(entries[a], entries[b])
            left[row * (row + 1) // 2 + column] = total


@inlined
def write_moments(sums: Any, side: int, left: Any, found: Any) -> None:
    """Write second moments, with half the covariances that each row lacks, first moments and count."""
    count = sums[side, side]
    for a in range(side + 1):
        at = a * (a + 1) // 2
        for b in range(a + 1):
            found[at + b] = sums[a, b]
    for place in range(len(left)):
        found[place] += 0.5 * count * left[place]


@blocks.cached
def add_patterns(rows: AnyMatrix, weights: AnyVector, kinds: Kinds, normal: Normal, found: PatternMoments) -> bool:
    """Write what is left of each pattern's covariance, and its moments; return False where a covariance has no factor.

    `weights` may be empty: each row counts once. `found` holds zeros.
    """
    side, low = len(normal.mean), 0
    work, distance = empty_work(side), np.empty(len(rows))
    sums = np.empty((len(work.filled), len(work.filled)))
    for kind in range(len(kinds.sizes)):
        entries, size, high = kinds.entries[kind], kinds.sizes[kind], kinds.ends[kind]
        if size == side:
            low = high
            continue
        if not factorise(entries, size, normal.covariance, work.factor)[0]:
            return False
        sums[:] = 0.0
        while low < high:
            count = min(high - low, BLOCK)
            places = kinds.order[low:low + count]
            fill(rows, places, entries, size, normal.mean, work, 0, distance)
            for i in range(count):
                work.weight[i] = weights[places[i]] if len(weights) else 1.0
            add_block(count, work, sums, (count + WIDTH - 1) // WIDTH * WIDTH)
            low += count
        write_left(entries, size, work.factor, found.left[kind])
        write_moments(sums, side, found.left[kind], found.moments[kind])
    return True
