"""One pass over a chunk for a normal mixture: densities, responsibilities and moments.

Where a block of points allows it (see `quadratic`), densities and moments are matrix products. Elsewhere the
arithmetic is that of the NumPy path (forward substitution with the Cholesky factors, residuals about each mean), so
the accuracy is the same at any condition number; only the order of sums differs.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from emlib.kernels import blocks, quadratic
from emlib.kernels.arguments import ExpTable, Normals, NormalSums, Totals
from emlib.kernels.array_types import AnyMatrix, AnyVector
from emlib.kernels.blocks import inlined
from emlib.kernels.dispatch import BLOCK, STRIDE


class Workspace(NamedTuple):
    """Rows of work on a block: one for each feature, product or component, or one number for each point."""

    x: Any
    z: Any
    panel: Any
    joint: Any
    residuals: Any
    scratch: Any
    top: Any
    weight: Any
    distance: Any


@inlined
def workspace(side: int, width: int, panel: int) -> Any:
    """Return the workspace for so many features, components (even) and products."""
    return Workspace(np.empty((side, STRIDE)), np.ones((side + 1, STRIDE)), np.zeros((panel, STRIDE)),
                     np.empty((width, STRIDE)), np.empty((side, STRIDE)), np.empty((2, STRIDE)), np.empty(BLOCK),
                     np.empty(BLOCK), np.empty(BLOCK))


@inlined
def column_maxima(joint: Any, top: Any) -> None:
    """Write each point's largest entry.

    Two rows at a time: of one, the compiler would make a store that waits for a comparison, and no vectors.
    """
    last = len(joint) - 1
    for i in range(BLOCK):
        top[i] = joint[last, i]
    for k in range(0, last, 2):
        a, b = joint[k], joint[k + 1]
        for i in range(BLOCK):
            top[i] = max(max(a[i], b[i]), top[i])


@inlined
def exponentiate(joint: Any, top: Any, weight: Any, scratch: Any, c: Any) -> Any:
    """Turn log-densities into densities over the largest; return the block's `Totals`.

    ``scratch[0]`` gets the factors that turn these densities into weighted responsibilities.
    """
    total, moved = scratch[0], scratch[1]
    for i in range(BLOCK):
        total[i] = 0.0
        moved[i] = 0.0
    for k in range(len(joint)):
        row = joint[k]
        for i in range(BLOCK):
            gap = row[i] - top[i]
            value = blocks.exp(gap, c)
            total[i] += value
            moved[i] -= value * max(gap, c.lowest)
            row[i] = value
    loglik = entropy = magnitude = 0.0
    for i in range(BLOCK):
        height = blocks.log(total[i])
        evidence = top[i] + height
        loglik += weight[i] * evidence
        magnitude += weight[i] * abs(evidence)
        entropy += weight[i] * (height + moved[i] / total[i])  # both terms are positive: nothing cancels
        total[i] = weight[i] / total[i]
    return Totals(loglik, entropy, magnitude)


@inlined
def responsibilities(work: Any, width: int, counts: Any, c: Any) -> Any:
    """Turn log-densities into weighted responsibilities, add these to `counts`, and return the block's `Totals`."""
    column_maxima(work.joint[:width], work.top)
    totals = exponentiate(work.joint[:width], work.top, work.weight, work.scratch, c)
    for k in range(width):
        counts[k] += scale_and_sum(work.joint[k], work.scratch[0])
    return totals


@inlined
def scale_and_sum(row: Any, factor: Any) -> float:
    """Multiply a row by the factors, and return its sum."""
    total = 0.0
    for i in range(BLOCK):
        value = row[i] * factor[i]
        row[i] = value
        total += value
    return total


@inlined
def log_densities(normals: Any, k: int, x: Any, residuals: Any, distance: Any, row: Any) -> None:
    """Write the log-densities of component k, point by point."""
    factor, mean = normals.factors[k], normals.means[k]
    if factor.shape[0] == factor.shape[1]:
        blocks.whiten(factor, x, mean, residuals, distance)
    else:
        for i in range(BLOCK):
            distance[i] = 0.0
        for j in range(len(x)):
            blocks.add_squares(x[j], mean[j], factor[0, j], distance)
    constant = normals.log_constants[k]
    for i in range(BLOCK):
        row[i] = constant - 0.5 * distance[i]


@inlined
def add_moments(weight: Any, x: Any, mean: Any, residuals: Any, weighted: Any, first: Any, second: Any) -> None:
    """Add one component's moments about its mean, point by point: covariances (lower triangle), or variances (1, d)."""
    full = second.shape[0] == second.shape[1]
    for j in range(len(x)):
        if full:
            row, values, centre = residuals[j], x[j], mean[j]
            for i in range(BLOCK):
                row[i] = values[i] - centre
        add_residual(weight, x[j], mean[j], weighted, j, first, second[j if full else 0])
        if full:
            for e in range(j):
                second[j, e] += blocks.inner_product(weighted, residuals[e])


@inlined
def add_residual(weight: Any, x: Any, mean: float, weighted: Any, j: int, first: Any, second: Any) -> None:
    """Write the weighted residuals of feature j; add their sum to first[j], their squares to second[j]."""
    total = squares = 0.0
    for i in range(BLOCK):
        residual = x[i] - mean
        value = weight[i] * residual
        weighted[i] = value
        total += value
        squares += value * residual
    first[j] += total
    second[j] += squares


@blocks.cached
def add_chunk(rows: AnyMatrix, weights: AnyVector, normals: Normals, sums: NormalSums, c: ExpTable) -> Totals:
    """Add a chunk's moments to `sums`, and return its `Totals`; no weights count each row once."""
    side, width = rows.shape[1], len(normals.means)
    fast = normals.quadratic
    work = workspace(side, len(fast.weights), min(len(fast.pairs), quadratic.PANEL))
    loglik = entropy = magnitude = 0.0
    for low in range(0, len(rows), BLOCK):
        blocks.load_block(rows, low, weights, work.x, work.weight)
        if quadratic.centre_block(fast, work.x, work.z, work.distance):
            quadratic.log_densities(fast, work.z, work.panel, work.joint)
            found = responsibilities(work, width, sums.product_counts, c)
            quadratic.add_weighted_products(fast.pairs, work.z, work.panel, work.joint, sums.products)
        else:
            for k in range(width):
                log_densities(normals, k, work.x, work.residuals, work.distance, work.joint[k])
            found = responsibilities(work, width, sums.counts, c)
            for k in range(width):
                add_moments(work.joint[k], work.x, normals.means[k], work.residuals, work.scratch[0], sums.first[k],
                            sums.second[k])
        loglik += found.loglik
        entropy += found.entropy
        magnitude += found.magnitude
    return Totals(loglik, entropy, magnitude)
