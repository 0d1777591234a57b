"""Louis's missing information of one normal distribution, from products of expected moments.

Given its seen entries a row's residual r = y - mean is normal, with a mean f and a covariance C that only pairs of
missing entries have. Of the row's score, a and (a a' - A)/2 with a = A r and A the inverse covariance, the covariance
is made of products of entries of C with those of C, f f' and f (Isserlis). Rows of one pattern share C, so that

    sum over patterns of vec(C) (vec(count C / 2 + sum f f'), sum f, count),

vec the lower triangle, is all that has to be summed: one matrix product. A enters at the end.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from emlib.data import Data
from emlib.models.missing_patterns import groups
from emlib.models.partial import laws
from emlib.numerics import Array, lower_indices


def products(mean: Array, covariance: Array, data: Data) -> Array:
    """Return the sum over patterns, shape (p, p + d + 1) with p = d(d + 1)/2."""
    lower = lower_indices(len(mean))
    total = np.zeros((len(lower[0]), len(lower[0]) + len(mean) + 1))
    incomplete = np.flatnonzero(np.isnan(data.units).any(axis=1))  # nothing else has a C
    units, frequencies = data.units[incomplete], data.frequencies[incomplete]
    for group in groups(units):
        law = laws(covariance, group.kinds)
        residual = np.where(group.seen, units[group.rows] - mean, 0.0)
        counts, first, second = group.sums(frequencies[group.rows], residual)
        moments = 0.5 * counts[:, None, None] * law.left + law.fill @ second @ np.swapaxes(law.fill, 1, 2)
        filled = (law.fill @ first[:, :, None])[:, :, 0]
        right = np.concatenate([moments[:, *lower], filled, counts[:, None]], axis=1)
        total += law.left[:, *lower].T @ right
    return total


def information(covariance: Array, summed: Array) -> Array:
    """Return the missing information in standard entries, shape (d + d^2, d + d^2), from what `products` returns."""
    side, precision = len(covariance), np.linalg.inv(covariance)
    turn, place = _congruence(precision), _places(side)
    pairs = len(turn)
    turned = turn @ summed
    spread, slopes = turned[:, -1][place], turned[:, pairs:-1][place] @ precision
    square = (turned[:, :pairs] @ turn.T)[place[:, None, :, None], place[None, :, None, :]]
    cross = 0.5 * (slopes + np.swapaxes(slopes, 1, 2)).reshape(side, side**2)
    tail = square + np.swapaxes(square, 2, 3)
    tail = 0.25 * (tail + np.swapaxes(tail, 0, 1)).reshape(side**2, side**2)
    found: Array = np.block([[spread, cross], [cross.T, tail]])
    return found


def _congruence(matrix: Array) -> Array:
    """Return the map from the lower triangle of S to that of B S B, B and S symmetric, shape (p, p)."""
    rows, columns = lower_indices(len(matrix))
    straight = matrix[np.ix_(rows, rows)] * matrix[np.ix_(columns, columns)]
    crossed = matrix[np.ix_(rows, columns)] * matrix[np.ix_(columns, rows)]
    return np.where(rows == columns, straight, straight + crossed)


@lru_cache(maxsize=64)
def _places(side: int) -> Array:
    """Return where the lower triangle, row by row, has each entry of a symmetric matrix, shape (d, d); read-only."""
    rows, columns = lower_indices(side)
    found = np.empty((side, side), dtype=np.int64)
    found[rows, columns] = found[columns, rows] = np.arange(len(rows))
    found.setflags(write=False)
    return found
