"""One pass over a chunk for a normal mixture: densities, responsibilities and moments about the current means.

The arithmetic is that of the NumPy path (forward substitution with the Cholesky factors, residuals about each
mean), so the accuracy is the same at any condition number; only the order of sums differs.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from emlib.kernels import blocks
from emlib.kernels.blocks import loop
from emlib.kernels.choice import BLOCK

F8 = numba.float64
ROWS, SEEN = numba.types.Array(F8, 2, "A", readonly=True), numba.types.Array(F8, 1, "A", readonly=True)
VECTOR, MATRIX, CUBE = F8[::1], F8[:, ::1], F8[:, :, ::1]
matrix_pass: Any = blocks.kept((ROWS, SEEN, MATRIX, CUBE, VECTOR, VECTOR, MATRIX, CUBE, VECTOR))
variance_pass: Any = blocks.kept((ROWS, SEEN, MATRIX, MATRIX, VECTOR, VECTOR, MATRIX, MATRIX, VECTOR))


@loop
def shares(joint: Any, top: Any, weight: Any, scratch: Any, totals: Any) -> None:
    """Turn log(pi_k p_k) into weighted responsibilities; add log-likelihood, entropy and magnitude to the totals."""
    total, moved = scratch[0], scratch[1]
    total[:] = 0.0
    moved[:] = 0.0
    for k in range(len(joint)):
        row = joint[k]
        for i in range(BLOCK):
            gap = row[i] - top[i]
            value = blocks.exp(gap)
            total[i] += value
            moved[i] -= value * max(gap, blocks.LOWEST)
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
    for k in range(len(joint)):
        row = joint[k]
        for i in range(BLOCK):
            row[i] *= total[i]


@loop
def pair(share: Any, u: Any, v: Any, mean: Any, r: Any, scratch: Any, j: int, first: Any, second: Any) -> None:
    """Write residuals j and j + 1, plain and weighted; add their first moments and the products among themselves."""
    a, b, wa, wb, mu, mv = r[j], r[j + 1], scratch[0], scratch[1], mean[j], mean[j + 1]
    sa = sb = aa = ab = bb = 0.0
    for i in range(BLOCK):
        left, right = u[i] - mu, v[i] - mv
        a[i] = left
        b[i] = right
        s, t = share[i] * left, share[i] * right
        wa[i] = s
        wb[i] = t
        sa += s
        sb += t
        aa += s * left
        ab += s * right
        bb += t * right
    first[j] += sa
    first[j + 1] += sb
    second[j, j] += aa
    second[j + 1, j] += ab
    second[j + 1, j + 1] += bb


@loop
def moments(share: Any, x: Any, mean: Any, r: Any, scratch: Any, first: Any, second: Any) -> None:
    """Add the weighted first and (lower triangle of the) second moments about the mean; r holds the residuals."""
    side = len(first)
    for j in range(0, side - 1, 2):
        pair(share, x[j], x[j + 1], mean, r, scratch, j, first, second)
        for e in range(0, j - 3, 4):
            blocks.crossed(scratch[0], scratch[1], r, e, second[j], second[j + 1])
        if j % 4:
            blocks.crossed_two(scratch[0], scratch[1], r, j - 2, second[j], second[j + 1])
    if side % 2:
        single(share, x[side - 1], mean[side - 1], scratch[0], side - 1, first, second[side - 1])
        for e in range(side - 1):
            second[side - 1, e] += blocks.product(scratch[0], r[e])


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
def joined(distance: Any, head: float, joint: Any, top: Any) -> None:
    """Write the log of the joint density of one component and keep the largest."""
    for i in range(BLOCK):
        value = head - 0.5 * distance[i]
        joint[i] = value
        top[i] = max(top[i], value)


@loop
def count(share: Any) -> float:
    """Return the sum of a block's weighted responsibilities."""
    total = 0.0
    for i in range(BLOCK):
        total += share[i]
    return total


@matrix_pass
def matrices(rows: Any, seen: Any, means: Any, factors: Any, heads: Any, counts: Any, first: Any, second: Any,
             totals: Any) -> None:
    """Add a chunk's moments for covariance matrices; `factors` as `blocks.whiten` takes them."""
    side, width = rows.shape[1], len(means)
    x, y = np.empty((side, BLOCK)), np.empty((side, BLOCK))
    joint, scratch = np.empty((width, BLOCK)), np.empty((2, BLOCK))
    top, distance, weight = np.empty(BLOCK), np.empty(BLOCK), np.empty(BLOCK)
    for low in range(0, len(rows), BLOCK):
        blocks.load(rows, low, seen, x, weight)
        top[:] = -np.inf
        for k in range(width):
            blocks.whiten(factors[k], x, means[k], y, distance)
            joined(distance, heads[k], joint[k], top)
        shares(joint, top, weight, scratch, totals)
        for k in range(width):
            counts[k] += count(joint[k])
            moments(joint[k], x, means[k], y, scratch, first[k], second[k])


@variance_pass
def variances(rows: Any, seen: Any, means: Any, factors: Any, heads: Any, counts: Any, first: Any, second: Any,
              totals: Any) -> None:
    """Add a chunk's moments for diagonal covariances; `factors` are the reciprocal standard deviations."""
    side, width = rows.shape[1], len(means)
    x, joint, scratch = np.empty((side, BLOCK)), np.empty((width, BLOCK)), np.empty((2, BLOCK))
    top, distance, weight = np.empty(BLOCK), np.empty(BLOCK), np.empty(BLOCK)
    for low in range(0, len(rows), BLOCK):
        blocks.load(rows, low, seen, x, weight)
        top[:] = -np.inf
        for k in range(width):
            distance[:] = 0.0
            for j in range(side):
                blocks.lengthen(x[j], means[k, j], factors[k, j], distance)
            joined(distance, heads[k], joint[k], top)
        shares(joint, top, weight, scratch, totals)
        for k in range(width):
            counts[k] += count(joint[k])
            for j in range(side):
                single(joint[k], x[j], means[k, j], scratch[0], j, first[k], second[k])
