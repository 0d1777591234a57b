"""Expected complete-data moments: three regressions, taken about their current coefficients.

The latent data are the states z_1, ..., z_T and the missing entries of rows that were seen in part; a row that was
not seen at all is no part of the complete data, so that it costs EM no speed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from emlib.families import GaussianMoments
from emlib.model import Statistics
from emlib.models.lds.kalman import congruence
from emlib.models.partial import partial
from emlib.numerics import Array

Sums = tuple[float, Array, Array, Array]  # count, E[e e'], E[e x'], E[x x'] of the residuals e = response - W x


@dataclass(frozen=True, eq=False)
class Summary:
    """What sequences yield: statistics and entropy, weighted; log-likelihoods, shape (N,)."""

    stats: Statistics
    loglik: Array
    entropy: float


def origins(params: Any) -> dict[str, Array]:
    """Return the coefficients of the three regressions, shape (1, ., .), offsets before the matrices.

    Statistics whose origins are the same objects add up without a shift.
    """
    transition, observation = params.transition, params.observation
    if (constants := params.constants()) is not None:
        transition = np.column_stack([constants[0], transition])
        observation = np.column_stack([constants[1], observation])
    return {"initial": params.initial_mean[None, :, None], "transition": transition[None],
            "observation": observation[None]}


def _with_constant(sums: Sums, first: Array, second: Array) -> Sums:
    """Return the sums with a one before the regressors, whose sums with residual and regressors are given."""
    count, see, sex, sxx = sums
    design = np.block([[np.full((1, 1), count), second[None]], [second[:, None], sxx]])
    return count, see, np.column_stack([first, sex]), design


def statistics(sums: dict[str, Sums], origin: dict[str, Array]) -> Statistics:
    """Return the sums of the three regressions as statistics."""
    return Statistics({key: GaussianMoments(np.array([count]), see[None], sex[None], sxx[None], origin[key], "tied")
                       for key, (count, see, sex, sxx) in sums.items()})


def _product(left: Array, weights: Array, right: Array) -> Array:
    """Return the weighted sum of outer products of rows."""
    total: Array = left.T @ (weights[:, None] * right)
    return total


def initial_sums(params: Any, weights: Array, means: Array, spread: Array) -> Sums:
    """Return the sums of z_1 - m.

    Parameters
    ----------
    weights, means : ndarray, shape (N,), (N, k)
        Weights of the sequences, and smoothed means of their first states.
    spread : ndarray, shape (k, k)
        Weighted sum of the covariances of the first states.
    """
    residual = means - params.initial_mean
    first = weights @ residual
    return weights.sum(), _product(residual, weights, residual) + spread, first[:, None], weights.sum()[None, None]


def transition_sums(params: Any, weights: Array, noise: Array, before: Array, spreads: Iterable[Array]) -> Sums:
    """Return the sums of z_{t+1} - A z_t, less the offset where there is one.

    Parameters
    ----------
    weights, noise, before : ndarray, shape (n,), (n, k), (n, k)
        Weights of the moves; smoothed means of their noise and of the states before.
    spreads : iterable of three ndarrays, shape (k, k)
        Weighted sums of covariances: of the noise, of the noise with the state before, and of that state.
    """
    see, sex, sxx = spreads
    sums = (weights.sum(), _product(noise, weights, noise) + see, _product(noise, weights, before) + sex,
            _product(before, weights, before) + sxx)
    return sums if params.constants() is None else _with_constant(sums, weights @ noise, weights @ before)


def observation_sums(params: Any, rows: Array, weights: Array, means: Array,
                     groups: Iterable[tuple[Array, Any, Array]]) -> tuple[Sums, float]:
    """Return the sums of y_t - C z_t, missing entries given z_t and the seen ones; and the entropy of these, in nats.

    Parameters
    ----------
    rows, weights, means : ndarray, shape (n, d), (n,), (n, k)
        Observations, less their offset, their weights and the smoothed means of their states.
    groups : iterable
        For each pattern which entries are seen (d,), the indices of its rows, and the weighted sum of the covariances
        of their states (k, k).
    """
    side, width = params.observation.shape
    count, see, sex, sxx, entropy = 0.0, np.zeros((side, side)), np.zeros((side, width)), np.zeros((width, width)), 0.0
    first, second = np.zeros(side), np.zeros(width)
    for seen, where, spread in groups:
        if not seen.any():
            continue
        law, weight, mean = partial(params.observation_covariance, seen), weights[where], means[where]
        residual = (rows[where][:, seen] - mean @ params.observation[seen].T) @ law.fill.T
        pulled = law.fill @ params.observation[seen]
        see += _product(residual, weight, residual) + congruence(pulled, spread) + weight.sum() * law.left
        sex += _product(residual, weight, mean) - pulled @ spread
        sxx += _product(mean, weight, mean) + spread
        first, second = first + weight @ residual, second + weight @ mean
        count, entropy = count + weight.sum(), entropy + weight.sum() * law.entropy
    sums = count, see, sex, sxx
    return sums if params.constants() is None else _with_constant(sums, first, second), float(entropy)
