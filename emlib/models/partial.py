"""A normal vector of which some entries are seen: what the others are, given these."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.linalg import cho_solve, cholesky

from emlib.families.linear_gaussian import LOG_2PI
from emlib.numerics import Array, squared_lengths, symmetrise

CODED_ENTRIES = 64  # of a row, whose pattern fits into an integer
SHORT = 16  # bits of an integer that NumPy sorts without comparing


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


def sorted_by_kind(seen: Array) -> tuple[Array, Array, Array]:
    """Return the distinct rows of a matrix of bools, shape (G, d), in order; all rows' indices sorted by them; counts.
    """
    if seen.all():
        return seen[:1], np.arange(len(seen)), np.full(len(seen[:1]), len(seen))
    if seen.shape[1] > CODED_ENTRIES:
        kinds, which, counts = np.unique(seen, axis=0, return_inverse=True, return_counts=True)
        return kinds, np.argsort(which.ravel(), kind="stable"), counts
    codes = _codes(seen)
    order = np.argsort(codes, kind="stable")
    ordered = codes[order]
    first = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1]))
    return seen[order[first]], order, np.diff(np.append(first, len(seen)))


def _codes(seen: Array) -> Array:
    """Return an integer for each row of a matrix of bools; their order is that of the rows."""
    packed = np.packbits(seen, axis=1)
    kind = np.dtype(np.uint16 if seen.shape[1] <= SHORT else np.uint64)
    room = np.zeros((len(seen), kind.itemsize), dtype=np.uint8)
    room[:, :packed.shape[1]] = packed
    codes: Array = room.view(kind.newbyteorder(">"))[:, 0].astype(kind)
    return codes


def kinds_of(seen: Array) -> tuple[Array, Array]:
    """Return the distinct rows of a matrix of bools, shape (G, d), in order, and which of them each row is."""
    kinds, order, counts = sorted_by_kind(seen)
    which = np.empty(len(seen), dtype=np.int64)
    which[order] = np.repeat(np.arange(len(kinds)), counts)
    return kinds, which


def patterns(rows: Array) -> Iterator[tuple[Array, Array]]:
    """Yield each pattern of seen entries, shape (d,), with the indices of the rows that have it."""
    kinds, order, counts = sorted_by_kind(~np.isnan(rows))
    yield from zip(kinds, np.split(order, np.cumsum(counts)[:-1]), strict=True)


@dataclass(frozen=True, eq=False)
class Laws:
    """The laws of e ~ N(0, S) given each of G patterns of seen entries, shape (G, d).

    Attributes
    ----------
    whitening : ndarray, shape (G, d, d)
        W with W' W the inverse of S over the seen entries, zero elsewhere.
    fill, left : ndarray, shape (G, d, d)
        As in `Partial`, the columns of `fill` for all entries, zero where one is not seen.
    log_det, entropy : ndarray, shape (G,)
    """

    whitening: Array
    fill: Array
    left: Array
    log_det: Array
    entropy: Array


def laws(noise: Array, kinds: Array) -> Laws:
    """Return the laws of N(0, `noise`) given the entries where each row of `kinds` is true, all at once."""
    both = kinds[:, :, None] & kinds[:, None, :]
    gone = ~kinds
    unit, neither = np.eye(len(noise)), gone[:, :, None] & gone[:, None, :]
    factor = np.linalg.cholesky(np.where(both, noise, unit))
    whitening = np.where(both, np.linalg.inv(factor), 0.0)
    known = kinds[:, :, None] * unit
    fill = known + (gone[:, :, None] * noise) @ (np.swapaxes(whitening, 1, 2) @ whitening)
    left = np.where(neither, symmetrise(noise - fill @ noise), 0.0)
    spread = np.linalg.cholesky(np.where(neither, left, unit))
    entropy = 0.5 * (gone.sum(axis=1) * (1.0 + LOG_2PI) + _log_dets(spread))
    return Laws(whitening, fill, left, _log_dets(factor), entropy)


def _log_dets(factors: Array) -> Array:
    result: Array = 2.0 * np.log(np.diagonal(factors, axis1=1, axis2=2)).sum(axis=1)
    return result
