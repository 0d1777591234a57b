"""Probabilities with expected successes and failures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from emlib.numerics import Array, ratio, x_log_y

EPS = float(np.finfo(float).epsneg)  # 1 - EPS is next to 1
NEXT = (EPS, 1 - EPS)  # what stands for 0 and 1 in an estimate: the log-likelihood moves by a rounding error at most


@dataclass(frozen=True)
class Bernoulli:
    """Q = sum s log theta + f log(1 - theta) + c; `moments` = (s, f, c), shape (3, ...), c free of theta."""

    key: str = "theta"

    @property
    def fields(self) -> tuple[str, ...]:
        return (self.key,)

    def q_value(self, params: Any, moments: Array) -> float:
        theta = getattr(params, self.key)
        return float((x_log_y(moments[0], theta) + x_log_y(moments[1], 1 - theta) + moments[2]).sum())

    def q_gradient(self, params: Any, moments: Array) -> dict[str, Array]:
        theta = getattr(params, self.key)
        return {self.key: ratio(moments[0], theta) - ratio(moments[1], 1 - theta)}

    def q_hessian(self, params: Any, moments: Array) -> Array:
        theta = getattr(params, self.key)
        return np.diag(np.ravel(-ratio(moments[0], theta**2) - ratio(moments[1], (1 - theta) ** 2)))

    def argmax(self, moments: Array) -> dict[str, Array]:
        """s / (s + f), kept next to 0 or 1 where it would round to them, so that its logit stays finite."""
        with np.errstate(invalid="ignore", divide="ignore"):
            return {self.key: np.asarray(np.clip(moments[0] / (moments[0] + moments[1]), *NEXT))}

    def projection(self, params: Any, moments: Array) -> Array:
        """P = theta (1 - theta) / (s + f)."""
        theta = getattr(params, self.key)
        return np.diag(np.ravel(theta * (1 - theta) / (moments[0] + moments[1])))

    def remainder(self, params: Any, moments: Array) -> dict[str, Array]:
        return {self.key: np.zeros(moments.shape[1:])}
