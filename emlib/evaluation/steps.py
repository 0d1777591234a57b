"""Steps from the statistics of a mini-batch: blending, M-step, gradient, the point at a flat vector, each checked."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Any

from emlib.blocks.simplex import VANISHED
from emlib.data import Data
from emlib.model import LatentVariableModel, Statistics
from emlib.numerics import Array


class Steps:
    """What algorithms make of the statistics of a part of the data; here in terms of any model and its space.

    A model may supply a quicker one (`LatentVariableModel.batch_steps`), which gives the same but for rounding.

    Parameters
    ----------
    model : LatentVariableModel
    data : Data
        The whole, against which a component may have collapsed.
    coordinates : {"free", "standard", "mean"}
    """

    def __init__(self, model: LatentVariableModel, data: Data, coordinates: str) -> None:
        self.model, self.space, self.data, self.coordinates = model, model.space, data, coordinates

    def blended(self, factor: float, fresh: Statistics, weight: float, old: Statistics) -> Statistics:
        """Return `factor` times a batch's statistics plus `weight` times older ones."""
        return fresh.combined(factor, old, weight)

    def added(self, stats: Statistics, other: Statistics) -> Statistics:
        """Return the statistics of two batches together."""
        return stats + other

    def summed(self, parts: Sequence[Statistics]) -> Statistics:
        """Return the statistics of all batches together, added one after another."""
        return reduce(self.added, parts)

    def renewed(self, total: Statistics, fresh: Statistics, old: Statistics) -> Statistics:
        """Return a total in which a batch's statistics take the place of its older ones."""
        return total + fresh + (-1.0) * old

    def m_step(self, stats: Statistics) -> tuple[Any, str | None]:
        """Return the maximiser of Q, and what is wrong with it."""
        return self.checked(self.model.m_step(stats))

    def checked(self, params: Any) -> tuple[Any, str | None]:
        """Return parameters as a point of these coordinates, and what is wrong with them."""
        # The model's own words come first: a collapse onto one point is also a matrix that is not positive definite.
        fault = self.model.degenerate(params, self.data) or self.space.fault(params)
        if fault is None and self.coordinates == "free":  # which zero does not have
            params = self.space.lifted(params, VANISHED, 0.5 * VANISHED)  # half: one lifted has rounding
        return params, fault

    def gradient(self, params: Any, stats: Statistics) -> Array:
        """Return the gradient of the log-likelihood of the units that the statistics come from."""
        return self.space.pullback(params, self.model.q_gradient(params, stats), self.coordinates)

    def inside(self, x: Array) -> Any:
        """Return the parameters at a flat vector; None if they lie outside the space."""
        params = self.space.unpack(x, self.coordinates)
        if self.space.is_certainly_inside(x, self.coordinates) or self.space.fault(params) is None:
            return params
        return None
