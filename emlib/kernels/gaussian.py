"""One pass over a chunk for a normal mixture: densities, responsibilities and moments.

Where a block of points allows it (see `quadratic`), densities and moments are products of matrices. Elsewhere the
arithmetic is that of the NumPy path (forward substitution with the Cholesky factors, residuals about each mean), so
the accuracy is the same at any condition number; only the order of sums differs.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numba
import numpy as np

from emlib.kernels import blocks, quadratic
from emlib.kernels.blocks import loop
from emlib.kernels.choice import BLOCK, STRIDE

F8 = numba.float64
ROWS, SEEN = numba.types.Array(F8, 2, "A", readonly=True), numba.types.Array(F8, 1, "A", readonly=True)
VECTOR, MATRIX, CUBE = F8[::1], F8[:, ::1], F8[:, :, ::1]
PAIRS = numba.int64[:, ::1]
PRODUCTS = (VECTOR, VECTOR, VECTOR, PAIRS, MATRIX, VECTOR)  # the fields of `Quadratic`


class Room(NamedTuple):
    """Room to work on a block: transposed points, z, products, joint densities, and what a point has one of."""

    x: Any
    z: Any
    features: Any
    joint: Any
    scratch: Any
    top: Any
    weight: Any


@loop
def room(side: int, width: int, panel: int) -> Any:
    """Return room for so many features, components (even) and products."""
    z = np.ones((side + 1, STRIDE))
    features, joint = np.zeros((panel, STRIDE)), np.empty((width, STRIDE))
    return Room(np.empty((side, STRIDE)), z, features, joint, np.empty((2, STRIDE)), np.empty(BLOCK), np.empty(BLOCK))


@loop
def highest(joint: Any, top: Any) -> None:
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


@loop
def shares(joint: Any, top: Any, weight: Any, scratch: Any, totals: Any, c: Any) -> None:
    """Turn log(pi_k p_k) into weighted responsibilities; add log-likelihood, entropy and magnitude to the totals."""
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
            moved[i] -= value * max(gap, c[0])
            row[i] = value
    loglik = entropy = magnitude = 0.0
    for i in range(BLOCK):
        height = blocks.log(total[i])
        evidence = top[i] + height
        loglik += weight[i] * evidence
        magnitude += weight[i] * abs(evidence)
        entropy += weight[i] * (height + moved[i] / total[i])  # both terms are positive: nothing cancels
        total[i] = weight[i] / total[i]
    totals[0] += loglik
    totals[1] += entropy
    totals[2] += magnitude


@loop
def scaled(row: Any, factor: Any) -> float:
    """Multiply a row by the factors, and return its sum."""
    total = 0.0
    for i in range(BLOCK):
        value = row[i] * factor[i]
        row[i] = value
        total += value
    return total


@loop
def products(fast: Any, room: Any, width: int, counts: Any, sums: Any, totals: Any, c: Any) -> None:
    """Add a block's sums of products."""
    quadratic.densities(fast, room.z, room.features, room.joint)
    highest(room.joint[:width], room.top)
    shares(room.joint[:width], room.top, room.weight, room.scratch, totals, c)
    for k in range(width):
        counts[k] += scaled(room.joint[k], room.scratch[0])
    quadratic.gather(fast, room.z, room.features, room.joint, sums)


@loop
def moments(share: Any, x: Any, mean: Any, r: Any, weighted: Any, first: Any, second: Any) -> None:
    """Add the weighted first and (lower triangle of the) second moments about the mean; r gets the residuals."""
    for j in range(len(first)):
        row, given, centre = r[j], x[j], mean[j]
        for i in range(BLOCK):
            row[i] = given[i] - centre
        single(share, given, centre, weighted, j, first, second[j])
        for e in range(j):
            second[j, e] += blocks.product(weighted, r[e])


@loop
def single(share: Any, x: Any, mean: float, weighted: Any, j: int, first: Any, second: Any) -> None:
    """Write residual j, weighted; add its first moment and its square, at j of both."""
    sa = aa = 0.0
    for i in range(BLOCK):
        left = x[i] - mean
        s = share[i] * left
        weighted[i] = s
        sa += s
        aa += s * left
    first[j] += sa
    second[j] += aa


@loop
def joined(distance: Any, head: float, joint: Any) -> None:
    """Write the log of the joint density of one component."""
    for i in range(BLOCK):
        joint[i] = head - 0.5 * distance[i]


@loop
def count(share: Any) -> float:
    """Return the sum of a block's weighted responsibilities."""
    total = 0.0
    for i in range(BLOCK):
        total += share[i]
    return total


@loop
def squared(factor: Any, x: Any, mean: Any, y: Any, distance: Any) -> None:
    """Write the squared distances from a mean; `factor` (d, d) as `blocks.whiten` takes it, or see `add_moments`."""
    if factor.shape[0] == factor.shape[1]:
        blocks.whiten(factor, x, mean, y, distance)
        return
    for i in range(BLOCK):
        distance[i] = 0.0
    for j in range(len(x)):
        blocks.lengthen(x[j], mean[j], factor[0, j], distance)


@loop
def exactly(share: Any, x: Any, mean: Any, y: Any, scratch: Any, first: Any, second: Any) -> None:
    """Add one component's moments about its mean, point by point; `second` (d, d), or (1, d) for variances."""
    if second.shape[0] == second.shape[1]:
        moments(share, x, mean, y, scratch[0], first, second)
        return
    for j in range(len(x)):
        single(share, x[j], mean[j], scratch[0], j, first, second[0])


@blocks.kept((ROWS, SEEN, VECTOR, *PRODUCTS, MATRIX, CUBE, VECTOR, VECTOR, MATRIX, CUBE, VECTOR, MATRIX, VECTOR))
def add_moments(rows: Any, seen: Any, table: Any, centre: Any, scale: Any, limit: Any, pairs: Any, weights: Any,
                constants: Any, means: Any, factors: Any, heads: Any, counts: Any, first: Any, second: Any, near: Any,
                sums: Any, totals: Any) -> None:
    """Add a chunk's moments.

    `factors` (K, d, d) as `blocks.whiten` takes them, `second` (K, d, d); or reciprocal standard deviations and
    variances, both (K, 1, d). Blocks that products serve are added to `near` (counts) and `sums` (of products), the
    others to `counts`, `first` and `second`.
    """
    fast, c = quadratic.Quadratic(centre, scale, limit, pairs, weights, constants), blocks.constants(table)
    side, width = rows.shape[1], len(means)
    work = room(side, len(weights), min(len(pairs), quadratic.PANEL))
    y, distance = np.empty((side, STRIDE)), np.empty(BLOCK)
    for low in range(0, len(rows), BLOCK):
        blocks.load(rows, low, seen, work.x, work.weight)
        if quadratic.near(fast, work.x, work.z, distance):
            products(fast, work, width, near, sums, totals, c)
            continue
        for k in range(width):
            squared(factors[k], work.x, means[k], y, distance)
            joined(distance, heads[k], work.joint[k])
        highest(work.joint[:width], work.top)
        shares(work.joint[:width], work.top, work.weight, work.scratch, totals, c)
        for k in range(width):
            counts[k] += scaled(work.joint[k], work.scratch[0])
        for k in range(width):
            exactly(work.joint[k], work.x, means[k], y, work.scratch, first[k], second[k])
