"""Densities and moments of normals by products of two features: their coefficients, and moments from their sums.

See `emlib.kernels.quadratic`. With z = (y - c, 1) and A the inverse of a covariance,

    log N(y | mu, Sigma) = constant - 1/2 sum_j A_jj z_j^2 - sum_{j > e} A_je z_j z_e + sum_j (A (mu - c))_j z_j.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from emlib.kernels.arguments import Normals, NormalSums, Quadratic
from emlib.numerics import Array, lower_indices

LIMIT = 1e4  # |y - c|^2 over the smallest variance, both in deviations about c: it costs at most four digits of 16
CANCELLED = 1e4  # second moments about c over those about the means, up to which no more digits are lost


def _squares(side: int, full: bool) -> tuple[Array, Array]:
    """Return row and column indices of a covariance's lower triangle, or of its diagonal."""
    return lower_indices(side) if full else (np.arange(side), np.arange(side))


@lru_cache(maxsize=32)
def pairs(side: int, full: bool) -> Array:
    """Return the pairs of entries of z = (y - c, 1) to multiply, an even number: squares and products, then z."""
    rows, columns = _squares(side, full)
    found = np.stack([np.append(rows, np.arange(side)), np.append(columns, np.full(side, side))], axis=1)
    return found if len(found) % 2 == 0 else np.vstack([found, [[side, side]]])


def quadratic(weights: Array, means: Array, factors: Array, log_constants: Array, full: bool) -> Quadratic:
    """Return the densities of K normals as functions of products.

    Parameters
    ----------
    weights, means, factors, log_constants : ndarray
        Shapes (K,), (K, d), (K, d, d), (K,): the share of the data that each is expected to account for; the means;
        Cholesky factors, so that what these have lost of the covariances is the same point by point; and the
        constants of the joint densities.
    full : bool
        Whether covariances have entries off the diagonal.
    """
    centre = weights @ means
    shift, inverse = means - centre, np.linalg.inv(factors)
    precision = np.swapaxes(inverse, 1, 2) @ inverse
    scale = 1 / np.sqrt(weights @ ((factors**2).sum(axis=2) + shift**2))
    slope, table = np.einsum("kij,kj->ki", precision, shift), pairs(means.shape[1], full)
    rows, columns = _squares(means.shape[1], full)
    found, constants = np.zeros((len(means) + len(means) % 2, len(table))), np.zeros(len(means) + len(means) % 2)
    found[:len(means), :len(rows)] = -precision[:, rows, columns] * np.where(rows == columns, 0.5, 1.0)
    found[:len(means), len(rows):len(rows) + len(centre)] = slope
    constants[:len(means)] = log_constants - 0.5 * (slope * shift).sum(axis=1)
    return Quadratic(centre, scale, _limit(precision, shift, scale), table, found, constants)


def _limit(precision: Array, shift: Array, scale: Array) -> float:
    """Return the largest squared length of (y - c) for which products serve; -1 where a mean itself is too far out.

    The largest eigenvalue of A is at most the fourth root of the Frobenius norm of A^4, and nearly as large.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        squared = np.linalg.matrix_power(precision / np.outer(scale, scale), 2)
        largest = float(((squared @ squared) ** 2).sum(axis=(1, 2)).max() ** 0.125)
        served = largest * ((shift * scale) ** 2).sum(axis=1).max() <= LIMIT
    return LIMIT / largest if served else -1.0


def pointwise_only(normals: Normals) -> Normals:
    """Return the densities with products ruled out, so that every block is taken point by point."""
    return normals._replace(quadratic=normals.quadratic._replace(limit=-1.0))


def combined(normals: Normals, sums: NormalSums) -> NormalSums | None:
    """Return sums with those of the products among the counts and moments; None where they have lost too many digits.

    This happens where points lie far closer to the means than the parameters say: then too much cancels in moments
    about the means. The sums given are changed.
    """
    counts, means = sums.product_counts, normals.means
    if not counts.any():
        return sums
    side = means.shape[1]
    full = sums.second.shape[1] == side
    rows, columns = _squares(side, full)
    shift, found = means - normals.quadratic.centre, sums.products[:len(means)]
    squares, plain = found[:, :len(rows)], found[:, len(rows):len(rows) + side]
    left, right = shift[:, rows], shift[:, columns]
    moved = squares - left * plain[:, columns] - plain[:, rows] * right + counts[:, None] * left * right
    own = rows == columns
    if not (squares[:, own].max(axis=0) <= CANCELLED * moved[:, own].max(axis=0)).all():
        return None
    sums.first[:] += plain - counts[:, None] * shift
    sums.second[:, rows if full else 0, columns] += moved
    return sums._replace(counts=sums.counts + counts)
