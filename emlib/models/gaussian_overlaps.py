"""Missing information of normal mixtures from the overlaps of their components, by a compiled pass.

A unit's score is e_k s_k with probability r_k, in block k that of component k. A variance is half the expected square
of the difference of two independent copies, so that

    Cov(S | y) = sum_{k < l} r_k r_l (e_k s_k - e_l s_l)(e_k s_k - e_l s_l)'.

In a frame z = (L (y - c), 1), s_k = T_k phi with phi the products of two entries of z. All that a pair (k, l) needs of
the data are the moments sum_i r_ik r_il phi phi', of which few differ. One frame serves all pairs. Where that costs
too many digits, as of a component that is far narrower than the data, the pair has a frame of its own, in which the
product of the two densities is standard normal.
"""

from __future__ import annotations

from functools import cached_property, lru_cache
from typing import NamedTuple

import numpy as np

from emlib.data import Data
from emlib.families import covariance
from emlib.kernels.arguments import EXP, Overlaps
from emlib.models.compiled_gaussian import UNWEIGHTED, NormalDensities
from emlib.models.missing_information import weight_score
from emlib.numerics import Array, lower_indices

CANCELLED = 1e4  # what may cancel in a sum of squared scores, over that sum or its share of I_c: four digits of 16


class Frames(NamedTuple):
    """Centres, shape (F, d); lower triangular L, (F, d, d); and of C pairs the matrices (T_k, -T_l), (C, 2 q, m)."""

    centres: Array
    factors: Array
    differences: Array


class Monomials(NamedTuple):
    """Pairs of entries of z that make phi; pairs of these that make each product once; the places of phi phi' there."""

    squares: Array
    products: Array
    places: Array


@lru_cache(maxsize=32)
def monomials(side: int, full: bool) -> Monomials:
    """Return what is multiplied; 1 is the last entry of z and of phi. Products of two features only where `full`."""
    rows, columns = lower_indices(side + 1)
    kept = full | (rows == columns) | (rows == side)
    squares = np.stack([rows[kept], columns[kept]], axis=1)
    left, right = lower_indices(len(squares))
    powers = np.sort(np.concatenate([squares[left], squares[right]], axis=1), axis=1)
    _, first, kinds = np.unique(powers @ (side + 1) ** np.arange(4), return_index=True, return_inverse=True)
    first = np.append(first, first[:len(first) % 2])  # an even number
    places = np.empty((len(squares), len(squares)), dtype=int)
    places[left, right] = places[right, left] = kinds.ravel()
    return Monomials(squares, np.stack([left[first], right[first]], axis=1), places)


@lru_cache(maxsize=32)
def pairs(count: int) -> Array:
    """Return all pairs k < l."""
    return np.stack(np.triu_indices(count, 1), axis=1)


def missing_products(densities: NormalDensities, data: Data) -> Array:
    """Return the sum over units of the covariance of the components' scores, as `missing_information` does."""
    parts = (np.asarray(part, dtype=float) for part in (densities.log_weights, densities.means, densities.noise))
    scores = scores_at(densities.kind, densities.means.shape, *(part.tobytes() for part in parts))
    count, length = len(scores.heads), scores.length
    found, own = np.zeros((2, count, count, length, length))
    if count > 1:
        spreads = _spreads(scores, data)
        (k, e), both = pairs(count).T, np.arange(count)
        own[k, e], own[e, k] = spreads[:, :length, :length], spreads[:, length:, length:]
        found[k, e], found[e, k] = spreads[:, :length, length:], spreads[:, length:, :length]
        found[both, both] = own.sum(axis=1)
    result: Array = found.transpose(0, 2, 1, 3).reshape(count * length, count * length)
    return result


@lru_cache(maxsize=4)
def scores_at(kind: str, shape: tuple[int, int], *parts: bytes) -> Scores:
    """Return the scores at log-weights, means of this shape, and covariances, once for all chunks of a pass."""
    logs, means, noise = (np.frombuffer(part) for part in parts)
    return Scores(NormalDensities(logs, means.reshape(shape), noise.reshape(*shape, shape[1]), kind))


def _spreads(scores: Scores, data: Data) -> Array:
    """Return what all pairs (k, l) add to the covariance of their scores, shape (C, 2 q, 2 q)."""
    couples = pairs(len(scores.heads))
    spreads, bounds = scores.spreads(couples, scores.frame, data)
    kept = bounds <= CANCELLED * np.diagonal(spreads, axis1=1, axis2=2)
    if not kept.all():
        complete = data.n_units * scores.variances()[couples].reshape(bounds.shape)
        lost = ~(kept | (bounds <= CANCELLED * complete)).all(axis=1)
        if lost.any():
            spreads[lost] = scores.spreads(couples[lost], scores.own_frames(couples[lost]), data)[0]
    return spreads


class Scores:
    """What the scores of K components are made of.

    Parameters
    ----------
    densities : NormalDensities
    """

    def __init__(self, densities: NormalDensities) -> None:
        self.densities, self.side = densities, densities.means.shape[1]
        self.full, self.precisions = densities.kind in ("full", "tied"), np.linalg.inv(densities.noise)
        self.entries = covariance.entries(densities.kind, self.side)
        self.length = 1 + self.side + len(self.entries[0])
        self.weights = np.exp(densities.log_weights)
        self.heads = np.array([weight_score(weight) for weight in self.weights.tolist()])

    def variances(self) -> Array:
        """Return the variances of component k's scores, times its weight, in row k, shape (K, q)."""
        rows, columns = self.entries
        own = np.diagonal(self.precisions, axis1=1, axis2=2)
        products = 0.25 * (own[:, rows] * own[:, columns] + self.precisions[:, rows, columns]**2)
        found: Array = self.weights[:, None] * np.concatenate([self.heads[:, None]**2, own, products], axis=1)
        return found

    def spreads(self, couples: Array, frames: Frames, data: Data) -> tuple[Array, Array]:
        """Return what pairs add to the covariance, (C, 2 q, 2 q), and bounds of what its diagonal sums, (C, 2 q)."""
        from emlib.kernels import gaussian_overlaps  # compiles, or reads what an earlier run compiled

        squares, products, places = monomials(self.side, self.full)
        sums = np.zeros((len(frames.centres), len(couples) // len(frames.centres), len(products)))
        overlaps = Overlaps(couples, frames.centres, frames.factors, squares, products)
        roots = UNWEIGHTED if data.weights is None else np.sqrt(data.weights)
        gaussian_overlaps.add_overlaps(data.units, roots, self.densities.arguments, overlaps, sums, EXP)
        moments, maps = sums.reshape(len(couples), -1)[:, places], frames.differences
        lengths = np.sqrt(np.diagonal(moments, axis1=1, axis2=2))
        return maps @ moments @ maps.transpose(0, 2, 1), (np.abs(maps) @ lengths[:, :, None])[:, :, 0]**2

    def maps(self, which: Array, centres: Array, inverses: Array) -> Array:
        """Return the matrices T of some components, shape (..., q, m), given L's inverses."""
        side, precision, squares = self.side, self.precisions[which], monomials(self.side, self.full).squares
        (rows, columns), (left, right) = self.entries, squares.T
        centre = precision @ (centres - self.densities.means[which])[..., None]
        slopes = np.concatenate([precision @ inverses, centre], axis=-1)
        a, b = slopes[..., rows, :], slopes[..., columns, :]
        found = np.zeros((*which.shape, self.length, len(squares)))
        found[..., 0, -1] = self.heads[which]
        found[..., 1:1 + side, -1 - side:] = slopes
        found[..., 1 + side:, :] = a[..., left] * b[..., right] + a[..., right] * b[..., left]
        found[..., 1 + side:, :] *= np.where(left == right, 0.25, 0.5)
        found[..., 1 + side:, -1] -= 0.5 * precision[..., rows, columns]
        return found

    @cached_property
    def frame(self) -> Frames:
        """The frame of all pairs: about the mixture's mean, and there covariances are about the identity."""
        couples = pairs(len(self.heads))
        if len(couples) == 1:
            return self.own_frames(couples)
        root = np.linalg.cholesky((self.weights[:, None, None] * self.densities.noise).sum(axis=0))
        factor = np.ascontiguousarray(np.linalg.inv(root.T).T)  # of an upper triangle, of which no rows are swapped
        centre = self.densities.arguments.quadratic.centre
        maps = self.maps(np.arange(len(self.heads)), centre, root)
        return Frames(centre[None], factor[None], _differences(maps[couples]))

    def own_frames(self, couples: Array) -> Frames:
        """Return frames in which the product of two densities is standard normal, but for a factor."""
        means = self.densities.means[couples]
        parts = np.linalg.inv(np.linalg.cholesky(self.densities.noise))[couples].reshape(len(couples), -1, self.side)
        if self.full:  # backwards, so that the upper triangles become lower ones
            root: Array = np.linalg.qr(parts[:, :, ::-1]).R
        else:
            root = np.sqrt((parts**2).sum(axis=1))[:, ::-1, None] * np.eye(self.side)
        factors, inverses = (np.ascontiguousarray(part[:, ::-1, ::-1]) for part in (root, np.linalg.inv(root)))
        pulled = self.precisions[couples[:, 1]] @ (means[:, 1] - means[:, 0])[:, :, None]
        centres = means[:, 0] + (inverses @ (inverses.transpose(0, 2, 1) @ pulled))[:, :, 0]
        return Frames(centres, factors, _differences(self.maps(couples, centres[:, None], inverses[:, None])))


def _differences(maps: Array) -> Array:
    """Return (T_k, -T_l) of pairs of matrices, one above the other."""
    maps[:, 1] *= -1
    return maps.reshape(len(maps), -1, maps.shape[3])
