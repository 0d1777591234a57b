"""Louis's missing information of one normal distribution, from products of moments of the patterns of seen entries.

A row's score is a and (a a' - A)/2 with A the inverse covariance and a = A (y - mean). Given the seen entries a is
normal. Its mean s is the seen residuals times the inverse of their own covariance, and zero at the missing entries; its
covariance C is the same for all rows of a pattern. Fourth moments are products of entries of C with those of C, s s'
and s (Isserlis), so that

    sum over patterns of vec(C) (vec(count C / 2 + sum s s'), sum s, count),

vec the lower triangle, is all that has to be summed: one product of matrices.
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
    lower, precision, unit = lower_indices(len(mean)), np.linalg.inv(covariance), np.eye(len(mean))
    total = np.zeros((len(lower[0]), len(lower[0]) + len(mean) + 1))
    incomplete = np.flatnonzero(np.isnan(data.units).any(axis=1))  # nothing else has a C
    units, frequencies = data.units[incomplete], data.frequencies[incomplete]
    for group in groups(units):
        law = laws(covariance, group.kinds)
        residual = np.where(group.seen, units[group.rows] - mean, 0.0)
        counts, first, second = group.sums(frequencies[group.rows], residual)
        # Rows of A at missing entries are their own inverse covariance times (I - fill), which no difference need find.
        spread = np.swapaxes(unit - law.fill, 1, 2) @ np.where(group.kinds[:, :, None], 0.0, precision)
        inverse = np.swapaxes(law.whitening, 1, 2) @ law.whitening
        moments = 0.5 * counts[:, None, None] * spread + inverse @ second @ inverse
        slopes = (inverse @ first[:, :, None])[:, :, 0]
        total += spread[:, *lower].T @ np.concatenate([moments[:, *lower], slopes, counts[:, None]], axis=1)
    return total


def information(side: int, summed: Array) -> Array:
    """Return the missing information in standard entries, shape (d + d^2, d + d^2), from what `products` returns."""
    place, pairs = _places(side), len(summed)
    spread, slopes = summed[:, -1][place], summed[:, pairs:-1][place]
    cross = 0.5 * (slopes + np.swapaxes(slopes, 1, 2)).reshape(side, side**2)
    square = summed[place[:, None, :, None], place[None, :, None, :]]  # C_ik (...)_jl at i, j, k, l
    tail = square + np.swapaxes(square, 2, 3)
    tail = 0.25 * (tail + np.swapaxes(tail, 0, 1)).reshape(side**2, side**2)
    found: Array = np.block([[spread, cross], [cross.T, tail]])
    return found


@lru_cache(maxsize=64)
def _places(side: int) -> Array:
    """Return where the lower triangle, row by row, has each entry of a symmetric matrix, shape (d, d); read-only."""
    rows, columns = lower_indices(side)
    found = np.empty((side, side), dtype=np.int64)
    found[rows, columns] = found[columns, rows] = np.arange(len(rows))
    found.setflags(write=False)
    return found
