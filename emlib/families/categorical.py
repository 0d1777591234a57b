"""Rows of probabilities with expected counts: mixing weights, initial and transition probabilities."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from emlib.numerics import Array, block_diagonal, ratio, x_log_y


@dataclass(frozen=True)
class Categorical:
    """Q = sum n_k log pi_k over the last axis; `moments` are the expected counts, shape (..., K)."""

    key: str

    @property
    def fields(self) -> tuple[str, ...]:
        return (self.key,)

    def q_value(self, params: Any, moments: Array) -> float:
        return float(x_log_y(moments, getattr(params, self.key)).sum())

    def q_gradient(self, params: Any, moments: Array) -> dict[str, Array]:
        return {self.key: ratio(moments, getattr(params, self.key))}

    def q_hessian(self, params: Any, moments: Array) -> Array:
        chances = getattr(params, self.key)
        # Divided twice: the square of a probability such as 1e-170 is zero, and its expected count is as small. Below
        # 1e-250 the quotient itself overflows and is cut off; charts multiply it by the square.
        return np.diag(-np.minimum(ratio(ratio(moments, chances), chances), 1e250).ravel())

    def argmax(self, moments: Array) -> dict[str, Array]:
        with np.errstate(invalid="ignore", divide="ignore"):
            return {self.key: moments / moments.sum(axis=-1, keepdims=True)}

    def projection(self, params: Any, moments: Array) -> Array:
        """P = (diag(pi) - pi pi')/n, row by row."""  # Xu & Jordan 1996, theorem 1
        width = moments.shape[-1]
        rows = zip(getattr(params, self.key).reshape(-1, width), moments.reshape(-1, width), strict=True)
        return block_diagonal(*[(np.diag(p) - np.outer(p, p)) / n.sum() for p, n in rows])

    def remainder(self, params: Any, moments: Array) -> dict[str, Array]:
        return {self.key: np.zeros(moments.shape)}
