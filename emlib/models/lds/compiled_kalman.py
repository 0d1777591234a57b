"""The E-step of linear dynamical systems by the compiled filter and smoother, and whether it is accurate enough."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from emlib.data import sequences
from emlib.families.linear_gaussian import LOG_2PI
from emlib.kernels.arguments import Patterns, Series, Smoothed, System
from emlib.models.lds.kalman import offsets
from emlib.models.lds.moments import (
    Summary,
    initial_sums,
    observation_sums,
    origins,
    statistics,
    transition_sums,
)
from emlib.models.partial import kinds_of, log_det
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

    rows, lengths, weights = _centred(params, units), sequences.lengths(units), np.array(weights, dtype=float)
    seen, kinds = kinds_of(~np.isnan(rows))
    patterns = Patterns(np.argsort(~seen, axis=1, kind="stable"), seen.sum(axis=1))
    # Copied, since a caller's array may be read-only, or not contiguous, which the loops are not compiled for.
    fields = {**vars(params), "transition_offset": offsets(params)[0]}
    system = System(*(np.array(fields[name], dtype=float, order="C") for name in System._fields))
    found = _room(len(rows), len(units), len(seen), len(params.initial_mean))
    if not kalman.smooth(Series(rows, kinds, lengths, weights), patterns, system, found) > LEAST_PIVOT:
        return None
    ends, counted = np.cumsum(lengths), np.repeat(weights, lengths)
    groups = ((seen[kind], slice(None) if len(seen) == 1 else kinds == kind, found.by_pattern[kind])
              for kind in range(len(seen)))
    before = counted.copy()
    before[ends - 1] = 0.0  # no state comes after the last of a sequence
    try:
        observed, missing_entropy = observation_sums(params, rows, counted, found.means, groups)
        information = 0.5 * (found.log_det - np.add.reduceat(_noise_log_dets(params, seen)[kinds], ends - lengths))
        entropy = _path_entropy(params, lengths, information)
    except np.linalg.LinAlgError:
        return None
    loglik = -0.5 * (np.add.reduceat(patterns.sizes[kinds], ends - lengths) * LOG_2PI + found.log_det + found.distance)
    sums = {"initial": initial_sums(params, weights, found.means[ends - lengths], found.first),
            "transition": transition_sums(params, before[:-1], found.noise[1:], found.means[:-1], found.moves),
            "observation": observed}
    return Summary(statistics(sums, origins(params)), loglik, float(weights @ entropy) + missing_entropy)


def _centred(params: Any, units: Sequence[Array]) -> Array:
    """Return the rows of all sequences, one after the other, without the offset of the observation."""
    rows = np.concatenate(units)
    return rows if params.constants() is None else rows - offsets(params)[1]


def _room(n_rows: int, n_units: int, n_patterns: int, side: int) -> Smoothed:
    """Return arrays for the pass to fill, zeros where it adds to them."""
    return Smoothed(np.empty((n_rows, side)), np.empty((n_rows, side)), np.empty(n_units), np.empty(n_units),
                    np.zeros((n_patterns, side, side)), np.zeros((side, side)), np.zeros((3, side, side)))


def _noise_log_dets(params: Any, seen: Array) -> Array:
    """Return log|R| over the seen entries of each pattern."""
    return np.array([log_det(np.linalg.cholesky(params.observation_covariance[np.ix_(kind, kind)])) for kind in seen])


def _path_entropy(params: Any, lengths: Array, information: Array) -> Array:
    """Return the entropy of each path: the prior's less its mutual information with the seen entries."""
    first, step = (log_det(np.linalg.cholesky(noise))
                   for noise in (params.initial_covariance, params.transition_covariance))
    prior = lengths * len(params.initial_mean) * (1.0 + LOG_2PI) + first + (lengths - 1) * step
    entropy: Array = 0.5 * (prior - 2.0 * information)
    return entropy
