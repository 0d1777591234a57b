"""Expected complete-data moments: three regressions, taken about their current coefficients.

The latent data are the states z_1, ..., z_T and the missing entries of rows that were seen in part; a row that was
not seen at all is no part of the complete data, so that it costs EM no speed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from emlib.data.sequences import lengths
from emlib.families import GaussianMoments
from emlib.kernels import compiled_kalman
from emlib.model import Statistics
from emlib.models.lds import kalman_pass, steady_moments
from emlib.models.lds.kalman import Smoothed, image, path_entropy, run_filter, run_smoother
from emlib.models.lds.steady_moments import Sums
from emlib.models.partial import partial, patterns
from emlib.numerics import Array, tree_sum


@dataclass(frozen=True, eq=False)
class Summary:
    """What sequences of one length yield: statistics and entropy, weighted; log-likelihoods, shape (N,)."""

    stats: Statistics
    loglik: Array
    entropy: float


def groups(units: Sequence[Array]) -> Iterator[Array]:
    """Yield the indices of the sequences of each length."""
    lengths = np.array([len(rows) for rows in units])
    for length in np.unique(lengths):
        yield np.flatnonzero(lengths == length)


def summary(params: Any, rows: Array, weights: Array, origins: dict[str, Array]) -> Summary:
    """Return what sequences of one length yield.

    Parameters
    ----------
    rows : ndarray, shape (N, T, d)
    weights : ndarray, shape (N,)
    origins : dict of str to ndarray, shape (1, ., .)
        The coefficients of the three regressions; one object each for all groups, so that sums need no shift.
    """
    quick = steady_moments.gather(params, rows, weights)
    if quick is not None:
        return Summary(_statistics(quick.sums, origins), quick.loglik, float(weights.sum()) * quick.entropy)
    found = run_filter(params, rows)
    states = run_smoother(params, found)
    observed, filled = _observations(params, rows, weights, states)
    sums = {"initial": _initial(params, weights, states), "transition": _transitions(params, weights, states),
            "observation": observed}
    return Summary(_statistics(sums, origins), found.loglik, float(weights @ path_entropy(params, found)) + filled)


def _statistics(sums: dict[str, Sums], origins: dict[str, Array]) -> Statistics:
    return Statistics({key: GaussianMoments(np.array([count]), see[None], sex[None], sxx[None], origins[key], "tied")
                       for key, (count, see, sex, sxx) in sums.items()})


def _initial(params: Any, weights: Array, states: Smoothed) -> Sums:
    residual, spread = states.means[:, 0] - params.initial_mean, np.tensordot(weights, states.covariances[:, 0], 1)
    first = weights @ residual
    return weights.sum(), _product(residual, weights, residual) + spread, first[:, None], weights.sum()[None, None]


def _product(left: Array, weights: Array, right: Array) -> Array:
    """Return the weighted sum of outer products of rows."""
    total: Array = left.T @ (weights[:, None] * right)
    return total


def _transitions(params: Any, weights: Array, states: Smoothed) -> Sums:
    """The residual is z_{t+1} - A z_t; given y its mean and covariances are sums again (see `run_smoother`)."""
    side, counts = states.means.shape[2], np.repeat(weights, states.back.shape[1])
    before = states.means[:, :-1].reshape(-1, side)
    residual = (states.share @ states.surprise[..., None]).reshape(-1, side)
    ahead, lost = states.share @ states.covariances[:, 1:], params.transition @ states.left
    see = ahead @ np.swapaxes(states.share, -1, -2) + lost @ params.transition.T
    sex = ahead @ np.swapaxes(states.back, -1, -2) - lost
    spread = [np.einsum("n,ntij->ij", weights, part) for part in (see, sex, states.covariances[:, :-1])]
    return (counts.sum(), _product(residual, counts, residual) + spread[0],
            _product(residual, counts, before) + spread[1], _product(before, counts, before) + spread[2])


def _observations(params: Any, rows: Array, weights: Array, states: Smoothed) -> tuple[Sums, float]:
    """The residual is y_t - C z_t, its missing entries given z_t and the seen ones; with the entropy of these."""
    side, width = params.observation.shape
    rows, counted = rows.reshape(-1, side), np.repeat(weights, rows.shape[1])
    means, spreads = states.means.reshape(-1, width), states.covariances.reshape(-1, width, width)
    count, see, sex, sxx, entropy = 0.0, np.zeros((side, side)), np.zeros((side, width)), np.zeros((width, width)), 0.0
    for seen, where in patterns(rows):
        if not seen.any():
            continue
        law, weight, mean = partial(params.observation_covariance, seen), counted[where], means[where]
        spread = np.tensordot(weight, spreads[where], 1)
        residual = (rows[where][:, seen] - mean @ params.observation[seen].T) @ law.fill.T
        pulled = law.fill @ params.observation[seen]
        see += _product(residual, weight, residual) + image(pulled, spread) + weight.sum() * law.left
        sex += _product(residual, weight, mean) - pulled @ spread
        sxx += _product(mean, weight, mean) + spread
        count, entropy = count + weight.sum(), entropy + weight.sum() * law.entropy
    return (count, see, sex, sxx), float(entropy)


def gather(params: Any, units: Sequence[Array], weights: Array) -> Summary:
    """Return what sequences of any lengths yield, their log-likelihoods in order."""
    origins = {"initial": params.initial_mean[None, :, None], "transition": params.transition[None],
               "observation": params.observation[None]}
    quick = kalman_pass.run(params, units, weights) if compiled_kalman(lengths(units)) else None
    if quick is not None:
        return Summary(_statistics(quick.sums, origins), quick.loglik, quick.entropy)
    loglik, found = np.empty(len(units)), []
    for where in groups(units):
        found.append(summary(params, np.stack([units[index] for index in where]), weights[where], origins))
        loglik[where] = found[-1].loglik
    return Summary(tree_sum([each.stats for each in found]), loglik, sum(each.entropy for each in found))
