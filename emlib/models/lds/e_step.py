"""The E-step: by the compiled filter and smoother, or by NumPy for all sequences of one length at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from emlib.data.sequences import lengths
from emlib.kernels import use_compiled_kalman
from emlib.models.lds import compiled_kalman
from emlib.models.lds.kalman import Smoothed, offsets, path_entropy, run_filter, run_smoother
from emlib.models.lds.moments import (
    Summary,
    Sums,
    initial_sums,
    observation_sums,
    origins,
    statistics,
    transition_sums,
)
from emlib.models.partial import patterns
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
    spread = np.tensordot(weights, states.covariances[:, 0], 1)
    observed, missing_entropy = _observations(params, rows, weights, states)
    sums = {"initial": initial_sums(params, weights, states.means[:, 0], spread),
            "transition": _transitions(params, weights, states), "observation": observed}
    entropy = float(weights @ path_entropy(params, found)) + missing_entropy
    return Summary(statistics(sums, origin), found.loglik, entropy)


def _transitions(params: Any, weights: Array, states: Smoothed) -> Sums:
    """Return the sums of the transition; the covariances are sums again (see `run_smoother`)."""
    side = states.means.shape[2]
    noise = (states.noise_gain @ states.surprise[..., None]).reshape(-1, side)
    ahead, lost = states.noise_gain @ states.covariances[:, 1:], params.transition @ states.conditional
    see = ahead @ np.swapaxes(states.noise_gain, -1, -2) + lost @ params.transition.T
    sex = ahead @ np.swapaxes(states.gain, -1, -2) - lost
    spreads = (np.einsum("n,ntij->ij", weights, part) for part in (see, sex, states.covariances[:, :-1]))
    before = states.means[:, :-1].reshape(-1, side)
    return transition_sums(params, np.repeat(weights, states.gain.shape[1]), noise, before, spreads)


def _observations(params: Any, rows: Array, weights: Array, states: Smoothed) -> tuple[Sums, float]:
    width = states.means.shape[2]
    flat, counted = rows.reshape(-1, rows.shape[2]), np.repeat(weights, rows.shape[1])
    flat = flat - offsets(params)[1]
    means, spreads = states.means.reshape(-1, width), states.covariances.reshape(-1, width, width)
    groups = ((seen, where, np.tensordot(counted[where], spreads[where], 1)) for seen, where in patterns(flat))
    return observation_sums(params, flat, counted, means, groups)
