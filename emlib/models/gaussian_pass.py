"""A Gaussian mixture's E-step by the compiled loops: what goes in, and what becomes of what comes out."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from emlib.data import Data
from emlib.families import GaussianMoments
from emlib.families.linear_gaussian import LOG_2PI
from emlib.model import Expectation, Statistics
from emlib.models import gaussian_products
from emlib.numerics import Array, lower_indices

NONE_SEEN = np.empty(0)  # no observation weights: each row counts once


def e_step(data: Data, log_weights: Array, means: Array, noise: Array, kind: str) -> Expectation:
    """Return what `GaussianMixture.e_step` returns, for K covariance matrices `noise`, shape (K, d, d)."""
    given = prepared(log_weights, means, noise, kind)
    found = _run(given, data) or _run(given._replace(fast=gaussian_products.nowhere(given.fast)), data)
    assert found is not None  # point by point nothing cancels
    counts, first, second, totals = found
    moments = collected(counts, first, second, means, kind)
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


def prepared(log_weights: Array, means: Array, noise: Array, kind: str) -> Prepared:
    """Return what the loops take; made once for all chunks of an E-step, which ask for the same one by one."""
    return _prepared(log_weights.tobytes(), means.tobytes(), noise.tobytes(), means.shape, kind)


@lru_cache(maxsize=2)
def _prepared(log_weights: bytes, means: bytes, noise: bytes, shape: tuple[int, int], kind: str) -> Prepared:
    logs, covariances = np.frombuffer(log_weights), np.frombuffer(noise).reshape(*shape, shape[1])
    centres = np.frombuffer(means).reshape(shape).copy()  # the loops are not compiled for what is read-only
    factors, matrix = np.linalg.cholesky(covariances), kind in ("full", "tied")
    heads = logs - 0.5 * shape[1] * LOG_2PI - np.log(_diagonals(factors)).sum(axis=1)
    weights = np.exp(logs)  # of a hidden chain's states all are one
    fast = gaussian_products.quadratic(weights / weights.sum(), centres, factors, heads, matrix)
    return Prepared(fast, centres, _reciprocal(factors) if matrix else 1 / _diagonals(factors)[:, None], heads)


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
