"""What all finite mixtures share: responsibilities, missing information, equal components."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from emlib.blocks.simplex import SUM_TOLERANCE
from emlib.data import Data
from emlib.data.validate import as_floats
from emlib.numerics import Array, block_diagonal, log_sum_exp, x_log_y


@dataclass(frozen=True, eq=False)
class Posterior:
    """Responsibilities of a chunk and what follows from them.

    Attributes
    ----------
    memberships : ndarray, shape (n, K)
        Responsibilities times the observation weights.
    responsibilities : ndarray, shape (n, K)
        Posterior probabilities of the components; rows add up to one.
    loglik, entropy, magnitude : float
        Totals in nats, observation weights counted; magnitude sums absolute log-likelihoods.
    """

    memberships: Array
    responsibilities: Array
    loglik: float
    entropy: float
    magnitude: float


def posterior(log_joint: Array, weights: Array | None) -> Posterior:
    """Return the responsibilities from log(pi_k p_k(y_i)), shape (n, K)."""
    evidence = log_sum_exp(log_joint)
    shares = np.exp(log_joint - evidence[:, None])
    seen = np.ones(len(shares)) if weights is None else weights
    entropy = -float(seen @ x_log_y(shares, shares).sum(axis=1))
    return Posterior(shares * seen[:, None], shares, float(seen @ evidence), max(entropy, 0.0),
                     float(seen @ np.abs(evidence)))


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
    seen = np.ones(len(shares)) if data.weights is None else data.weights
    return shares * seen[:, None], -float(seen @ x_log_y(shares, shares).sum(axis=1))


def log_weights(weights: Array) -> Array:
    """Return log(weights), minus infinity for a component of weight zero."""
    with np.errstate(divide="ignore"):
        return np.log(weights)


def missing_information(found: Posterior, scores: Sequence[Array]) -> Array:
    """Return sum_i Cov(S_i | y_i), the missing information of a mixture, shape (K q, K q), one component after another.

    With `score_embedding`'s matrix E, shape (K q, p), E' (...) E is the information in standard entries.

    Parameters
    ----------
    found : Posterior
    scores : sequence of ndarray, shape (n, q)
        Complete-data scores of one unit, given that it belongs to component k.

    Notes
    -----
    Louis (1982): E[S S' | y] - E[S | y] E[S | y]', unit by unit; the second term never drops out.
    """
    square = block_diagonal(*[_gram(s, found.memberships[:, k]) for k, s in enumerate(scores)])
    mean = np.concatenate([found.responsibilities[:, [k]] * s for k, s in enumerate(scores)], axis=1)
    missing: Array = square - _gram(mean, found.memberships.sum(axis=1))
    return missing


def _gram(rows: Array, weights: Array) -> Array:
    """Return sum_i w_i r_i r_i'; of a matrix and its own transpose BLAS does only one half."""
    scaled = rows * np.sqrt(weights)[:, None]
    result: Array = scaled.T @ scaled
    return result


def weight_score(weight: float) -> float:
    """Return d log pi_k / d pi_k, and 0 for a weight of zero: that entry is on the boundary, where it is held."""
    return 1.0 / weight if weight > 0 else 0.0


def score_embedding(blocks: Sequence[Sequence[Array]], sizes: Sequence[int]) -> Array:
    """Stack, for each component, the maps from its parts of the score to the fields' entries.

    Parameters
    ----------
    blocks : sequence over components of sequence over fields of ndarray, shape (q_f, size of field f)
    """
    rows = [block_diagonal(*fields) for fields in blocks]
    stacked = np.concatenate(rows, axis=0)
    if stacked.shape[1] != sum(sizes):
        raise ValueError(f"blocks: {stacked.shape[1]} columns found, the fields have {sum(sizes)}")
    return stacked


def equal_components(fields: Sequence[Array]) -> tuple[int, int] | None:
    """Return the first two components that agree in every field (first axis), or None."""
    count = len(fields[0])
    for first in range(count):
        for second in range(first + 1, count):
            if all(np.array_equal(f[first], f[second]) for f in fields):
                return first, second
    return None


def starved(weights: Array) -> str | None:
    """Name the first component that no unit belongs to; None if all have some weight."""
    if (weights > 0).all() or not np.isfinite(weights).all():
        return None
    k = int(np.argmin(weights))
    return (f"weights: component {k} has weight {weights[k]:.3g}, so that its other parameters have no estimate; "
            "use fewer components or another start")


def unit_rows(count: int, index: int) -> Array:
    """Return the row e_index, shape (1, count)."""
    row: Array = np.zeros((1, count))
    row[0, index] = 1.0
    return row
