"""The posterior of the factors, and what it leaves missing: normal, with one covariance for all rows."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np

from emlib.models.factor_data import Sample
from emlib.numerics import Array

HUGE = 1e150  # loadings in units of the noise whose squares are about to overflow


@dataclass(frozen=True, eq=False)
class Conditional:
    """u = (1, z, e), e = y - mean - W z, given y: mean `linear` @ (1, y - mean), covariance `spread`.

    Attributes
    ----------
    linear : ndarray, shape (1 + k + d, 1 + d)
    spread : ndarray, shape (1 + k + d, 1 + k + d)
    log_det : float
        log det(I + W' W / psi): the marginal covariance has this more than the noise.
    """

    linear: Array
    spread: Array
    log_det: float

    def seen(self, data: Sample, mean: Array) -> Array:
        """Return the sum over rows of E[u] E[u]', shape (1 + k + d, 1 + k + d)."""
        result: Array = self.linear @ data.about(mean) @ self.linear.T
        return result

    def missing_information(self, seen: Array, count: float, noise: Array) -> Array:
        """Return the sum over rows of the covariance of the complete-data score, entries mean, W, psi (d of them).

        Notes
        -----
        Louis (1982). The score is made of products of entries of u, which is normal with the posterior covariance
        K = `spread` in every row. Isserlis: Cov(u_a u_b, u_c u_d) is the sum over the four pairings of (a or b) with
        (c or d) of m_a m_c K_bd + K_ac K_bd / 2; the sum of m m' over rows is `seen`.
        """
        first, second, weight = self._score_pairs(noise)
        missing = np.zeros((len(first), len(first)))
        pairings = ((first, second), (second, first))
        for (a, b), (c, d) in product(pairings, pairings):
            missing += (seen + 0.5 * count * self.spread)[np.ix_(a, c)] * self.spread[np.ix_(b, d)]
        result: Array = missing * np.outer(weight, weight)
        return result

    def _score_pairs(self, noise: Array) -> tuple[Array, Array, Array]:
        """Return a, b, w of the score's entries w u_a u_b: e_i / psi_i, e_i z_j / psi_i, e_i^2 / (2 psi_i^2)."""
        side = len(noise)
        count = len(self.spread) - side - 1
        residual, factors = 1 + count + np.arange(side), 1 + np.arange(count)
        first = np.concatenate([residual, np.repeat(residual, count), residual])
        second = np.concatenate([np.zeros(side, dtype=int), np.tile(factors, side), residual])
        return first, second, np.concatenate([1 / noise, np.repeat(1 / noise, count), 0.5 / noise**2])


def conditional(loadings: Array, noise: Array) -> Conditional:
    """Return the posterior from the singular values s of W / sqrt(psi); only k of them enter.

    The posterior covariance of z is V (1 + s^2)^-1 V', and the residual's matrix I - U s^2/(1 + s^2) U' in units
    of the noise: products and differences of numbers of size one, whatever the noise.
    """
    (side, count), root = loadings.shape, np.sqrt(noise)
    left, values, right = np.linalg.svd(np.clip(loadings / root[:, None], -HUGE, HUGE), full_matrices=False)
    shrink = 1.0 / (1.0 + values**2)
    linear = np.zeros((1 + count + side, 1 + side))
    linear[0, 0] = 1.0
    linear[1:1 + count, 1:] = (right.T * (values * shrink)) @ left.T / root
    linear[1 + count:, 1:] = (np.eye(side) - (left * (1.0 - shrink)) @ left.T) * np.divide.outer(root, root)
    half = np.concatenate([np.zeros((1, len(values))), right.T * np.sqrt(shrink),
                           -(left * (values * np.sqrt(shrink))) * root[:, None]])
    return Conditional(linear, half @ half.T, float(np.log1p(values**2).sum()))


def shared_noise(matrix: Array, side: int) -> Array:
    """Add up the last `side` rows and columns: the entries of the features' noise, where they share one variance."""
    keep = len(matrix) - side
    rows = np.concatenate([matrix[:keep], matrix[keep:].sum(axis=0, keepdims=True)])
    return np.concatenate([rows[:, :keep], rows[:, keep:].sum(axis=1, keepdims=True)], axis=1)
