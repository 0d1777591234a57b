"""The Kalman filter and the Rauch-Tung-Striebel smoother, for several sequences of one length at once.

Every covariance is a sum of terms of the form F S F', so that it stays symmetric and non-negative; no covariance is
the difference of two others. A missing entry is replaced by an observation of zero with variance one that does not
depend on the state, so that it carries no information. A matrix without a Cholesky factor gives not-a-number instead
of an error: a line search then shortens its step.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from emlib.families.linear_gaussian import LOG_2PI
from emlib.numerics import Array, symmetrise


@dataclass(frozen=True, eq=False)
class Filtered:
    """The states of N sequences given the observations so far.

    Attributes
    ----------
    ahead_means, ahead_covariances : ndarray, shape (N, T, k), (N, T, k, k)
        Of z_t given y_1, ..., y_{t-1}.
    means, covariances : ndarray, shape (N, T, k), (N, T, k, k)
        Of z_t given y_1, ..., y_t.
    loglik : ndarray, shape (N,)
        Log-densities of the seen entries, nats.
    information : ndarray, shape (N,)
        Mutual information of the states and the seen entries, nats.
    """

    ahead_means: Array
    ahead_covariances: Array
    means: Array
    covariances: Array
    loglik: Array
    information: Array


@dataclass(frozen=True, eq=False)
class Smoothed:
    """The states of N sequences given all observations.

    Attributes
    ----------
    means, covariances : ndarray, shape (N, T, k), (N, T, k, k)
    gain : ndarray, shape (N, T - 1, k, k)
        G: given z_{t+1} and all observations, z_t has the mean G z_{t+1} + a constant.
    conditional : ndarray, shape (N, T - 1, k, k)
        The covariance of z_t given z_{t+1} and all observations.
    noise_gain : ndarray, shape (N, T - 1, k, k)
        Q P^-1 with P the covariance of z_{t+1} given the past: the mean of the noise is this times the surprise.
    surprise : ndarray, shape (N, T - 1, k)
        The mean of z_{t+1} given all observations, less that given the past.
    """

    means: Array
    covariances: Array
    gain: Array
    conditional: Array
    noise_gain: Array
    surprise: Array


def run_filter(params: Any, rows: Array) -> Filtered:
    """Run the Kalman filter over rows, shape (N, T, d), not-a-number where an entry is missing."""
    count, length, _ = rows.shape
    side = len(params.initial_mean)
    means, covariances = np.empty((2, count, length, side)), np.empty((2, count, length, side, side))
    seen = ~np.isnan(rows)
    noise, (constant, offset) = _masked(params.observation_covariance, seen), offsets(params)
    rows = rows - offset
    loglik, information = np.zeros(count), -0.5 * _log_det(noise).sum(axis=1)
    mean, spread = np.tile(params.initial_mean, (count, 1)), np.tile(params.initial_covariance, (count, 1, 1))
    for t in range(length):
        if t > 0:
            mean = mean @ params.transition.T + constant
            spread = symmetrise(congruence(params.transition, spread)) + params.transition_covariance
        means[0, :, t], covariances[0, :, t] = mean, spread
        matrix = seen[:, t, :, None] * params.observation
        residual = np.where(seen[:, t], rows[:, t] - mean @ params.observation.T, 0.0)
        mean, spread, fit, size = _update(mean, spread, residual, matrix, noise[:, t])
        means[1, :, t], covariances[1, :, t] = mean, spread
        loglik -= 0.5 * (seen[:, t].sum(axis=1) * LOG_2PI + size + fit)
        information += 0.5 * size
    return Filtered(means[0], covariances[0], means[1], covariances[1], loglik, information)


def offsets(params: Any) -> tuple[Array, Array]:
    """Return the offsets of state and observation, zeros where the equations have none, shapes (k,) and (d,)."""
    found: tuple[Array, Array] | None = params.constants()
    return found or (np.zeros(len(params.initial_mean)), np.zeros(len(params.observation)))


def _masked(noise: Array, seen: Array) -> Array:
    """Return the noise covariance of each row, where missing entries are independent with variance one."""
    kept: Array = np.where(seen[..., :, None] & seen[..., None, :], noise, np.eye(len(noise)) * ~seen[..., None])
    return kept


def _update(mean: Array, spread: Array, residual: Array, matrix: Array, noise: Array) -> tuple[Array, ...]:
    """Return mean and covariance given one more row, with r' S^-1 r and log|S| of its residual r ~ N(0, S)."""
    cross = matrix @ spread
    inner = cross @ np.swapaxes(matrix, 1, 2) + noise
    solved = np.linalg.solve(inner, np.concatenate([residual[:, :, None], cross], axis=2))
    gain = np.swapaxes(solved[:, :, 1:], 1, 2)
    kept = np.eye(mean.shape[1]) - gain @ matrix
    updated = symmetrise(congruence(kept, spread) + congruence(gain, noise))  # Joseph's form
    moved = mean + (gain @ residual[:, :, None])[:, :, 0]
    return moved, updated, np.einsum("ni,ni->n", residual, solved[:, :, 0]), _log_det(inner)


def _log_det(matrices: Array) -> Array:
    """Return log-determinants, not-a-number where some matrix is not positive definite."""
    try:
        factors = np.linalg.cholesky(matrices)
    except np.linalg.LinAlgError:
        return np.full(matrices.shape[:-2], np.nan)
    result: Array = 2.0 * np.log(np.diagonal(factors, axis1=-2, axis2=-1)).sum(axis=-1)
    return result


def congruence(matrix: Array, spread: Array) -> Array:
    """Return F S F' over stacks of matrices."""
    result: Array = matrix @ spread @ np.swapaxes(matrix, -1, -2)
    return result


def run_smoother(params: Any, found: Filtered) -> Smoothed:
    """Run the smoother backwards over what the filter found.

    Notes
    -----
    Shumway & Stoffer (1982), with the covariances as sums: G = S A' P^-1 with S filtered and P of the
    next state given the past; z_t | z_{t+1} has covariance (I - G A) S (I - G A)' + G Q G', and I - A G = Q P^-1.
    """
    transition, noise = params.transition, params.transition_covariance
    ahead = found.ahead_covariances[:, 1:]
    gain = np.swapaxes(np.linalg.solve(ahead, transition @ found.covariances[:, :-1]), -1, -2)
    noise_gain = np.swapaxes(np.linalg.solve(ahead, np.broadcast_to(noise, ahead.shape)), -1, -2)
    conditional = congruence(np.eye(len(noise)) - gain @ transition, found.covariances[:, :-1])
    conditional = conditional + congruence(gain, noise)
    means, covariances = found.means.copy(), found.covariances.copy()
    for t in range(means.shape[1] - 2, -1, -1):
        surprise = means[:, t + 1] - found.ahead_means[:, t + 1]
        means[:, t] += (gain[:, t] @ surprise[:, :, None])[:, :, 0]
        covariances[:, t] = symmetrise(conditional[:, t] + congruence(gain[:, t], covariances[:, t + 1]))
    return Smoothed(means, covariances, gain, conditional, noise_gain, means[:, 1:] - found.ahead_means[:, 1:])
