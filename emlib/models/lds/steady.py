"""Long sequences that were seen in full: covariances only until they stand still, means by one matrix from there on.

What the filter and the smoother know of a state's precision does not depend on the data. After some steps it no
longer changes, from either end of the sequence; what is left is a recursion x_t = F x_{t-1} + u_t with one matrix,
which goes block by block. Start and end are exact. Where nothing stands still, or an entry is missing, `kalman` serves.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from emlib.models.lds.kalman import image
from emlib.numerics import Array, symmetrise

LONG = 2000  # observations of a sequence from which this serves
STILL, LEFT = 1e-14, 1e-13  # relative change in a step, and still to come, below which a covariance stands still
PATIENCE = 1000  # steps to wait for that
BLOCK = 32  # steps of a recursion that all blocks take together


@dataclass(frozen=True, eq=False)
class Precisions:
    """Covariances and matrices of filter and smoother for the first `start` steps and, last, for all later ones.

    Attributes
    ----------
    ahead, filtered : ndarray, shape (start + 1, k, k)
        Of z_t given y_1, ..., y_{t-1}, and given y_t, too.
    gains : ndarray, shape (start + 1, k, d)
    inner : ndarray, shape (start + 1, d, d)
        The covariance of y_t given the past.
    back, share, left : ndarray, shape (start + 1, k, k)
        As in `kalman.Smoothed`.
    smoothed : ndarray, shape (start + 1 + end, k, k)
        Of z_t given all: the first `start` steps, all in the middle, the last `end` steps.
    """

    ahead: Array
    filtered: Array
    gains: Array
    inner: Array
    back: Array
    share: Array
    left: Array
    smoothed: Array

    @property
    def start(self) -> int:
        """Steps at the beginning that have matrices of their own."""
        return len(self.ahead) - 1

    @property
    def end(self) -> int:
        """Steps at the end whose smoothed covariances are their own."""
        return len(self.smoothed) - len(self.ahead)

    def repeats(self, length: int) -> Array:
        """Return how often each of `smoothed` counts in a sequence of this length."""
        counts = np.ones(len(self.smoothed))
        counts[self.start] = length - self.start - self.end
        return counts


def precisions(params: Any, length: int) -> Precisions | None:
    """Return the covariances of fully seen sequences, or None where they do not stand still early enough."""
    try:
        found = _forward(params, min(PATIENCE, length // 3))
        return None if found is None else _backward(params, found, min(PATIENCE, length // 3))
    except np.linalg.LinAlgError:
        return None


def _forward(params: Any, patience: int) -> tuple[Array, ...] | None:
    """Return `ahead`, `filtered`, `gains` and `inner` until they stand still."""
    matrix, noise, transition = params.observation, params.observation_covariance, params.transition
    spread, steps, unit = params.initial_covariance, [], np.eye(len(transition))
    for _ in range(patience):
        cross = matrix @ spread
        inner = cross @ matrix.T + noise
        gain = np.linalg.solve(inner, cross).T
        kept = unit - gain @ matrix
        updated = kept @ spread @ kept.T + gain @ noise @ gain.T  # Joseph's form
        updated = 0.5 * (updated + updated.T)
        steps.append((spread, updated, gain, inner))
        onward = transition @ updated @ transition.T
        onward = 0.5 * (onward + onward.T) + params.transition_covariance
        if _stands(spread, onward, kept @ transition):
            return tuple(np.array(part) for part in zip(*steps, strict=True))
        spread = onward
    return None


def _stands(old: Array, new: Array, matrix: Array) -> bool:
    """Say whether S -> M S M' + ... has arrived: the change is rounding, and so is all that is to come."""
    variances = new.diagonal()
    change = np.abs(new - old)
    if not change.max() <= STILL * variances.max():
        return False
    relative = float((change / np.sqrt(np.outer(variances, variances))).max())
    rate = float(np.abs(np.linalg.eigvals(matrix)).max()) ** 2
    return relative <= STILL and rate < 1.0 and relative * rate <= LEFT * (1.0 - rate)


def _backward(params: Any, forward: tuple[Array, ...], patience: int) -> Precisions | None:
    """Add what the smoother needs, or return None."""
    ahead, filtered, gains, inner = forward
    transition, noise = params.transition, params.transition_covariance
    following = np.concatenate([ahead[1:], ahead[-1:]])
    back = np.swapaxes(np.linalg.solve(following, transition @ filtered), 1, 2)
    share = np.swapaxes(np.linalg.solve(following, np.broadcast_to(noise, following.shape)), 1, 2)
    left = image(np.eye(len(noise)) - back @ transition, filtered) + image(back, noise)
    late = [filtered[-1]]
    while not (len(late) > 1 and _stands(late[-2], late[-1], back[-1])):
        if len(late) > patience:
            return None
        late.append(symmetrise(left[-1] + back[-1] @ late[-1] @ back[-1].T))
    early = [late[-1]]
    for step in range(len(ahead) - 2, -1, -1):
        early.append(symmetrise(left[step] + back[step] @ early[-1] @ back[step].T))
    return Precisions(ahead, filtered, gains, inner, back, share, left, np.array(early[::-1] + late[-2::-1]))


def run(matrix: Array, driven: Array) -> Array:
    """Return x_t = F x_{t-1} + u_t, x_{-1} = 0, for u of shape (N, T, k).

    All blocks of a sequence run at once from zero; what the block before hands on is one such recursion, too.
    """
    count, length, side = driven.shape
    pieces = -(-length // BLOCK)
    padded = np.zeros((count, pieces * BLOCK, side))
    padded[:, :length] = driven
    states = np.ascontiguousarray(np.swapaxes(padded.reshape(count * pieces, BLOCK, side), 0, 1))
    step = np.ascontiguousarray(matrix.T)
    powers = np.empty((BLOCK, side, side))
    powers[0] = step
    for t in range(1, BLOCK):
        states[t] += states[t - 1] @ step
        np.matmul(powers[t - 1], step, out=powers[t])
    if pieces > 1:
        handed = np.zeros((count, pieces, side))
        handed[:, 1:] = run(powers[-1].T, states[-1].reshape(count, pieces, side))[:, :-1]
        states += handed.reshape(-1, side) @ powers
    result: Array = np.swapaxes(states, 0, 1).reshape(count, -1, side)[:, :length]
    return result


@dataclass(frozen=True, eq=False)
class Means:
    """Means of N sequences: residuals of the predictions (N, T, d), smoothed states and their steps (N, T, k)."""

    residual: Array
    states: Array
    surprise: Array


def means(params: Any, found: Precisions, rows: Array) -> Means:
    """Return the means that belong to the covariances, for rows (N, T, d)."""
    count, length, _ = rows.shape
    start, transition, matrix = found.start, params.transition, params.observation
    ahead = np.empty((count, length, len(transition)))
    ahead[:, 0] = params.initial_mean
    filtered = np.empty(ahead.shape)
    for t in range(start + 1):
        filtered[:, t] = ahead[:, t] + (rows[:, t] - ahead[:, t] @ matrix.T) @ found.gains[t].T
        ahead[:, t + 1] = filtered[:, t] @ transition.T
    rate = (np.eye(len(transition)) - found.gains[-1] @ matrix) @ transition
    driven = rows[:, start + 1:] @ found.gains[-1].T
    driven[:, 0] += filtered[:, start] @ rate.T
    filtered[:, start + 1:] = run(rate, driven)
    ahead[:, start + 2:] = filtered[:, start + 1:-1] @ transition.T
    residual = rows - ahead @ matrix.T
    return Means(residual, *_smoothed(found, filtered, applied(found.gains, residual)))


def applied(matrices: Array, vectors: Array) -> Array:
    """Return the products of each step's matrix, the last one for all later steps, with vectors (N, T, .)."""
    start = len(matrices) - 1
    early = (matrices[:-1] @ vectors[:, :start, :, None])[..., 0]
    return np.concatenate([early, vectors[:, start:] @ matrices[-1].T], axis=1)


def _smoothed(found: Precisions, filtered: Array, told: Array) -> tuple[Array, Array]:
    """Return the smoothed means and the surprises; `told` is what each row changed of its state's mean.

    What the future changes, d_t = G (d_{t+1} + told_{t+1}), d_T = 0, is small: adding it to the filtered mean last
    keeps all digits.
    """
    start, change = found.start, np.zeros(filtered.shape)
    driven = told[:, :start:-1] @ found.back[-1].T
    change[:, start:-1] = run(found.back[-1], driven)[:, ::-1]
    for t in range(start - 1, -1, -1):
        change[:, t] = (change[:, t + 1] + told[:, t + 1]) @ found.back[t].T
    return filtered + change, change[:, 1:] + told[:, 1:]
