"""Gamma variables that divide the variance of each unit: the latent part of the t distribution."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import gammaln

from emlib.numerics import Array


@dataclass(frozen=True)
class LatentGamma:
    """Expected log densities of u ~ Gamma(dof/2, rate dof/2), with the d/2 log u of a normal of variance S / u.

    There is no parameter in it: it carries what makes Q + entropy the log-likelihood. `moments` has shape (3,):
    the number of units, and the expected sums of u and of log u.
    """

    dof: float
    n_features: int
    key: str = "latent"

    @property
    def fields(self) -> tuple[str, ...]:
        return ()

    def q_value(self, params: Any, moments: Array) -> float:
        half = 0.5 * self.dof
        constant = half * np.log(half) - gammaln(half)
        return float(moments @ [constant, -half, half - 1 + 0.5 * self.n_features])

    def q_gradient(self, params: Any, moments: Array) -> dict[str, Array]:
        return {}

    def q_hessian(self, params: Any, moments: Array) -> Array:
        return np.empty((0, 0))

    def argmax(self, moments: Array) -> dict[str, Array]:
        return {}

    def projection(self, params: Any, moments: Array) -> Array:
        return np.empty((0, 0))

    def remainder(self, params: Any, moments: Array) -> dict[str, Array]:
        return {}
