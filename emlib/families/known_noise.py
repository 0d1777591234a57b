"""One Gaussian regression whose noise variance is known."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np

from emlib.families.linear_gaussian import GaussianMoments, LinearGaussian
from emlib.numerics import Array


@dataclass(frozen=True)
class KnownNoise:
    """Q of a response of one dimension with coefficients (p,): `LinearGaussian` without its second field.

    `moments` has K = 1 component of kind "spherical". -d2Q is Sxx / variance at every point, so that one Newton step
    on Q is the whole M-step.
    """

    coefficients: str
    variance: float
    key: str

    @property
    def fields(self) -> tuple[str, ...]:
        return (self.coefficients,)

    @property
    def _regression(self) -> LinearGaussian:
        return LinearGaussian(self.coefficients, "noise", "spherical", self.key)

    def _joined(self, params: Any) -> SimpleNamespace:
        return SimpleNamespace(**{self.coefficients: getattr(params, self.coefficients),
                                  "noise": np.array([self.variance])})

    def q_value(self, params: Any, moments: GaussianMoments) -> float:
        return self._regression.q_value(self._joined(params), moments)

    def q_gradient(self, params: Any, moments: GaussianMoments) -> dict[str, Array]:
        return {self.coefficients: self._regression.q_gradient(self._joined(params), moments)[self.coefficients]}

    def q_hessian(self, params: Any, moments: GaussianMoments) -> Array:
        return np.asarray(-moments.sxx[0] / self.variance)

    def argmax(self, moments: GaussianMoments) -> dict[str, Array]:
        return {self.coefficients: self._regression.argmax(moments)[self.coefficients].ravel()}

    def projection(self, params: Any, moments: GaussianMoments) -> Array:
        """P = variance * inv(Sxx), the inverse complete-data information."""
        return np.asarray(self.variance * np.linalg.inv(moments.sxx[0]))

    def remainder(self, params: Any, moments: GaussianMoments) -> dict[str, Array]:
        return {self.coefficients: np.zeros(moments.sxx.shape[-1])}
