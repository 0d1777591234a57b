"""The E-step of linear dynamical systems by the compiled filter and smoother, and whether it can be trusted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from emlib.data import sequences
from emlib.families.linear_gaussian import LOG_2PI
from emlib.models.lds.steady_moments import Found, Sums
from emlib.models.partial import log_det, partial
from emlib.numerics import Array

CLEAR = 1e-4  # share that a Cholesky pivot keeps of its entry: with less, two codes differ in more than rounding
CODED = 62  # entries of a row whose pattern fits into an integer


def run(params: Any, units: Sequence[Array], weights: Array) -> Found | None:
    """Return the sums over sequences, or None where the plain filter has to look.

    Parameters
    ----------
    units : sequence of ndarray, shape (T, d)
        Not-a-number where an entry is missing.
    weights : ndarray, shape (N,)
        How often each sequence counts.
    """
    from emlib.kernels import kalman  # compiles, or reads what an earlier run compiled

    rows, lengths = np.concatenate(units), sequences.lengths(units)
    seen, kinds = _patterns(rows)
    count, side = len(seen), len(params.initial_mean)
    means, noise = np.empty((2, len(rows), side))
    fit, sizes = np.empty((2, len(units)))
    spreads, first, sums = np.zeros((count, side, side)), np.zeros((side, side)), np.zeros((3, side, side))
    # Copied, since a caller's array may be read-only, or not contiguous, which the loops are not compiled for.
    fields = [np.array(value, dtype=float, order="C") for value in vars(params).values()]
    least = kalman.smooth(rows, lengths, weights, kinds, np.argsort(~seen, axis=1, kind="stable"), seen.sum(axis=1),
                          *fields, means, noise, fit, sizes, spreads, first, sums)
    if not least > CLEAR:
        return None
    ends, counted = np.cumsum(lengths), np.repeat(weights, lengths)
    try:
        observed, filled, noises = _observations(params, rows, counted, means, spreads, seen, kinds)
        entropy = _entropy(params, lengths, sizes - np.add.reduceat(noises[kinds], ends - lengths))
    except np.linalg.LinAlgError:
        return None
    loglik = -0.5 * (np.add.reduceat(seen.sum(axis=1)[kinds], ends - lengths) * LOG_2PI + sizes + fit)
    before = counted.copy()
    before[ends - 1] = 0.0
    parts = {"initial": _initial(params, weights, means[ends - lengths], first), "observation": observed,
             "transition": _transitions(before, noise, means, sums)}
    return Found(parts, loglik, float(weights @ entropy) + filled)


def _patterns(rows: Array) -> tuple[Array, Array]:
    """Return the patterns of seen entries, shape (G, d), and which of them each row has."""
    seen = ~np.isnan(rows)
    if seen.all():
        return seen[:1], np.zeros(len(rows), dtype=np.int64)
    if seen.shape[1] > CODED:
        found, which = np.unique(seen, axis=0, return_inverse=True)
        return found, which.ravel()
    _, places, which = np.unique(seen @ (1 << np.arange(seen.shape[1])), return_index=True, return_inverse=True)
    return seen[places], which


def _entropy(params: Any, lengths: Array, told: Array) -> Array:
    """Return the entropy of each path: the prior's less what the seen entries tell of it, half of `told`."""
    first, step = (log_det(np.linalg.cholesky(noise))
                   for noise in (params.initial_covariance, params.transition_covariance))
    entropy: Array = 0.5 * (lengths * len(params.initial_mean) * (1.0 + LOG_2PI) + first + (lengths - 1) * step - told)
    return entropy


def _initial(params: Any, weights: Array, means: Array, spread: Array) -> Sums:
    residual = means - params.initial_mean
    return (float(weights.sum()), (weights * residual.T) @ residual + spread, (weights @ residual)[:, None],
            weights.sum()[None, None])


def _transitions(before: Array, noise: Array, means: Array, sums: Array) -> Sums:
    """The residual is z_{t+1} - A z_t, `noise` at t + 1; `before` counts the states that others come after."""
    weighted, residual, states = (before[:-1] * noise[1:].T), noise[1:], means[:-1]
    return (float(before.sum()), weighted @ residual + sums[0], weighted @ states + sums[1],
            (before[:-1] * states.T) @ states + sums[2])


def _observations(params: Any, rows: Array, counted: Array, means: Array, spreads: Array, seen: Array,
                  kinds: Array) -> tuple[Sums, float, Array]:
    """The residual is y_t - C z_t, its missing entries given the seen ones; with their entropy, and log|R| of these."""
    side, width = params.observation.shape
    count, see, sex, sxx, entropy = 0.0, np.zeros((side, side)), np.zeros((side, width)), np.zeros((width, width)), 0.0
    log_dets = np.zeros(len(seen))
    for kind in np.flatnonzero(seen.any(axis=1)):
        where: Any = slice(None) if len(seen) == 1 else kinds == kind
        law, weight, mean = partial(params.observation_covariance, seen[kind]), counted[where], means[where]
        residual = (rows[where][:, seen[kind]] - mean @ params.observation[seen[kind]].T) @ law.fill.T
        pulled = law.fill @ params.observation[seen[kind]]
        weighted = weight * residual.T
        see += weighted @ residual + pulled @ spreads[kind] @ pulled.T + weight.sum() * law.left
        sex += weighted @ mean - pulled @ spreads[kind]
        sxx += (weight * mean.T) @ mean + spreads[kind]
        count, entropy = count + float(weight.sum()), entropy + float(weight.sum()) * law.entropy
        log_dets[kind] = law.log_det
    return (count, see, sex, sxx), entropy, log_dets
