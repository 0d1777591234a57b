"""Mean coordinates of a full family: expected complete-data statistics per unit (theorem T2)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from emlib.numerics import Array

COMPLEX_STEP = 1e-30  # of the complex step, whose error is of the order of its square


@dataclass(frozen=True)
class MixtureMean:
    """The chart theta -> t = E_theta[T] of one unit.

    Parameters
    ----------
    model : LatentVariableModel
        Its `from_mean(vector)` is the M-step of the statistics t.
    moments : callable
        From the fields of theta (possibly complex) to t.
    """

    model: Any
    moments: Callable[[dict[str, Array]], Array]

    def _fields(self, params: Any) -> dict[str, Array]:
        return {b.name: np.asarray(getattr(params, b.name)) for b in self.model.space.blocks}

    def expected(self, params: Any) -> Array:
        """Return t at the parameters."""
        return self.moments(self._fields(params))

    def solve(self, vector: Array) -> Any:
        """Return the parameters with E[T] = vector: the M-step of t itself."""
        return self.model.from_mean(vector)

    def jacobian(self, params: Any) -> Array:
        """Return dt/dtheta over the standard entries, by complex steps (exact to rounding)."""
        fields = self._fields(params)
        columns = []
        for name, value in fields.items():
            for index in np.ndindex(value.shape):
                moved = value.astype(complex)
                moved[index] += 1j * COMPLEX_STEP
                columns.append(self.moments(fields | {name: moved}).imag / COMPLEX_STEP)
        return np.stack(columns, axis=1)
