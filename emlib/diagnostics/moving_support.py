"""A latent whose support moves with the parameter: where Fisher's identity fails and EM freezes (theorem T9)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy

from emlib.data.validate import as_floats
from emlib.numerics import Array

LOG_2PI = float(np.log(2 * np.pi))


@dataclass(frozen=True, eq=False)
class MovingSupport:
    """z ~ U(0, theta), y = z + N(0, 1): no model of the package's contract, since it breaks its hypotheses.

    Parameters
    ----------
    data : array_like, shape (n,)
        Observations, in units of the noise's standard deviation.

    Notes
    -----
    The same likelihood has a second latent variable, u = z / theta ~ U(0, 1), whose support is fixed; the methods
    `rescaled_score` and `rescaled_em` belong to it.
    """

    data: Any

    def __post_init__(self) -> None:
        values = as_floats(self.data)
        if values.ndim != 1:
            raise ValueError(f"data: shape {values.shape} found, a flat array (n,) needed")
        object.__setattr__(self, "data", values)

    def _window(self, theta: float) -> tuple[Array, Array]:
        """Return the standard normal density at the moving end, and the mass of y - z over (0, theta)."""
        if not np.isfinite(theta) or theta <= 0:
            raise ValueError(f"theta: {theta!r} found; the latent needs an interval (0, theta) of positive length")
        end = self.data - theta
        return np.exp(-0.5 * (end**2 + LOG_2PI)), scipy.special.ndtr(self.data) - scipy.special.ndtr(end)

    def loglik(self, theta: float) -> float:
        """Return the log-likelihood: p(y) = (Phi(y) - Phi(y - theta)) / theta."""
        return float((np.log(self._window(theta)[1]) - np.log(theta)).sum())

    def expected_score(self, theta: float) -> float:
        """Return E[d log p(y, z) / dtheta | y], which is -n / theta."""
        return -len(self.data) / theta

    def edge(self, theta: float) -> float:
        """Return the posterior density of z at its moving end, summed over the data: Leibniz's term."""
        density, mass = self._window(theta)
        return float((density / mass).sum())

    def q_value(self, theta: float, current: float) -> float:
        """Return Q(theta | current): minus infinity below the current value, where some z is impossible."""
        if theta < current:
            return -np.inf
        first, second = self._latent(current)
        squares = self.data**2 - 2 * self.data * first + second
        return float((-np.log(theta) - 0.5 * (LOG_2PI + squares)).sum())

    def _latent(self, theta: float) -> tuple[Array, Array]:
        """Return E[z | y] and E[z^2 | y]: a normal around y, cut to (0, theta)."""
        high, mass = self._window(theta)
        low = np.exp(-0.5 * (self.data**2 + LOG_2PI))
        first = self.data + (low - high) / mass
        return first, 1 + self.data * first - theta * high / mass

    def rescaled_score(self, theta: float) -> float:
        """Return E[d log p(y, u) / dtheta | y] = sum_i E[(y_i - theta u) u | y_i], the latent being u = z / theta."""
        first, second = self._latent(theta)
        return float((self.data * first - second).sum() / theta)

    def rescaled_em(self, theta: float) -> float:
        """Return the EM step with the latent u: sum_i y_i E[u | y_i] / sum_i E[u^2 | y_i]."""
        first, second = self._latent(theta)
        return float(theta * (self.data @ first) / second.sum())
