"""The first two moments of rows, of which entries may be missing; those of two blocks add up to those of both."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from emlib.numerics import Array, ratio


@dataclass(frozen=True, eq=False)
class Moments:
    """The first two moments of rows; those of two blocks add up to those of both.

    Attributes
    ----------
    weight : float
    mean : ndarray, shape (d,)
    spread : ndarray, shape (d, d)
        Covariance, divisor `weight`.
    largest : ndarray, shape (d,)
        The largest absolute value of each column.
    """

    weight: float
    mean: Array
    spread: Array
    largest: Array

    def __add__(self, other: Moments) -> Moments:
        weight = self.weight + other.weight
        share, move = other.weight / weight if weight else 0.0, other.mean - self.mean
        # Chan, Golub & LeVeque (1983): no squares of the means, which would cancel.
        spread = (1 - share) * self.spread + share * other.spread + share * (1 - share) * np.outer(move, move)
        return Moments(weight, self.mean + share * move, spread, np.maximum(self.largest, other.largest))


def moments(rows: Array, weights: Array | None = None) -> Moments:
    """Return the moments of a block of rows."""
    weight = float(len(rows)) if weights is None else float(weights.sum())
    largest = np.abs(rows).max(axis=0)
    if not weight:
        return Moments(0.0, np.zeros(rows.shape[1]), np.zeros((rows.shape[1],) * 2), largest)
    spread = np.atleast_2d(np.cov(rows, rowvar=False, aweights=weights, ddof=0))
    return Moments(weight, np.average(rows, axis=0, weights=weights), spread, largest)


@dataclass(frozen=True, eq=False)
class Columns:
    """What is seen of each column of rows with missing entries; those of two blocks add up to those of both.

    Attributes
    ----------
    weight, mean, variance, largest : ndarray, shape (d,)
        Of the seen entries; the largest is of their absolute values.
    """

    weight: Array
    mean: Array
    variance: Array
    largest: Array

    def __add__(self, other: Columns) -> Columns:
        weight, move = self.weight + other.weight, other.mean - self.mean
        share = ratio(other.weight, weight)
        variance = (1 - share) * self.variance + share * other.variance + share * (1 - share) * move**2
        return Columns(weight, self.mean + share * move, variance, np.maximum(self.largest, other.largest))

    def scale(self) -> Array:
        """Return means and variances, shape (2, d), or say which column has none."""
        for index, weight in enumerate(self.weight):
            if not weight:
                raise ValueError(f"data: column {index} has no seen entry; drop it")
            if np.sqrt(self.variance[index]) <= 1e-12 * max(self.largest[index], np.finfo(float).tiny):
                raise ValueError(f"data: column {index} is constant where it is seen; its variance has no estimate, "
                                 "drop it or give more rows")
        return np.array([self.mean, self.variance])


def columns(rows: Array, counted: Array | None) -> Columns:
    """Return what is seen of each column of a block of rows, which may be counted as often as they were seen."""
    seen = np.ones(len(rows)) if counted is None else counted
    return Columns(*np.array([_column(values, seen) for values in rows.T]).T)


def _column(values: Array, counted: Array) -> tuple[float, float, float, float]:
    kept = ~np.isnan(values) & (counted > 0)
    if not kept.any():
        return 0.0, 0.0, 0.0, 0.0
    values, weights = values[kept], counted[kept]
    mean = float(np.average(values, weights=weights))
    variance = float(np.average((values - mean) ** 2, weights=weights))
    return float(weights.sum()), mean, variance, float(np.abs(values).max())
