"""Expected complete-data moments of long sequences that were seen in full: sums of covariances by counting them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from emlib.families.linear_gaussian import LOG_2PI
from emlib.models.lds import steady
from emlib.models.lds.kalman import image
from emlib.models.partial import log_det
from emlib.numerics import Array

Sums = tuple[float, Array, Array, Array]  # count, E[e e'], E[e x'], E[x x'] of the residuals e = response - W x


@dataclass(frozen=True, eq=False)
class Found:
    """What sequences yield: sums for the three regressions, log-likelihoods (N,), the entropy of each one's path."""

    sums: dict[str, Sums]
    loglik: Array
    entropy: float


def gather(params: Any, rows: Array, weights: Array) -> Found | None:
    """Return what sequences of one length yield, rows of shape (N, T, d); None where `kalman` has to serve."""
    length = rows.shape[1]
    if length < steady.LONG or np.isnan(rows).any():
        return None
    fixed = steady.precisions(params, length)
    if fixed is None:
        return None
    found = steady.means(params, fixed, rows)
    try:
        loglik, told = _loglik(fixed, found.residual)
        entropy = _entropy(params, length, told)
    except np.linalg.LinAlgError:
        return None
    sums = {"initial": _initial(params, weights, fixed, found),
            "transition": _transitions(params, weights, fixed, found),
            "observation": _observations(params, rows, weights, fixed, found)}
    return Found(sums, loglik, entropy)


def _loglik(fixed: steady.Precisions, residual: Array) -> tuple[Array, float]:
    """Return log p(y) of each sequence and the sum over time of log |S_t|."""
    length, side = residual.shape[1:]
    factors = np.linalg.cholesky(fixed.inner)
    log_dets = 2.0 * np.log(np.diagonal(factors, axis1=1, axis2=2)).sum(axis=1)
    told = float(log_dets.sum() + (length - len(log_dets)) * log_dets[-1])
    white = steady.applied(np.linalg.inv(factors), residual)
    return -0.5 * (length * side * LOG_2PI + told + np.einsum("nti,nti->n", white, white)), told


def _entropy(params: Any, length: int, told: float) -> float:
    """Return the entropy of the path: the prior's less what the rows tell, half of `told` - T log |R|."""
    first, step, noise = (log_det(np.linalg.cholesky(getattr(params, f"{name}_covariance")))
                          for name in ("initial", "transition", "observation"))
    prior = length * len(params.initial_mean) * (1.0 + LOG_2PI) + first + (length - 1) * step
    return 0.5 * (prior - told + length * noise)


def _initial(params: Any, weights: Array, fixed: steady.Precisions, found: steady.Means) -> Sums:
    residual = found.states[:, 0] - params.initial_mean
    spread = weights.sum() * fixed.smoothed[0]
    return (float(weights.sum()), (weights * residual.T) @ residual + spread, (weights @ residual)[:, None],
            weights.sum()[None, None])


def _products(left: Array, weights: Array, right: Array) -> Array:
    """Return the weighted sum over sequences and times of outer products."""
    total: Array = np.tensordot(weights, np.swapaxes(left, 1, 2) @ right, 1)
    return total


def _transitions(params: Any, weights: Array, fixed: steady.Precisions, found: steady.Means) -> Sums:
    """The residual is z_{t+1} - A z_t; its covariances as in `moments`, each as often as it occurs."""
    start, end, length = fixed.start, fixed.end, found.states.shape[1]
    own = np.minimum(np.arange(start + 1 + end), start)  # which matrices belong to the distinct moves
    after = fixed.smoothed[np.r_[1:start + 1, start:start + 1 + end]]
    before = fixed.smoothed[np.r_[0:start + 1, start:start + end]]
    counts = np.ones(len(own))
    counts[start] = length - 1 - start - end
    back, share, left = fixed.back[own], fixed.share[own], fixed.left[own]
    ahead, lost = share @ after, params.transition @ left
    see = ahead @ np.swapaxes(share, 1, 2) + lost @ params.transition.T
    sex = ahead @ np.swapaxes(back, 1, 2) - lost
    spreads = [weights.sum() * np.tensordot(counts, part, 1) for part in (see, sex, before)]
    residual, states = steady.applied(fixed.share, found.surprise), found.states[:, :-1]
    return (float(weights.sum() * (length - 1)), _products(residual, weights, residual) + spreads[0],
            _products(residual, weights, states) + spreads[1], _products(states, weights, states) + spreads[2])


def _observations(params: Any, rows: Array, weights: Array, fixed: steady.Precisions, found: steady.Means) -> Sums:
    """The residual is y_t - C z_t."""
    length, matrix = rows.shape[1], params.observation
    spread = weights.sum() * np.tensordot(fixed.repeats(length), fixed.smoothed, 1)
    residual = rows - found.states @ matrix.T
    return (float(weights.sum() * length), _products(residual, weights, residual) + image(matrix, spread),
            _products(residual, weights, found.states) - matrix @ spread,
            _products(found.states, weights, found.states) + spread)
