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

from functools import lru_cache
from typing import NamedTuple, Self

import numpy as np

from emlib.data import Data
from emlib.families import covariance
from emlib.kernels.arguments import EXP, Overlaps
from emlib.models.compiled_gaussian import NormalDensities, to_weights
from emlib.models.missing_information import weight_score
from emlib.numerics import Array, lower_indices

CANCELLED = 1e4  # what cancels in a sum of squared scores, over that sum or its share of I_c: four digits of 16


class Monomials(NamedTuple):
    """Pairs of entries of z that make phi; pairs of these that make each product once; the places of phi phi' there."""

    squares: Array
    products: Array
    places: Array


class Frames(NamedTuple):
    """Centres, shape (F, d); lower triangular matrices L and their inverses, (F, d, d)."""

    centres: Array
    factors: Array
    inverses: Array


class Scores(NamedTuple):
    """What the scores of K components are made of: derivatives in the weights, (K,), means, and inverse covariances."""

    heads: Array
    means: Array
    precisions: Array
    kind: str

    @classmethod
    def of(cls, densities: NormalDensities) -> Self:
        """Return what the scores of these components are made of."""
        heads = np.array([weight_score(float(weight)) for weight in np.exp(densities.log_weights)])
        return cls(heads, densities.means, np.linalg.inv(densities.noise), densities.kind)

    @property
    def entries(self) -> tuple[Array, Array]:
        """Return the entries of a covariance whose scores are wanted."""
        return covariance.entries(self.kind, self.means.shape[1])

    def maps(self, which: Array, frames: Frames, squares: Array) -> Array:
        """Return the matrices T of some components, shape (..., q, m)."""
        side, precision = self.means.shape[1], self.precisions[which]
        (rows, columns), (left, right) = self.entries, squares.T
        centre = precision @ (frames.centres - self.means[which])[..., None]
        slopes = np.concatenate([precision @ frames.inverses, centre], axis=-1)
        found = np.zeros((*which.shape, 1 + side + len(rows), len(squares)))
        found[..., 0, -1] = self.heads[which]
        found[..., 1:1 + side, -1 - side:] = slopes
        a, b = slopes[..., rows, :], slopes[..., columns, :]
        found[..., 1 + side:, :] = a[..., left] * b[..., right] + a[..., right] * b[..., left]
        found[..., 1 + side:, :] *= np.where(left == right, 0.25, 0.5)
        found[..., 1 + side:, -1] -= 0.5 * precision[..., rows, columns]
        return found

    def variances(self) -> Array:
        """Return the variances of the scores of a unit of component k in row k, shape (K, q)."""
        rows, columns = self.entries
        own = np.diagonal(self.precisions, axis1=1, axis2=2)
        products = 0.25 * (own[:, rows] * own[:, columns] + self.precisions[:, rows, columns]**2)
        return np.concatenate([self.heads[:, None]**2, own, products], axis=1)


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


def missing_products(densities: NormalDensities, data: Data) -> Array:
    """Return the sum over units of the covariance of the components' scores, as `missing_information` does."""
    scores = Scores.of(densities)
    couples = np.stack(np.triu_indices(len(scores.means), 1), axis=1)
    complete = data.n_units * np.exp(densities.log_weights)[:, None] * scores.variances()
    count, length = complete.shape
    found = np.zeros((count, count, length, length))
    if count > 1:
        spreads, bounds = _spreads(densities, scores, couples, _common_frame(densities), data)
        largest = np.maximum(np.diagonal(spreads, axis1=1, axis2=2), complete[couples].reshape(len(couples), -1))
        lost = ~(bounds <= CANCELLED * largest).all(axis=1)
        if lost.any():
            few = couples[lost]
            spreads[lost] = _spreads(densities, scores, few, _own_frames(densities, scores, few), data)[0]
        for (k, e), spread in zip(couples, spreads, strict=True):
            found[k, k] += spread[:length, :length]
            found[e, e] += spread[length:, length:]
            found[k, e], found[e, k] = spread[:length, length:], spread[length:, :length]
    return found.transpose(0, 2, 1, 3).reshape(count * length, count * length)


def _spreads(densities: NormalDensities, scores: Scores, couples: Array, frames: Frames,
             data: Data) -> tuple[Array, Array]:
    """Return what pairs (k, l) add to the covariance, (C, 2 q, 2 q), and bounds of the terms that its diagonal sums."""
    from emlib.kernels import gaussian_overlaps  # compiles, or reads what an earlier run compiled

    squares, products, places = monomials(scores.means.shape[1], densities.kind in ("full", "tied"))
    size = len(couples) // len(frames.centres)
    sums = np.zeros((len(frames.centres), size + size % 2, len(products)))
    overlaps = Overlaps(couples, frames.centres, frames.factors, squares, products)
    gaussian_overlaps.add_overlaps(data.units, np.sqrt(to_weights(data)), densities.arguments, overlaps, sums, EXP)
    moments = sums[:, :size].reshape(len(couples), -1)[:, places]
    if size == len(couples):
        maps = scores.maps(np.arange(len(scores.means)), frames, squares)[couples]
    else:
        maps = scores.maps(couples, Frames(*(part[:, None] for part in frames)), squares)
    maps[:, 1] *= -1
    maps = maps.reshape(len(couples), -1, len(squares))
    lengths = np.sqrt(np.diagonal(moments, axis1=1, axis2=2))[:, :, None]
    return maps @ moments @ np.swapaxes(maps, 1, 2), (np.abs(maps) @ lengths)[:, :, 0]**2


def _common_frame(densities: NormalDensities) -> Frames:
    """Return the frame in which the mixture has mean zero and unit variances."""
    factors, centre = np.linalg.cholesky(densities.noise), densities.arguments.quadratic.centre
    parts = np.concatenate([np.swapaxes(factors, 1, 2), (densities.means - centre)[:, None]], axis=1)
    parts *= np.exp(0.5 * densities.log_weights)[:, None, None]
    root = _root(parts.reshape(1, -1, len(centre)), densities.kind)
    return Frames(centre[None], _lower(np.linalg.inv(root)), _lower(root))


def _own_frames(densities: NormalDensities, scores: Scores, couples: Array) -> Frames:
    """Return frames in which the product of two densities is standard normal, but for a factor."""
    means, precision = scores.means[couples], scores.precisions[couples[:, 1]]
    inverses = np.linalg.inv(np.linalg.cholesky(densities.noise))[couples]
    backwards = inverses.reshape(len(couples), -1, means.shape[2])[:, :, ::-1]  # so that the roots become lower ones
    root = _root(backwards, densities.kind)
    factors, inverses = (np.ascontiguousarray(part[:, ::-1, ::-1]) for part in (root, np.linalg.inv(root)))
    pulled = precision @ (means[:, 1] - means[:, 0])[:, :, None]
    return Frames(means[:, 0] + (inverses @ (np.swapaxes(inverses, 1, 2) @ pulled))[:, :, 0], factors, inverses)


def _root(parts: Array, kind: str) -> Array:
    """Return upper triangular R with R'R = A'A, of which only the diagonal counts without products of features."""
    if kind in ("full", "tied"):
        return np.linalg.qr(parts, mode="r")
    return np.sqrt((parts**2).sum(axis=1))[:, :, None] * np.eye(parts.shape[2])


def _lower(upper: Array) -> Array:
    """Return transposes that the loops can read."""
    return np.ascontiguousarray(np.swapaxes(upper, 1, 2))
