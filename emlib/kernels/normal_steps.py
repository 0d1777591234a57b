"""M-steps of K normal regressions after a mini-batch, in compiled loops; arrays and `kind` as in `normal_moments`.

What may be no point inside the space is marked, not judged: there the general path finds what is wrong and says so.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from emlib.kernels import blocks
from emlib.kernels import small_matrices as small
from emlib.kernels.array_types import AnyCube, AnyMatrix, AnyVector
from emlib.kernels.normal_moments import DIAGONAL, SPHERICAL, TIED, move_design, move_second
from emlib.kernels.small_matrices import inlined_exact

# Determinant of a correlation matrix from which on its smallest eigenvalue, at least a third of it, is no rounding.
LOG_CERTAIN = float(np.log(1e-8))


@inlined_exact
def is_certainly_inside(covariance: Any, whitener: Any, floor: float, room: Any, work: Any) -> bool:
    """Return whether a covariance surely is positive definite, and surely has not collapsed against the data's."""
    side = len(covariance)
    small.copy(covariance, side, room)
    log_det, least = small.cholesky(room, side)
    for i in range(side):
        log_det -= np.log(covariance[i, i])
    if not (least > 0.0 and LOG_CERTAIN < log_det < 1.0):
        return False
    for i in range(side):
        for j in range(side):
            room[i, j] = -floor if i == j else 0.0
    small.add_congruence(whitener, covariance, side, work, room)
    _, least = small.cholesky(room, side)
    return bool(least > 0.0)


@inlined_exact
def solve_design(sex: Any, sxx: Any, factor: Any, step: Any) -> bool:
    """Write Sex Sxx^-1; return whether Sxx surely is positive definite."""
    side, width = step.shape
    if width == 1:
        for i in range(side):
            step[i, 0] = sex[i, 0] / sxx[0, 0]
        return True
    small.copy(sxx, width, factor)
    log_det, least = small.cholesky(factor, width)
    for a in range(width):
        log_det -= np.log(sxx[a, a])
    for i in range(side):
        for a in range(width):
            total = sex[i, a]
            for b in range(a):
                total -= factor[a, b] * step[i, b]
            step[i, a] = total / factor[a, a]
        for a in range(width - 1, -1, -1):
            total = step[i, a]
            for b in range(a + 1, width):
                total -= factor[b, a] * step[i, b]
            step[i, a] = total / factor[a, a]
    return bool(least > 0.0 and LOG_CERTAIN < log_det < 1.0)


@inlined_exact
def spread_out(kind: int, noise: Any, covariance: Any) -> None:
    """Write the covariance matrix of a component from its entries, shape (m,)."""
    side = len(covariance)
    for i in range(side):
        for j in range(side):
            if kind <= TIED:
                covariance[i, j] = noise[i * side + j]
            elif i == j:
                covariance[i, j] = noise[i if kind == DIAGONAL else 0]
            else:
                covariance[i, j] = 0.0


@blocks.cached
def maximise(kind: int, heads: AnyVector, counts: AnyVector, see: AnyMatrix, sex: AnyCube, sxx: AnyCube,
             origin: AnyCube, whiteners: AnyCube, least_weight: float, floor: float) -> Any:
    """Return weights, coefficients and covariances that maximise Q, and whether they surely lie inside the space.

    Parameters
    ----------
    heads : array, shape (K,) or (0,)
        Expected memberships; none where no weights are estimated.
    whiteners : array, shape (1, d, d), (K, d, d) or (0, d, d)
        The inverse of the Cholesky factor of the data's covariance, for all components or for each; none where the
        covariances are known, and what is returned for them is of no use.
    least_weight, floor : float
        Weights, and variances in units of the data's, that surely have not vanished lie above.

    Notes
    -----
    The covariances come flat, shape (K, m); a tied one has one row.
    """
    count, side, width = origin.shape
    weights, coefficients = np.empty(len(heads)), np.empty((count, side, width))
    noise = np.zeros((1 if kind == TIED else count, see.shape[1]))
    step, moved, left = np.empty((side, width)), np.empty((side, width)), np.empty(see.shape[1])
    factor, covariance = np.empty((width, width)), np.empty((side, side))
    room, work = np.empty((side, side)), np.empty((side, side))
    total, pooled, certain = 0.0, 0.0, True
    for k in range(len(heads)):
        total += heads[k]
    for k in range(len(heads)):
        weights[k] = heads[k] / total
        certain = certain and least_weight < weights[k] < np.inf
    for k in range(count):
        certain = solve_design(sex[k], sxx[k], factor, step) and certain
        for i in range(side):
            for a in range(width):
                coefficients[k, i, a] = origin[k, i, a] + step[i, a]
                certain = certain and abs(coefficients[k, i, a]) < np.inf
        move_design(step, sxx[k], moved)
        move_second(kind, see[k], sex[k], moved, step, left)
        pooled += counts[k]
        size = counts[k] * side if kind == SPHERICAL else counts[k]
        for i in range(len(left)):
            if kind == TIED:
                noise[0, i] += left[i]
            else:
                noise[k, i] = left[i] / size
    for k in range(len(noise)):
        if kind == TIED:
            for i in range(see.shape[1]):
                noise[0, i] /= pooled
        if len(whiteners):
            spread_out(kind, noise[k], covariance)
            whitener = whiteners[k if len(whiteners) > 1 else 0]
            certain = certain and is_certainly_inside(covariance, whitener, floor, room, work)
    return weights, coefficients, noise, certain
