"""A normal vector of which some entries are seen: what the others are, given these."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.linalg import cho_solve, cholesky

from emlib.families.linear_gaussian import LOG_2PI
from emlib.numerics import Array, squared_lengths, symmetrise


@dataclass(frozen=True, eq=False)
class Partial:
    """The law of e ~ N(0, S) given its seen entries.

    Attributes
    ----------
    seen : ndarray of bool, shape (d,)
    factor : ndarray, shape (s, s)
        Lower Cholesky factor of S over the seen entries.
    fill : ndarray, shape (d, s)
        E[e | seen] = fill @ e[seen].
    left : ndarray, shape (d, d)
        Cov(e | seen), zero in the rows and columns of the seen entries.
    entropy : float
        Of the missing entries given the seen ones, nats.
    """

    seen: Array
    factor: Array
    fill: Array
    left: Array
    entropy: float

    @property
    def log_det(self) -> float:
        """Logarithm of the determinant of S over the seen entries."""
        return log_det(self.factor)

    def log_density(self, residual: Array) -> Array:
        """Return the log-densities of seen entries e, shape (n, s), shape (n,)."""
        return log_density(self.factor, residual)


def partial(noise: Array, seen: Array) -> Partial:
    """Return the law of N(0, `noise`) given the entries where `seen` is true."""
    factor = cholesky(noise[np.ix_(seen, seen)], lower=True, check_finite=False)
    fill = np.zeros((len(seen), len(factor)))
    fill[seen] = np.eye(len(factor))
    fill[~seen] = cho_solve((factor, True), noise[np.ix_(seen, ~seen)], check_finite=False).T
    left, entropy = np.zeros(noise.shape), 0.0
    if not seen.all():
        inner = symmetrise(noise[np.ix_(~seen, ~seen)] - fill[~seen] @ noise[np.ix_(seen, ~seen)])
        left[np.ix_(~seen, ~seen)] = inner
        entropy = 0.5 * (len(inner) * (1.0 + LOG_2PI) + log_det(cholesky(inner, lower=True, check_finite=False)))
    return Partial(seen, factor, fill, left, entropy)


def log_density(factor: Array, residual: Array) -> Array:
    """Return the log-densities of rows e ~ N(0, L L'), shape (n, s), shape (n,)."""
    squares = squared_lengths(factor, residual)
    return np.asarray(-0.5 * (len(factor) * LOG_2PI + log_det(factor) + squares))


def log_det(factor: Array) -> float:
    """Return the logarithm of the determinant of L L'."""
    return 2.0 * float(np.log(np.diag(factor)).sum())


def patterns(rows: Array) -> Iterator[tuple[Array, Array]]:
    """Yield each pattern of seen entries, shape (d,), with the indices of the rows that have it."""
    kinds, which = np.unique(~np.isnan(rows), axis=0, return_inverse=True)
    for index, seen in enumerate(kinds):
        yield seen, np.flatnonzero(which.ravel() == index)


def score_covariance(spread: Array, slopes: Array, weights: Array) -> Array:
    """Return the weighted sum over rows of the covariance of (a, (a a')/2), a ~ N(slope, spread)."""
    side = len(spread)
    first, second, count = weights @ slopes, slopes.T @ (weights[:, None] * slopes), weights.sum()
    half = np.einsum("ij,k->ijk", spread, first)
    cross = 0.5 * (half + np.swapaxes(half, 1, 2)).reshape(side, side**2)
    pairs = np.kron(count * spread + second, spread) + np.kron(spread, second)
    tail = pairs.reshape((side,) * 4)
    tail = 0.25 * (tail + np.swapaxes(tail, 2, 3)).reshape(side**2, side**2)
    result: Array = np.block([[count * spread, cross], [cross.T, tail]])
    return result
