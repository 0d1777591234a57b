"""The E-step of a normal distribution with missing entries by the compiled pass over the patterns of seen ones."""

from __future__ import annotations

from typing import Any

import numpy as np

from emlib.data import Data
from emlib.families import GaussianMoments
from emlib.families.linear_gaussian import LOG_2PI
from emlib.kernels.missing_arguments import FilledSums, Kinds, Normal
from emlib.model import Expectation, Statistics
from emlib.models.compiled_gaussian import to_weights
from emlib.models.partial import sorted_by_kind
from emlib.numerics import Array


def expectation(params: Any, data: Data) -> Expectation | None:
    """Return what `GaussianWithMissing.e_step` does; None where NumPy has to say what is no covariance."""
    from emlib.kernels import missing_entries  # compiles, or reads what an earlier run compiled

    seen, order, counts = sorted_by_kind(~np.isnan(data.units))
    side = len(params.mean)
    kinds = Kinds(np.argsort(~seen, axis=1, kind="stable"), seen.sum(axis=1), np.cumsum(counts), order)
    # Copied, since a caller's array may be read-only, or not contiguous, which the loops are not compiled for.
    normal = Normal(np.array(params.mean, dtype=float), np.array(params.covariance, dtype=float, order="C"))
    found = _room(len(data), len(seen), side)
    weights = to_weights(data)
    if not missing_entries.add_rows(data.units, weights, kinds, normal, found):
        return None
    density = np.empty(len(data))
    density[order] = np.repeat(kinds.sizes * LOG_2PI + found.log_det, counts)
    density = -0.5 * (density + found.distance)
    entropy = 0.5 * ((side - kinds.sizes) * (1.0 + LOG_2PI) + found.left_log_det)
    stats = Statistics({"rows": _moments(found, normal.mean)})
    return Expectation.of(stats, density, float(found.counts @ entropy), data)


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
