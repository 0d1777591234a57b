"""The first two moments of rows, block by block."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from emlib.numerics import Array


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
