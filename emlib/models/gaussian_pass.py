"""A Gaussian mixture's E-step by the compiled loops: what goes in, and what becomes of what comes out."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from emlib.data import Data
from emlib.families import GaussianMoments
from emlib.families.linear_gaussian import LOG_2PI
from emlib.model import Expectation, Statistics
from emlib.models import gaussian_products
from emlib.numerics import Array, lower_indices

NONE_SEEN = np.empty(0)  # no observation weights: each row counts once


def e_step(normals: Normals, data: Data) -> Expectation:
    """Return what `GaussianMixture.e_step` returns."""
    given = normals.prepared
    found = _run(given, data) or _run(given._replace(fast=gaussian_products.nowhere(given.fast)), data)
    assert found is not None  # point by point nothing cancels
    counts, first, second, totals = found
    moments = collected(counts, first, second, normals.means, normals.kind)
    stats = Statistics({"weights": counts.copy(), "components": moments})
    return Expectation(stats, float(totals[0]), max(float(totals[1]), 0.0), data.n_units, float(totals[2]))


def _run(given: Prepared, data: Data) -> tuple[Array, Array, Array, Array] | None:
    """Return counts, first and second moments, and totals; None where products have lost too many digits."""
    from emlib.kernels import blocks, gaussian  # compiles, or reads what an earlier run compiled

    fast, means, scales, heads = given
    counts, first, second, totals = np.zeros(len(means)), np.zeros(means.shape), np.zeros(scales.shape), np.zeros(3)
    near, sums = np.zeros(len(means)), np.zeros(fast.weights.shape)
    seen = NONE_SEEN if data.weights is None else data.weights
    gaussian.add_moments(data.units, seen, blocks.EXP, *fast, means, scales, heads, counts, first, second, near, sums,
                         totals)
    if near.any() and not gaussian_products.add(fast, means, near, sums, first, second):
        return None
    return counts + near, first, second, totals


class Prepared(NamedTuple):
    """What the loops take of the parameters.

    Features; means; Cholesky factors with the reciprocals of their diagonals, or reciprocal standard deviations
    (K, 1, d); and the logarithms of the densities' constants, shape (K,).
    """

    fast: gaussian_products.Quadratic
    means: Array
    scales: Array
    heads: Array


@dataclass(frozen=True, eq=False)
class Normals:
    """Weighted normal densities at fixed parameters; what the loops take is made at first use, once for all chunks.

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
    def prepared(self) -> Prepared:
        """What the loops take of the parameters."""
        centres = np.array(self.means, order="C")  # the loops are not compiled for what is read-only
        factors, matrix = np.linalg.cholesky(self.noise), self.kind in ("full", "tied")
        heads = self.log_weights - 0.5 * centres.shape[1] * LOG_2PI - np.log(_diagonals(factors)).sum(axis=1)
        weights = np.exp(self.log_weights)  # of a hidden chain's states all are one
        fast = gaussian_products.quadratic(weights / weights.sum(), centres, factors, heads, matrix)
        return Prepared(fast, centres, _reciprocal(factors) if matrix else 1 / _diagonals(factors)[:, None], heads)

    def __getstate__(self) -> dict[str, Any]:
        """Leave out what is made of the parameters, which are all that travels to another process."""
        return {name: value for name, value in vars(self).items() if name != "prepared"}


def collected(counts: Array, first: Array, second: Array, means: Array, kind: str) -> GaussianMoments:
    """Return as moments what the loops have added up."""
    return GaussianMoments(counts, _kept(second, kind), first[:, :, None], counts[:, None, None], means[:, :, None],
                           kind)


def _diagonals(factors: Array) -> Array:
    diagonals: Array = np.einsum("kii->ki", factors)
    return diagonals


def _reciprocal(factors: Array) -> Array:
    """Return the factors with the reciprocals of their diagonals in place of these: dividing is dear."""
    changed = factors.copy()
    side = np.arange(factors.shape[1])
    changed[:, side, side] = 1 / changed[:, side, side]
    return changed


def _kept(second: Any, kind: str) -> Array:
    """Return the second moments as the covariance type keeps them; the loops fill the lower triangles."""
    if kind in ("full", "tied"):
        rows, columns = lower_indices(second.shape[1])
        whole: Array = second.copy()
        whole[:, columns, rows] = second[:, rows, columns]
        return whole
    kept: Array = second[:, 0] if kind == "diag" else second[:, 0].sum(axis=1)
    return kept
