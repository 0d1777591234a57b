"""Compiled steps after mini-batches of models with one regression whose noise is known: nothing but coefficients."""

from __future__ import annotations

from typing import Any

import numpy as np

from emlib.blocks import Real
from emlib.data import Data
from emlib.evaluation.steps import Steps
from emlib.families import ProductModel
from emlib.families.known_noise import KnownNoise
from emlib.kernels import use_compiled_steps
from emlib.model import Statistics
from emlib.models.regression_steps import NONE, RegressionSteps
from emlib.numerics import Array


class KnownNoiseSteps(RegressionSteps):
    """`Steps` of a model whose only field are the coefficients, shape (p,), of a `KnownNoise`."""

    def __init__(self, model: ProductModel, data: Data, coordinates: str, family: KnownNoise) -> None:
        self.noise = np.array([[family.variance]])
        super().__init__(model, data, coordinates, family.key, "spherical", np.empty((0, 1, 1)))

    def _params(self, weights: Array, coefficients: Array, noise: Array) -> Any:
        return self.space.params_type(coefficients[0, 0])

    def _split(self, params: Any) -> tuple[Array, Array, Array]:
        (coefficients,) = vars(params).values()
        return NONE, coefficients[None, None], self.noise

    def gradient(self, params: Any, stats: Statistics) -> Array:
        """Return the gradient of the log-likelihood; all coordinates of coefficients are the same."""
        return self._free_gradient(params, stats)[:-1] if self.coordinates != "mean" else (
            Steps.gradient(self, params, stats))


def known_noise_steps(model: ProductModel, own: type, data: Data, coordinates: str,
                      batches: int) -> KnownNoiseSteps | None:
    """Return compiled steps where there are many batches; None for other types than `own`, and where some is held."""
    (block,), family = model.space.blocks, model.families[0]
    plain = type(model) is own and type(block) is Real and not block.known
    if isinstance(family, KnownNoise) and plain and use_compiled_steps(batches, block.size):
        return KnownNoiseSteps(model, data, coordinates, family)
    return None
