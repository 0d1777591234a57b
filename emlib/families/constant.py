"""The terms of Q that do not depend on the parameters, so that Q + entropy is the log-likelihood."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from emlib.numerics import Array


@dataclass(frozen=True)
class Constant:
    """Expected log densities of latent variables whose law is known; `moments` is their sum."""

    key: str = "latent"

    @property
    def fields(self) -> tuple[str, ...]:
        return ()

    def q_value(self, params: Any, moments: float) -> float:
        return moments

    def q_gradient(self, params: Any, moments: float) -> dict[str, Array]:
        return {}

    def q_hessian(self, params: Any, moments: float) -> Array:
        return np.empty((0, 0))

    def argmax(self, moments: float) -> dict[str, Array]:
        return {}

    def projection(self, params: Any, moments: float) -> Array:
        return np.empty((0, 0))

    def remainder(self, params: Any, moments: float) -> dict[str, Array]:
        return {}
