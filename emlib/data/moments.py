"""The first two moments of rows, of which entries may be missing; those of two blocks add up to those of both."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from emlib.numerics import Array, ratio

SMALLEST, LARGEST = 1e-75, 1e75  # deviations, and largest values, whose fourth powers are ordinary numbers


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

    @np.errstate(over="ignore", invalid="ignore")
    def __add__(self, other: Moments) -> Moments:
        weight = self.weight + other.weight
        share, move = other.weight / weight if weight else 0.0, other.mean - self.mean
        # Chan, Golub & LeVeque (1983): no squares of the means, which would cancel.
        spread = (1 - share) * self.spread + share * other.spread + share * (1 - share) * np.outer(move, move)
        return Moments(weight, self.mean + share * move, spread, np.maximum(self.largest, other.largest))


@np.errstate(over="ignore", invalid="ignore")  # `refuse_extreme` says so
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

    @np.errstate(over="ignore", invalid="ignore")
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
        refuse_extreme(np.sqrt(self.variance), self.largest)
        for index in range(len(self.weight)):
            if np.sqrt(self.variance[index]) <= 1e-12 * max(self.largest[index], np.finfo(float).tiny):
                raise ValueError(f"data: column {index} is constant where it is seen; its variance has no estimate, "
                                 "drop it or give more rows")
        return np.array([self.mean, self.variance])


def refuse_extreme(deviations: Array, largest: Array, name: str = "data: column {}") -> None:
    """Raise ValueError for the first column whose variance, or its square, over- or underflows.

    Parameters
    ----------
    deviations, largest : ndarray, shape (d,)
        Standard deviation, and largest absolute value, of each column.
    name : str
        What errors call a column, {} for its index.
    """
    sizes = np.where(deviations > 0, deviations, largest)  # where the variance has underflowed, too
    for index in np.flatnonzero(((sizes > 0) & (sizes < SMALLEST)) | ~(np.maximum(sizes, largest) <= LARGEST)):
        small = sizes[index] < SMALLEST
        size = float(sizes[index] if small else largest[index])
        raise ValueError(f"{name.format(index)} has numbers so {'small' if small else 'large'} (of size {size:.1g}) "
                         f"that its variance, or the square of it, {'under' if small else 'over'}flows; give it in "
                         "other units, such as divided by its largest value")


@dataclass(frozen=True, eq=False)
class Together:
    """What is seen of each column, and in how many rows two columns are both seen, shape (d, d); they add up."""

    columns: Columns
    counts: Array

    def __add__(self, other: Together) -> Together:
        return Together(self.columns + other.columns, self.counts + other.counts)

    def scale(self) -> Array:
        """Return means and variances, and below them the counts, shape (2 + d, d)."""
        return np.vstack([self.columns.scale(), self.counts])


def together(rows: Array, counted: Array | None) -> Together:
    """Return what is seen of each column, and of each pair of them, of a block of rows, which may be counted."""
    seen = (~np.isnan(rows)).astype(float)
    weighted = seen if counted is None else seen * counted[:, None]
    return Together(columns(rows, counted), seen.T @ weighted)


def columns(rows: Array, counted: Array | None) -> Columns:
    """Return what is seen of each column of a block of rows, which may be counted as often as they were seen."""
    seen = np.ones(len(rows)) if counted is None else counted
    return Columns(*np.array([_column(values, seen) for values in rows.T]).T)


@np.errstate(over="ignore", invalid="ignore")
def _column(values: Array, counted: Array) -> tuple[float, float, float, float]:
    kept = ~np.isnan(values) & (counted > 0)
    if not kept.any():
        return 0.0, 0.0, 0.0, 0.0
    values, weights = values[kept], counted[kept]
    mean = float(np.average(values, weights=weights))
    variance = float(np.average((values - mean) ** 2, weights=weights))
    return float(weights.sum()), mean, variance, float(np.abs(values).max())
