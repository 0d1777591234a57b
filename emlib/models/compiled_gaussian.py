"""E-step of normal mixtures by the compiled passes: their arguments, and what is made of sums."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from emlib.data import Data
from emlib.families import GaussianMoments
from emlib.families.linear_gaussian import LOG_2PI
from emlib.kernels.arguments import EXP, Normals, NormalSums
from emlib.model import Expectation, Statistics
from emlib.models import gaussian_products
from emlib.numerics import Array, lower_indices

UNWEIGHTED = np.empty(0)


@dataclass(frozen=True, eq=False)
class NormalDensities:
    """Weighted normal densities at fixed parameters; arguments of the pass are made at first use, once for all chunks.

    Parameters
    ----------
    log_weights, means, noise : ndarray
        Shapes (K,), (K, d), (K, d, d).
    kind : {"full", "tied", "diag", "spherical"}
    """

    log_weights: Array
    means: Array
    noise: Array
    kind: str

    @cached_property
    def arguments(self) -> Normals:
        """The densities as the compiled passes take them."""
        means = np.array(self.means, order="C")  # the loops are not compiled for what is read-only
        factors, full = np.linalg.cholesky(self.noise), self.kind in ("full", "tied")
        diagonals = np.einsum("kii->ki", factors)
        constants = self.log_weights - 0.5 * means.shape[1] * LOG_2PI - np.log(diagonals).sum(axis=1)
        weights = np.exp(self.log_weights)  # all are one for the states of a hidden chain
        quadratic = gaussian_products.quadratic(weights / weights.sum(), means, factors, constants, full)
        return Normals(quadratic, means, _reciprocal(factors) if full else 1 / diagonals[:, None], constants)

    def __getstate__(self) -> dict[str, Any]:
        """Leave out what is made of the parameters, which are all that travels to another process."""
        return {name: value for name, value in vars(self).items() if name != "arguments"}


def e_step(densities: NormalDensities, data: Data) -> Expectation:
    """Return what `GaussianMixture.e_step` returns."""
    from emlib.kernels import gaussian  # compiles, or reads what an earlier run compiled

    normals = densities.arguments
    weights = to_weights(data)
    sums = zero_sums(normals)
    totals = gaussian.add_chunk(data.units, weights, normals, sums, EXP)
    found = gaussian_products.combined(normals, sums)
    if found is None:
        sums = zero_sums(normals)
        totals = gaussian.add_chunk(data.units, weights, gaussian_products.pointwise_only(normals), sums, EXP)
        found = sums
    moments = to_moments(found, densities.means, densities.kind)
    stats = Statistics({"weights": found.counts.copy(), "components": moments})
    return Expectation(stats, totals.loglik, max(totals.entropy, 0.0), data.n_units, totals.magnitude)


def to_weights(data: Data) -> Array:
    """Return the weights as compiled passes take them: none at all where every unit counts once."""
    return UNWEIGHTED if data.weights is None else data.weights


def _reciprocal(factors: Array) -> Array:
    """Return the factors with the reciprocals of their diagonals in place of these: divisions are slow."""
    changed = factors.copy()
    side = np.arange(factors.shape[1])
    changed[:, side, side] = 1 / changed[:, side, side]
    return changed


def zero_sums(normals: Normals) -> NormalSums:
    """Return sums for the pass to add to."""
    return NormalSums(*(np.zeros(part.shape) for part in (
        normals.log_constants, normals.means, normals.factors, normals.log_constants, normals.quadratic.weights)))


def to_moments(sums: NormalSums, means: Array, kind: str) -> GaussianMoments:
    """Return sums about the means as moments of a covariance type."""
    return GaussianMoments(sums.counts, _second_moments(sums.second, kind), sums.first[:, :, None],
                           sums.counts[:, None, None], means[:, :, None], kind)


def _second_moments(second: Array, kind: str) -> Array:
    """Return second moments as the covariance type keeps them, from lower triangles or variances."""
    if kind in ("full", "tied"):
        rows, columns = lower_indices(second.shape[1])
        whole: Array = second.copy()
        whole[:, columns, rows] = second[:, rows, columns]
        return whole
    kept: Array = second[:, 0] if kind == "diag" else second[:, 0].sum(axis=1)
    return kept
