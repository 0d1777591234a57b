"""A model whose complete-data likelihood is a product of families: everything but the E-step."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import numpy as np

from emlib.families.base import Family
from emlib.model import LatentVariableModel, Statistics
from emlib.numerics import Array, block_diagonal


class ProductModel(LatentVariableModel):
    """Implements the M-step, Q and P of the protocol from `families`, in the order of the space's blocks."""

    @property
    @abstractmethod
    def families(self) -> tuple[Family, ...]:
        """The factors of the complete-data likelihood."""

    def params(self, **fields: Any) -> Any:
        """Build and validate parameters; see `space.blocks` for names and shapes.

        Raises
        ------
        TypeError, ValueError
            Naming the field, what was found and what is needed.
        """
        return self.space.build(**fields)

    def m_step(self, stats: Statistics) -> Any:
        """Return the argmax of Q, one closed form per family."""
        fields: dict[str, Array] = {}
        for family in self.families:
            fields |= family.argmax(stats[family.key])
        return self.space.params_type(**fields)

    def q_value(self, params: Any, stats: Statistics) -> float:
        """Return Q with every constant, so that loglik = Q + entropy."""
        return sum(family.q_value(params, stats[family.key]) for family in self.families)

    def q_gradient(self, params: Any, stats: Statistics) -> dict[str, Array]:
        """Return the gradient of Q per field, entries taken as free; no pass over data."""
        slopes: dict[str, Array] = {}
        for family in self.families:
            slopes |= family.q_gradient(params, stats[family.key])
        return slopes

    def q_hessian(self, params: Any, stats: Statistics, coordinates: str = "free") -> Array:
        """Return the Hessian of Q, shape (p, p).

        Parameters
        ----------
        coordinates : {"free", "standard"}
            In free coordinates the curvature of the charts is included.
        """
        if coordinates not in ("free", "standard"):
            raise ValueError(f"coordinates: {coordinates!r} found; the Hessian of Q knows 'free' and 'standard'")
        hessian: Array = block_diagonal(*[family.q_hessian(params, stats[family.key]) for family in self.families])
        if coordinates == "standard":
            return hessian
        return self.space.pull_hessian(params, hessian, self.q_gradient(params, stats))

    def projection(self, params: Any, stats: Statistics) -> Array:
        """Return the preconditioner P in standard entries (theorem T4)."""
        return block_diagonal(*[family.projection(params, stats[family.key]) for family in self.families])

    def remainder(self, params: Any, stats: Statistics) -> dict[str, Array]:
        """Return EM step - P gradient, one array per field (theorem T4)."""
        left: dict[str, Array] = {}
        for family in self.families:
            left |= family.remainder(params, stats[family.key])
        return {name: np.asarray(value) for name, value in left.items()}
