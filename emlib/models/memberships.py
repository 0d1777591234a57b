"""Memberships of units in components: posterior ones, and any others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from emlib.blocks.simplex import SUM_TOLERANCE
from emlib.data import Data
from emlib.data.validate import as_floats
from emlib.numerics import Array, x_log_y


@dataclass(frozen=True, eq=False)
class Posterior:
    """Responsibilities of a chunk and what follows from them.

    Attributes
    ----------
    memberships : ndarray, shape (n, K)
        Responsibilities times the observation weights.
    responsibilities : ndarray, shape (n, K)
        Posterior probabilities of the components; rows add up to one.
    logliks : ndarray, shape (n,)
        Log-likelihoods of the units, nats.
    entropy : float
        Of the components, nats, observation weights counted.
    """

    memberships: Array
    responsibilities: Array
    logliks: Array
    entropy: float


def posterior(log_joint: Array, data: Data) -> Posterior:
    """Return the responsibilities from log(pi_k p_k(y_i)), shape (n, K)."""
    log_joint = np.asfortranarray(log_joint)  # component by component: NumPy's sums over a few columns are slow
    top = log_joint.max(axis=1)
    logs = log_joint - np.where(np.isfinite(top), top, 0.0)[:, None]
    shares = np.exp(logs)
    total = shares.sum(axis=1)
    with np.errstate(divide="ignore"):
        evidence = np.log(total)
    shares /= total[:, None]
    logs -= evidence[:, None]
    evidence += top
    with np.errstate(invalid="ignore"):
        entropy = -float(data.frequencies @ np.where(shares == 0.0, 0.0, shares * logs).sum(axis=1))
    memberships = shares if data.weights is None else shares * data.weights[:, None]
    return Posterior(memberships, shares, evidence, max(entropy, 0.0))


def weighted(q: Any, data: Data, count: int) -> tuple[Array, float]:
    """Return any memberships q times the observation weights, and their entropy.

    Raises
    ------
    ValueError
        If q is not one row of probabilities per unit.
    """
    shares = as_floats(q, "q")
    if shares.shape != (len(data), count):
        raise ValueError(f"q: shape {shares.shape} found, ({len(data)}, {count}) needed, one row per unit")
    if (shares < 0).any() or np.abs(shares.sum(axis=1) - 1).max() > SUM_TOLERANCE:
        row = int(np.argmax((shares < 0).any(axis=1) | (np.abs(shares.sum(axis=1) - 1) > SUM_TOLERANCE)))
        raise ValueError(f"q: row {row} is {shares[row]}, not a distribution; rows are non-negative and add up to 1")
    seen = data.frequencies
    return shares * seen[:, None], -float(seen @ x_log_y(shares, shares).sum(axis=1))


def log_weights(weights: Array) -> Array:
    """Return log(weights), minus infinity for a component of weight zero."""
    with np.errstate(divide="ignore"):
        return np.log(weights)
