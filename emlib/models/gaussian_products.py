"""Densities and moments of normals by products of two features: what goes in, and what becomes of what comes out.

See `emlib.kernels.quadratic`. With z = (y - c, 1) and A the inverse of a covariance,

    log N(y | mu, Sigma) = constant - 1/2 sum_j A_jj z_j^2 - sum_{j > e} A_je z_j z_e + sum_j (A (mu - c))_j z_j.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from emlib.numerics import Array, lower_indices

LIMIT = 1e4  # |y - c|^2 over the smallest variance, both in deviations about c: it costs at most four digits of 16
CANCELLED = 1e4  # second moments about c over those about the means, up to which no more digits are lost


class Quadratic(NamedTuple):
    """What the loops take, in their order; see `emlib.kernels.quadratic.Quadratic`."""

    centre: Array
    scale: Array
    room: Array
    pairs: Array
    weights: Array
    constants: Array


NONE = Quadratic(np.empty(0), np.empty(0), np.array([-1.0]), np.empty((0, 2), dtype=np.int64), np.empty((0, 0)),
                 np.empty(0))


def _squares(side: int, matrix: bool) -> tuple[Array, Array]:
    """Return rows and columns of a covariance's entries: of its lower triangle, or of its diagonal."""
    return lower_indices(side) if matrix else (np.arange(side), np.arange(side))


@lru_cache(maxsize=32)
def pairs(side: int, matrix: bool) -> Array:
    """Return which entries of z = (y - c, 1) are multiplied, an even number of pairs: squares and products, then z."""
    rows, columns = _squares(side, matrix)
    found = np.stack([np.append(rows, np.arange(side)), np.append(columns, np.full(side, side))], axis=1)
    return found if len(found) % 2 == 0 else np.vstack([found, [[side, side]]])


def quadratic(weights: Array, means: Array, factors: Array, heads: Array, matrix: bool) -> Quadratic:
    """Return what the loops take, for K normals and the constants `heads` of their joint densities.

    Parameters
    ----------
    weights, means, factors, heads : ndarray
        Shapes (K,), (K, d), (K, d, d), (K,): how much of the data each is expected to account for, and the rest; the
        factors are Cholesky's, so that what these have lost of the covariances is the same point by point.
    matrix : bool
        Whether covariances have entries off the diagonal.
    """
    centre = weights @ means
    shift, inverse = means - centre, np.linalg.inv(factors)
    precision = np.swapaxes(inverse, 1, 2) @ inverse
    scale = 1 / np.sqrt(weights @ ((factors**2).sum(axis=2) + shift**2))
    slope, table = np.einsum("kij,kj->ki", precision, shift), pairs(means.shape[1], matrix)
    rows, columns = _squares(means.shape[1], matrix)
    found, constants = np.zeros((len(means) + len(means) % 2, len(table))), np.zeros(len(means) + len(means) % 2)
    found[:len(means), :len(rows)] = -precision[:, rows, columns] * np.where(rows == columns, 0.5, 1.0)
    found[:len(means), len(rows):len(rows) + len(centre)] = slope
    constants[:len(means)] = heads - 0.5 * (slope * shift).sum(axis=1)
    return Quadratic(centre, scale, np.array([_room(precision, shift, scale)]), table, found, constants)


def _room(precision: Array, shift: Array, scale: Array) -> float:
    """Return up to which squared length of (y - c) products serve; negative where a mean itself is too far out.

    The largest eigenvalue of A is at most the fourth root of the Frobenius norm of A^4, and nearly as large.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        squared = np.linalg.matrix_power(precision / np.outer(scale, scale), 2)
        largest = float(((squared @ squared) ** 2).sum(axis=(1, 2)).max() ** 0.125)
        served = largest * ((shift * scale) ** 2).sum(axis=1).max() <= LIMIT
    return LIMIT / largest if served else -1.0


def nowhere(given: Quadratic) -> Quadratic:
    """Return what makes the loops take every block point by point."""
    return given._replace(room=np.array([-1.0]))


def add(given: Quadratic, means: Array, counts: Array, sums: Array, first: Array, second: Array) -> bool:
    """Add sums of products, shape (K or K + 1, P), to first and second moments about the means, if digits are left.

    Second moments (K, d, d) get the entries of their lower triangles; of variances all, (K, 1, d). Where points lie
    far closer to the means than the parameters say, too much cancels: nothing is added then, and False returned.
    """
    side = means.shape[1]
    rows, columns = _squares(side, second.shape[1] == side)
    shift, found = means - given.centre, sums[:len(means)]
    squares, plain = found[:, :len(rows)], found[:, len(rows):len(rows) + side]
    left, right = shift[:, rows], shift[:, columns]
    moved = squares - left * plain[:, columns] - plain[:, rows] * right + counts[:, None] * left * right
    own = rows == columns
    if not (squares[:, own].max(axis=0) <= CANCELLED * moved[:, own].max(axis=0)).all():
        return False
    first += plain - counts[:, None] * shift
    second[:, rows if second.shape[1] == side else 0, columns] += moved
    return True
