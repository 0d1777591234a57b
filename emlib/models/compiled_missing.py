"""E-step and missing information of a normal distribution with missing entries, by compiled passes over patterns."""

from __future__ import annotations

from typing import Any

import numpy as np

from emlib.data import Data
from emlib.families import GaussianMoments
from emlib.families.linear_gaussian import LOG_2PI
from emlib.kernels.missing_arguments import FilledSums, Kinds, Normal, PatternMoments
from emlib.model import Expectation, Statistics
from emlib.models.compiled_gaussian import to_weights
from emlib.models.missing_patterns import ENTRIES
from emlib.models.partial import sorted_by_kind
from emlib.numerics import Array


def expectation(params: Any, data: Data) -> Expectation | None:
    """Return what `GaussianWithMissing.e_step` does; None where NumPy has to say what is no covariance."""
    from emlib.kernels import missing_entries  # compiles, or reads what an earlier run compiled

    kinds, normal, side = _kinds(data.units), _normal(params.mean, params.covariance), len(params.mean)
    found = _room(len(data), len(kinds.sizes), side)
    if not missing_entries.add_rows(data.units, to_weights(data), kinds, normal, found):
        return None
    density = np.empty(len(data))
    density[kinds.order] = np.repeat(kinds.sizes * LOG_2PI + found.log_det, np.diff(kinds.ends, prepend=0))
    density = -0.5 * (density + found.distance)
    entropy = 0.5 * ((side - kinds.sizes) * (1.0 + LOG_2PI) + found.left_log_det)
    stats = Statistics({"rows": _moments(found, normal.mean)})
    return Expectation.of(stats, density, float(found.counts @ entropy), data)


def products(mean: Array, covariance: Array, data: Data) -> Array | None:
    """Return what `entry_scores.products` does; None where NumPy has to say what is no covariance."""
    from emlib.kernels import missing_products

    kinds, normal, side = _kinds(data.units), _normal(mean, covariance), len(mean)
    pairs = side * (side + 1) // 2
    total, most = np.zeros((pairs, pairs + side + 1)), max(ENTRIES // pairs, 1)
    for low in range(0, len(kinds.sizes), most):
        piece = _piece(kinds, low, low + most)
        count = len(piece.sizes)
        found = PatternMoments(np.zeros((count, pairs)), np.zeros((count, pairs + side + 1)))
        if not missing_products.add_patterns(data.units, to_weights(data), piece, normal, found):
            return None
        total += found.spread.T @ found.moments
    return total


def _kinds(units: Array) -> Kinds:
    """Return the rows sorted by their patterns of seen entries."""
    seen, order, counts = sorted_by_kind(~np.isnan(units))
    return Kinds(np.argsort(~seen, axis=1, kind="stable"), seen.sum(axis=1), np.cumsum(counts), order)


def _piece(kinds: Kinds, low: int, high: int) -> Kinds:
    """Return some of the patterns, with their rows."""
    start, ends = kinds.ends[low - 1] if low else 0, kinds.ends[low:high]
    return Kinds(kinds.entries[low:high], kinds.sizes[low:high], ends - start, kinds.order[start:ends[-1]])


def _normal(mean: Array, covariance: Array) -> Normal:
    """Return copies, since a caller's array may be read-only, or not contiguous, which the loops are not compiled for.
    """
    return Normal(np.array(mean, dtype=float), np.array(covariance, dtype=float, order="C"))


def _room(n_rows: int, n_kinds: int, side: int) -> FilledSums:
    """Return zeros for the pass to fill."""
    width = side + 1 + (side + 1) % 2
    shapes = [(n_rows,), (n_kinds,), (n_kinds,), (n_kinds,), (width, width), (side, side)]
    return FilledSums(*(np.zeros(shape) for shape in shapes))


def _moments(found: FilledSums, mean: Array) -> GaussianMoments:
    """Return the sums as moments about the mean."""
    side = len(mean)
    lower = np.tril(found.moments[:side, :side] + found.left)
    scatter, weight = lower + np.tril(lower, -1).T, np.array([found.counts.sum()])
    return GaussianMoments(weight, scatter[None], found.moments[None, :side, side, None], weight[:, None, None],
                           mean[None, :, None], "tied")
