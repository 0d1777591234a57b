"""The E-step of linear dynamical systems by the compiled filter and smoother, and whether it is accurate enough."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from emlib.data import sequences
from emlib.families.linear_gaussian import LOG_2PI
from emlib.kernels.kalman_arguments import Patterns, Series, Smoothed, System
from emlib.models.lds.kalman import offsets
from emlib.models.lds.moments import Summary, missing_entropy, origins, prior_entropy, statistics
from emlib.models.partial import kinds_of
from emlib.numerics import Array

# Least Cholesky pivot of a covariance, relative to its diagonal entry. Down to here the errors of this code and of the
# NumPy one are of one size, and grow with the condition number; with less, the NumPy code tells what is no covariance.
LEAST_PIVOT = 1e-10


def summarise(params: Any, units: Sequence[Array], weights: Array) -> Summary | None:
    """Return what sequences yield, or None where NumPy has to look.

    Parameters
    ----------
    units : sequence of ndarray, shape (T, d)
        Not-a-number where an entry is missing.
    weights : ndarray, shape (N,)
        How often each sequence counts.
    """
    from emlib.kernels import kalman  # compiles, or reads what an earlier run compiled

    rows, lengths = np.concatenate(units), sequences.lengths(units)
    seen, kinds = kinds_of(~np.isnan(rows))
    constant, offset = offsets(params)
    rows -= offset
    patterns = Patterns(np.argsort(~seen, axis=1, kind="stable"), seen.sum(axis=1))
    # Copied, since a caller's array may be read-only, or not contiguous, which the loops are not compiled for.
    fields = {**vars(params), "transition_offset": constant}
    system = System(*(np.array(fields[name], dtype=float, order="C") for name in System._fields))
    found = _room(len(units), len(seen), rows.shape[1], len(params.initial_mean))
    series = Series(rows, kinds, lengths, np.array(weights, dtype=float))
    try:
        entropy = prior_entropy(params, lengths)
        if not kalman.smooth(series, patterns, system, found) > LEAST_PIVOT:
            return None
        missing = missing_entropy(params, found.counts, patterns.sizes, found.noise_log_det)
    except np.linalg.LinAlgError:
        return None
    n_seen = np.add.reduceat(patterns.sizes[kinds], np.cumsum(lengths) - lengths)
    loglik = -0.5 * (n_seen * LOG_2PI + found.log_det + found.distance)
    moments = {"initial": found.initial, "transition": found.moves, "observation": found.observed}
    return Summary(statistics(moments, origins(params)), loglik,
                   float(weights @ (entropy - found.information)) + missing)


def _room(n_units: int, n_patterns: int, width: int, side: int) -> Smoothed:
    """Return zeros for the pass to fill."""
    shapes = [n_units] * 3 + [(side + 1,) * 2, (2 * side + 1,) * 2, (width + 1 + side,) * 2] + [n_patterns] * 2
    return Smoothed(*map(np.zeros, shapes))
