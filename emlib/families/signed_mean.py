"""Normal observations with known variances around plus or minus one mean, the signs expected."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from emlib.families.linear_gaussian import LOG_2PI
from emlib.numerics import Array


@dataclass(frozen=True)
class SignedMean:
    """Q = -n log 2 - n/2 log det(2 pi D) - 1/2 sum (y2 - 2 theta s + n theta^2) / D.

    `moments` has shape (1 + 2d,): the number n of units, the expected signed sum s of the rows, and the sum y2 of
    their squares, feature by feature. `variances` is the diagonal of D.
    """

    key: str
    variances: tuple[float, ...]

    @property
    def fields(self) -> tuple[str, ...]:
        return (self.key,)

    def _split(self, params: Any, moments: Array) -> tuple[Array, Array, float, Array, Array]:
        """Return theta, D, n, s and y2."""
        known = np.asarray(self.variances)
        return getattr(params, self.key), known, moments[0], moments[1:1 + len(known)], moments[1 + len(known):]

    def q_value(self, params: Any, moments: Array) -> float:
        theta, known, count, signed, squares = self._split(params, moments)
        constant = np.log(2) + 0.5 * (len(known) * LOG_2PI + np.log(known).sum())
        fit = (squares - 2 * theta * signed + count * theta**2) / known
        return float(-count * constant - 0.5 * fit.sum())

    def q_gradient(self, params: Any, moments: Array) -> dict[str, Array]:
        theta, known, count, signed, _ = self._split(params, moments)
        return {self.key: (signed - count * theta) / known}

    def q_hessian(self, params: Any, moments: Array) -> Array:
        return np.diag(-moments[0] / np.asarray(self.variances))

    def argmax(self, moments: Array) -> dict[str, Array]:
        with np.errstate(invalid="ignore", divide="ignore"):
            return {self.key: moments[1:1 + len(self.variances)] / moments[0]}

    def projection(self, params: Any, moments: Array) -> Array:
        """P = D / n, the inverse complete-data information."""
        return np.diag(np.asarray(self.variances) / moments[0])

    def remainder(self, params: Any, moments: Array) -> dict[str, Array]:
        return {self.key: np.zeros(len(self.variances))}
