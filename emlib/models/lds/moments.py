"""Expected complete-data moments: three regressions, taken about their current coefficients.

The latent data are the states z_1, ..., z_T and the missing entries of rows that were seen in part; a row that was
not seen at all is no part of the complete data, so that it costs EM no speed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from emlib.families import GaussianMoments
from emlib.families.linear_gaussian import LOG_2PI
from emlib.model import Statistics
from emlib.models.partial import log_det
from emlib.numerics import Array


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


def weighted_moments(weights: Array, *columns: Array) -> Array:
    """Return the weighted sum of v v' over rows v, which these columns make up."""
    rows = np.column_stack(columns)
    total: Array = rows.T @ (weights[:, None] * rows)
    return total


def statistics(moments: dict[str, Array], origin: dict[str, Array]) -> Statistics:
    """Return the statistics of the three regressions.

    Parameters
    ----------
    moments : dict of ndarray
        By regression, the weighted sum of E[v v'] for v = (residual, 1), or (residual, 1, regressors).
    origin : dict of ndarray
        See `origins`; it has a column for the constant, or none.
    """
    return Statistics({key: _regression(total, origin[key]) for key, total in moments.items()})


def _regression(total: Array, origin: Array) -> GaussianMoments:
    _, side, columns = origin.shape
    first = len(total) - columns  # of the regressors: the constant's column counts where it has a coefficient
    return GaussianMoments(total[side, side].reshape(1), total[None, :side, :side], total[None, :side, first:],
                           total[None, first:, first:], origin, "tied")


def prior_entropy(params: Any, lengths: Array) -> Array:
    """Return the entropies of paths z_1, ..., z_T before anything is seen, shape (N,)."""
    first, step = (log_det(np.linalg.cholesky(noise))
                   for noise in (params.initial_covariance, params.transition_covariance))
    entropy: Array = 0.5 * (lengths * len(params.initial_mean) * (1.0 + LOG_2PI) + first + (lengths - 1) * step)
    return entropy


def missing_entropy(params: Any, counts: Array, sizes: Array, log_dets: Array) -> float:
    """Return the entropy of the missing entries given the seen ones of their rows, nats.

    Parameters
    ----------
    counts, sizes, log_dets : ndarray, shape (G,)
        Of each pattern, the weight of its rows, the number of seen entries, and log|R| over these.
    """
    some = (sizes > 0) & (sizes < len(params.observation))
    if not some.any():
        return 0.0
    missing = len(params.observation) - sizes[some]
    left = log_det(np.linalg.cholesky(params.observation_covariance)) - log_dets[some]
    return float(0.5 * counts[some] @ (missing * (1.0 + LOG_2PI) + left))
