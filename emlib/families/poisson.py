"""Poisson counts with expected memberships."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy

from emlib.numerics import Array, ratio, x_log_y

SMALLEST_RATE = 1e-150  # by which counts are divided at least: squares of the quotients must not overflow


@dataclass(frozen=True)
class Poisson:
    """Q = sum_k s_k log lambda_k - n_k lambda_k - c_k.

    `moments` has shape (3, K), or (3,): expected numbers n, expected sums of counts s, expected sums of log y!; of d
    counts a unit (3, K, d).
    """

    key: str = "rates"

    @property
    def fields(self) -> tuple[str, ...]:
        return (self.key,)

    def q_value(self, params: Any, moments: Array) -> float:
        rates = getattr(params, self.key)
        return float((x_log_y(moments[1], rates) - moments[0] * rates - moments[2]).sum())

    def q_gradient(self, params: Any, moments: Array) -> dict[str, Array]:
        return {self.key: ratio(moments[1], getattr(params, self.key)) - moments[0]}

    def q_hessian(self, params: Any, moments: Array) -> Array:
        return np.diag(np.ravel(-ratio(moments[1], np.maximum(getattr(params, self.key), SMALLEST_RATE) ** 2)))

    def argmax(self, moments: Array) -> dict[str, Array]:
        with np.errstate(invalid="ignore", divide="ignore"):
            return {self.key: np.asarray(moments[1] / moments[0])}

    def projection(self, params: Any, moments: Array) -> Array:
        """P = lambda_k / n_k, the inverse complete-data information with posterior counts."""
        return np.diag(np.ravel(getattr(params, self.key) / moments[0]))

    def remainder(self, params: Any, moments: Array) -> dict[str, Array]:
        return {self.key: np.zeros(moments.shape[1:])}


def log_mass(counts: Array, rates: Array) -> Array:
    """Return log Poisson(y_i | lambda_k), shape (n, K); of counts (n, d) with rates (K, d) the sum over all d."""
    if counts.ndim == 2:
        return np.asarray(sum(log_mass(*pair) for pair in zip(counts.T, rates.T, strict=True)))
    column = counts[:, None]
    result: Array = x_log_y(column, rates) - rates - scipy.special.gammaln(column + 1)
    return result


def near(counts: Array, rng: np.random.Generator) -> Array:
    """Return random rates near counts: within a tenth, or a standard deviation where that is less."""
    rates = counts + 0.5
    return np.asarray(rates * np.exp(np.minimum(0.1, 1 / np.sqrt(rates)) * rng.standard_normal(rates.shape)))


def moments(counts: Array, members: Array) -> Array:
    """Return the statistics of counts, shape (n,) or (n, d), with expected memberships, shape (n, K)."""
    if counts.ndim == 2:
        return np.stack([moments(column, members) for column in counts.T], axis=2)
    return np.stack([members.sum(axis=0), counts @ members, scipy.special.gammaln(counts + 1) @ members])
