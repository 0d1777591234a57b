"""Products of the scores of a normal mixture, summed over a chunk: what its missing information is made of.

A component's score of a point is h, the derivative in its weight; the slope a = A (y - mean), A the inverse covariance;
and (a_i a_j - A_ij)/2 for the entries of the covariance that are kept. Each has a row of a block of points, so that the
sums over points are matrix products, and no table of all points' scores is ever made.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from emlib.kernels import blocks
from emlib.kernels.arguments import ExpTable, Normals, Scores, ScoreSums
from emlib.kernels.array_types import AnyMatrix, AnyVector
from emlib.kernels.blocks import inlined
from emlib.kernels.dispatch import BLOCK, STRIDE
from emlib.kernels.gaussian import log_densities, responsibilities, workspace
from emlib.kernels.tiles import add_product_transposed


@inlined
def write_scores(x: Any, mean: Any, precision: Any, head: float, pairs: Any, residuals: Any, found: Any) -> None:
    """Write the scores of a block in one component: row 0 for the weight, d rows for the mean, one for each pair."""
    side = len(x)
    first = found[0]
    for i in range(BLOCK):
        first[i] = head
    for j in range(side):
        row, values, centre = residuals[j], x[j], mean[j]
        for i in range(BLOCK):
            row[i] = values[i] - centre
    for j in range(side):
        slope, factor, given = found[1 + j], precision[j, 0], residuals[0]
        for i in range(BLOCK):
            slope[i] = factor * given[i]
        for e in range(1, side):
            add_multiple(precision[j, e], residuals[e], slope)
    for place in range(len(pairs)):
        a, b = pairs[place, 0], pairs[place, 1]
        row, left, right, middle = found[1 + side + place], found[1 + a], found[1 + b], precision[a, b]
        for i in range(BLOCK):
            row[i] = 0.5 * (left[i] * right[i] - middle)


@inlined
def add_multiple(factor: float, given: Any, row: Any) -> None:
    """Add a multiple of a row to another."""
    for i in range(BLOCK):
        row[i] += factor * given[i]


@inlined
def scale_rows(factors: Any, given: Any, found: Any, count: int) -> None:
    """Write `count` rows times one factor a point."""
    for j in range(count):
        values, row = given[j], found[j]
        for i in range(BLOCK):
            row[i] = factors[i] * values[i]


@inlined
def subtract_rows(given: Any, found: Any, count: int) -> None:
    """Subtract `count` rows from others."""
    for j in range(count):
        values, row = given[j], found[j]
        for i in range(BLOCK):
            row[i] -= values[i]


@blocks.cached
def add_scores(rows: AnyMatrix, weights: AnyVector, normals: Normals, scores: Scores, sums: ScoreSums,
               c: ExpTable) -> None:
    """Add a chunk's variances of scores, and products of the expected scores of two components, to `sums`."""
    side, width, length = rows.shape[1], len(normals.means), sums.spreads.shape[2]
    work = workspace(side, width + width % 2, 2)
    own, mean = np.zeros((length, STRIDE)), np.zeros((width * length, STRIDE))
    weighted = np.zeros((width * length, STRIDE))
    share, counts, n_scores = np.empty(BLOCK), np.empty(width), 1 + side + len(scores.pairs)
    for low in range(0, len(rows), BLOCK):
        blocks.load_block(rows, low, weights, work.x, work.weight)
        for k in range(width):
            log_densities(normals, k, work.x, work.residuals, work.distance, work.joint[k])
        responsibilities(work, width, counts, c)
        for k in range(width):
            start = k * length
            write_scores(work.x, normals.means[k], scores.precisions[k], scores.heads[k], scores.pairs, work.residuals,
                         own)
            for i in range(BLOCK):
                share[i] = work.joint[k, i] / work.weight[i] if work.weight[i] > 0 else 0.0
            scale_rows(share, own, mean[start:], n_scores)
            scale_rows(work.joint[k], own, weighted[start:], n_scores)
            subtract_rows(mean[start:], own, n_scores)
            add_product_transposed(weighted[start:start + length], own, length, sums.spreads[k], 0, BLOCK)
            for e in range(k):
                add_product_transposed(weighted[start:start + length], mean[e * length:], length, sums.means[k],
                                       e * length, BLOCK)
