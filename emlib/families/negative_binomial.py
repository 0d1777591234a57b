"""Negative binomial counts with expected memberships; the dispersion has no estimate in closed form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy

from emlib.numerics import Array

LEAST, MOST = 1e-10, 1e10  # dispersion times mean between which the best is sought


@dataclass(frozen=True)
class NegativeBinomial:
    """Q = sum_ky n_ky log p_k(y), p_k of mean mu_k and variance mu_k + alpha_k mu_k^2.

    `moments`, shape (K, L), are the expected numbers n_ky of units of component k with each count y < L.

    Notes
    -----
    The mean's estimate is the mean count, whatever the dispersion. Given it, the likelihood has one maximum in alpha
    where the counts' variance exceeds their mean, and rises all the way to alpha = 0, the Poisson distribution, where
    it does not (Aragon, Eberly & Eberly 1992; Levin & Reeds 1977). The root of the slope in log alpha is bracketed and
    found by Brent's method; without a maximum alpha ends at `LEAST` / mean, where the two distributions agree to
    rounding.
    """

    means: str = "means"
    dispersion: str = "dispersion"
    key: str = "counts"

    @property
    def fields(self) -> tuple[str, ...]:
        return (self.means, self.dispersion)

    def _split(self, params: Any) -> tuple[Array, Array]:
        return getattr(params, self.means), getattr(params, self.dispersion)

    def q_value(self, params: Any, moments: Array) -> float:
        return float((moments * log_mass(*self._split(params), moments.shape[1])).sum())

    def q_gradient(self, params: Any, moments: Array) -> dict[str, Array]:
        slopes = scores(*self._split(params), moments.shape[1])
        return {name: (moments * slope).sum(axis=1) for name, slope in zip(self.fields, slopes, strict=True)}

    def q_hessian(self, params: Any, moments: Array) -> Array:
        parts = _curvatures(*self._split(params), moments.shape[1])
        first, mixed, second = (np.diag((moments * part).sum(axis=1)) for part in parts)
        return np.block([[first, mixed], [mixed, second]])

    def argmax(self, moments: Array) -> dict[str, Array]:
        with np.errstate(invalid="ignore", divide="ignore"):
            means = moments @ np.arange(moments.shape[1]) / moments.sum(axis=1)
        best = [_best_dispersion(*pair) for pair in zip(means, moments, strict=True)]
        return {self.means: means, self.dispersion: np.array(best)}

    def argmax_given(self, moments: Array, held: Mapping[str, Array]) -> dict[str, Array] | None:
        """Return the means, which do not depend on a held dispersion; None where the means are held."""
        return {self.means: self.argmax(moments)[self.means]} if self.dispersion in held else None

    def projection(self, params: Any, moments: Array) -> Array:
        """P = (mu + alpha mu^2) / n for means; for the dispersion one over the expected sum of squared scores."""
        means, dispersion = self._split(params)
        squares = (moments * scores(means, dispersion, moments.shape[1])[1] ** 2).sum(axis=1)
        return np.diag(np.concatenate([means * (1 + dispersion * means) / moments.sum(axis=1), 1 / squares]))

    def remainder(self, params: Any, moments: Array) -> dict[str, Array]:
        """Whatever the step of the dispersion has beside P times the slope."""
        _, dispersion = self._split(params)
        slope = self.q_gradient(params, moments)[self.dispersion]
        taken = np.diag(self.projection(params, moments))[len(slope):] * slope
        return {self.means: np.zeros(len(slope)),
                self.dispersion: self.argmax(moments)[self.dispersion] - dispersion - taken}


def log_mass(means: Array, dispersion: Array, length: int) -> Array:
    """Return log p_k(y) for y < length, shape (K, length), to rounding also where alpha is next to zero."""
    y, mu, alpha = np.arange(float(length)), means[:, None], dispersion[:, None]
    rising = np.cumsum(np.log1p(alpha * np.maximum(y - 1, 0)), axis=1)  # of log(1 + alpha j) over j < y
    found: Array = rising + y * np.log(mu) - (y + 1 / alpha) * np.log1p(alpha * mu) - scipy.special.gammaln(y + 1)
    return found


def scores(means: Array, dispersion: Array, length: int) -> tuple[Array, Array]:
    """Return the derivatives of `log_mass` by mean and by dispersion, shape (K, length) each."""
    y, mu, alpha = np.arange(float(length)), means[:, None], dispersion[:, None]
    order, size = np.maximum(y - 1, 0), 1 + alpha * mu
    shape = scipy.special.hyp2f1(1, 2, 3, -alpha * mu)  # 2 (x - log(1 + x)) / x^2 at x = alpha mu, nothing cancels
    rising = np.cumsum(order / (1 + alpha * order), axis=1)
    return (y - mu) / (mu * size), rising - mu * (y - mu) / size - 0.5 * mu**2 * shape


def _curvatures(means: Array, dispersion: Array, length: int) -> tuple[Array, Array, Array]:
    """Return the second derivatives of `log_mass` by mean, by both and by dispersion, shape (K, length) each."""
    y, mu, alpha = np.arange(float(length)), means[:, None], dispersion[:, None]
    order, size = np.maximum(y - 1, 0), 1 + alpha * mu
    shape = scipy.special.hyp2f1(2, 3, 4, -alpha * mu)
    rising = np.cumsum((order / (1 + alpha * order)) ** 2, axis=1)
    return ((1 + alpha * y) * alpha / size**2 - y / mu**2, (mu - y) / size**2,
            mu**2 * (y - mu) / size**2 + mu**3 * shape / 3 - rising)


def _best_dispersion(mean: float, counts: Array) -> float:
    """Return the best dispersion for expected numbers of counts, shape (L,), and their mean."""
    if not mean > 0:
        return np.nan

    def rise(log_alpha: float) -> float:
        return float(counts @ scores(np.array([mean]), np.exp([log_alpha]), len(counts))[1][0])

    low, high = np.log(LEAST / mean), np.log(MOST / mean)
    if rise(low) <= 0:
        return LEAST / mean
    return float(np.exp(high if rise(high) > 0 else scipy.optimize.brentq(rise, low, high, xtol=1e-14)))
