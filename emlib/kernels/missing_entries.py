"""One pass over rows of a normal distribution, some of whose entries are missing: fill them in and add up moments.

For each pattern the covariance is factorised with the seen entries first. The rows L_s of its Cholesky factor whiten
the seen residuals, z = L_s^-1 r; the rows below give the expected missing ones, B z, and what is left of their
covariance, L_m L_m'. Filled rows of all patterns share one block, whose moments are one product of matrices.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from emlib.kernels import blocks, tiles
from emlib.kernels import small_matrices as small
from emlib.kernels.array_types import AnyMatrix, AnyVector
from emlib.kernels.blocks import inlined
from emlib.kernels.dispatch import BLOCK, STRIDE
from emlib.kernels.missing_arguments import FilledSums, Kinds, Normal


class Work(NamedTuple):
    """A Cholesky factor; whitened residuals of some rows; a block of filled ones, plain and weighted, with weights."""

    factor: Any
    white: Any
    filled: Any
    weighted: Any
    weight: Any


@inlined
def empty_work(side: int) -> Any:
    """Return room for a block; each filled row ends with a one."""
    width = side + 1 + (side + 1) % 2
    work = Work(np.empty((side, side)), np.empty((side, STRIDE)), np.zeros((width, STRIDE)),
                np.zeros((width, STRIDE)), np.zeros(BLOCK))
    work.filled[side] = 1.0
    return work


@inlined
def factorise(entries: Any, size: int, covariance: Any, factor: Any) -> tuple[bool, float, float]:
    """Write the Cholesky factor of the covariance, seen entries first; return whether there is one, and log|S| of both.

    The first is of the seen entries, the second of the missing ones given these.
    """
    side = len(covariance)
    for a in range(side):
        for b in range(a + 1):
            factor[a, b] = covariance[entries[a], entries[b]]
    log_det, least = small.cholesky_rows(factor, 0, size)
    if not least > 0.0:
        return False, log_det, 0.0
    left_log_det, least = small.cholesky_rows(factor, size, side)
    return bool(least > 0.0), log_det, left_log_det


@inlined
def subtract(row: Any, factor: Any, a: int, size: int, white: Any, count: int) -> None:
    """Subtract the products of entries of the factor's row `a` with the first `size` whitened residuals."""
    for b in range(0, size - 1, 2):
        first, second, one, other = factor[a, b], factor[a, b + 1], white[b], white[b + 1]
        for i in range(count):
            row[i] -= first * one[i] + second * other[i]
    if size % 2:
        last, one = factor[a, size - 1], white[size - 1]
        for i in range(count):
            row[i] -= last * one[i]


@inlined
def fill(rows: Any, places: Any, entries: Any, size: int, mean: Any, work: Any, at: int, distance: Any) -> None:
    """Write some rows of one pattern to the block, from column `at` on, and their squared distances to the mean."""
    count, factor, white = len(places), work.factor, work.white
    for i in range(count):
        distance[places[i]] = 0.0
    for a in range(size):
        entry, line, row, scale = entries[a], work.filled[entries[a], at:], white[a], 1.0 / factor[a, a]
        for i in range(count):
            value = rows[places[i], entry] - mean[entry]
            line[i] = value
            row[i] = value
        subtract(row, factor, a, a, white, count)
        for i in range(count):
            row[i] *= scale
        for i in range(count):
            distance[places[i]] += row[i] * row[i]
    for a in range(size, len(entries)):
        line = work.filled[entries[a], at:]
        for i in range(count):
            line[i] = 0.0
        subtract(line, factor, a, size, white, count)
        for i in range(count):
            line[i] = -line[i]


@inlined
def add_block(size: int, work: Any, moments: Any) -> None:
    """Add the moments of the first rows of the block."""
    for i in range(size, BLOCK):
        work.weight[i] = 0.0
    for j in range(len(work.weighted)):
        row, line = work.weighted[j], work.filled[j]
        for i in range(BLOCK):
            row[i] = work.weight[i] * line[i]
    tiles.add_product_transposed(work.weighted, work.filled, len(moments), moments, 0, BLOCK)


@inlined
def add_left(count: float, entries: Any, size: int, factor: Any, left: Any) -> None:
    """Add the covariances of a pattern's missing entries given the seen ones, for all its rows."""
    for a in range(size, len(entries)):
        for b in range(size, a + 1):
            total = 0.0
            for e in range(size, b + 1):
                total += factor[a, e] * factor[b, e]
            left[max(entries[a], entries[b]), min(entries[a], entries[b])] += count * total


@blocks.cached
def add_rows(rows: AnyMatrix, weights: AnyVector, kinds: Kinds, normal: Normal, sums: FilledSums) -> bool:
    """Fill in all rows, and add to the sums; return False, with sums unfinished, where a covariance has no factor.

    `weights` may be empty: each row counts once.
    """
    work, at, low = empty_work(len(normal.mean)), 0, 0
    for kind in range(len(kinds.sizes)):
        entries, size, high = kinds.entries[kind], kinds.sizes[kind], kinds.ends[kind]
        definite, sums.log_det[kind], sums.left_log_det[kind] = factorise(entries, size, normal.covariance, work.factor)
        if not definite:
            return False
        while low < high:
            count = min(high - low, BLOCK - at)
            places = kinds.order[low:low + count]
            fill(rows, places, entries, size, normal.mean, work, at, sums.distance)
            for i in range(count):
                weight = weights[places[i]] if len(weights) else 1.0
                work.weight[at + i] = weight
                sums.counts[kind] += weight
            at, low = at + count, low + count
            if at == BLOCK:
                add_block(at, work, sums.moments)
                at = 0
        add_left(sums.counts[kind], entries, size, work.factor, sums.left)
    add_block(at, work, sums.moments)
    return True
