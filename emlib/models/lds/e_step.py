"""The E-step: by the compiled filter and smoother, or by NumPy for all sequences of one length at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from emlib.data.sequences import lengths
from emlib.kernels import use_compiled_kalman
from emlib.models.lds import compiled_kalman
from emlib.models.lds.kalman import Smoothed, congruence, offsets, run_filter, run_smoother
from emlib.models.lds.moments import Summary, origins, prior_entropy, statistics, weighted_moments
from emlib.models.partial import partial, patterns
from emlib.numerics import Array, tree_sum


def summarise(params: Any, units: Sequence[Array], weights: Array) -> Summary:
    """Return what sequences of any lengths yield, their log-likelihoods in order."""
    quick = compiled_kalman.summarise(params, units, weights) if use_compiled_kalman(lengths(units)) else None
    return quick or summarise_by_numpy(params, units, weights)


def summarise_by_numpy(params: Any, units: Sequence[Array], weights: Array) -> Summary:
    """Return the same without a compiler."""
    loglik, found, origin = np.empty(len(units)), [], origins(params)
    for where in _equal_lengths(units):
        found.append(_summarise_group(params, np.stack([units[index] for index in where]), weights[where], origin))
        loglik[where] = found[-1].loglik
    return Summary(tree_sum([each.stats for each in found]), loglik, sum(each.entropy for each in found))


def _equal_lengths(units: Sequence[Array]) -> Iterator[Array]:
    """Yield the indices of the sequences of each length."""
    size = lengths(units)
    for length in np.unique(size):
        yield np.flatnonzero(size == length)


def _summarise_group(params: Any, rows: Array, weights: Array, origin: dict[str, Array]) -> Summary:
    """Return what sequences of one length yield, rows of shape (N, T, d)."""
    found = run_filter(params, rows)
    states = run_smoother(params, found)
    initial = weighted_moments(weights, states.means[:, 0] - params.initial_mean, np.ones(len(rows)))
    initial[:-1, :-1] += np.tensordot(weights, states.covariances[:, 0], 1)
    observed, entropy = _observations(params, rows, weights, states)
    moments = {"initial": initial, "transition": _transitions(params, weights, states), "observation": observed}
    entropy += float(weights @ (prior_entropy(params, np.full(len(rows), rows.shape[1])) - found.information))
    return Summary(statistics(moments, origin), found.loglik, entropy)


def _transitions(params: Any, weights: Array, states: Smoothed) -> Array:
    """Return the moments of (noise, 1, state before); the covariances are sums again (see `run_smoother`)."""
    side = states.means.shape[2]
    noise = (states.noise_gain @ states.surprise[..., None]).reshape(-1, side)
    ahead, lost = states.noise_gain @ states.covariances[:, 1:], params.transition @ states.conditional
    see = ahead @ np.swapaxes(states.noise_gain, -1, -2) + lost @ params.transition.T
    sex = ahead @ np.swapaxes(states.gain, -1, -2) - lost
    see, sex, sxx = (np.einsum("n,ntij->ij", weights, part) for part in (see, sex, states.covariances[:, :-1]))
    moments = weighted_moments(np.repeat(weights, states.gain.shape[1]), noise, np.ones(len(noise)),
                               states.means[:, :-1].reshape(-1, side))
    none = np.zeros((side, 1))
    moments += np.block([[see, none, sex], [none.T, np.zeros((1, 1)), none.T], [sex.T, none, sxx]])
    return moments


def _observations(params: Any, rows: Array, weights: Array, states: Smoothed) -> tuple[Array, float]:
    """Return the moments of (noise, 1, state) of rows with a seen entry, and the entropy of the missing ones."""
    width, side = params.observation.shape
    flat, counted = rows.reshape(-1, width) - offsets(params)[1], np.repeat(weights, rows.shape[1])
    means, spreads = states.means.reshape(-1, side), states.covariances.reshape(-1, side, side)
    moments, entropy = np.zeros((width + 1 + side, width + 1 + side)), 0.0
    for seen, where in patterns(flat):
        if not seen.any():
            continue
        law, weight, mean = partial(params.observation_covariance, seen), counted[where], means[where]
        noise = (flat[where][:, seen] - mean @ params.observation[seen].T) @ law.fill.T
        moments += weighted_moments(weight, noise, np.ones(len(mean)), mean)
        moments[:width, :width] += weight.sum() * law.left
        from_state = np.vstack([-law.fill @ params.observation[seen], np.zeros((1, side)), np.eye(side)])
        moments += congruence(from_state, np.tensordot(weight, spreads[where], 1))
        entropy += float(weight.sum()) * law.entropy
    return moments, entropy
