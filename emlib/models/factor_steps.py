"""Compiled steps after mini-batches of factor models: a regression on (1, z) for each feature."""

from __future__ import annotations

from typing import Any

import numpy as np

from emlib.blocks import Positive, Real
from emlib.data import Data
from emlib.families import LinearFactors, ProductModel
from emlib.kernels import use_compiled_steps
from emlib.model import Statistics
from emlib.models.regression_steps import NONE, RegressionSteps
from emlib.numerics import Array


class FactorSteps(RegressionSteps):
    """`Steps` of a model with the fields `mean`, `loadings` and `noise_variance` of a `LinearFactors`.

    Parameters
    ----------
    scales : ndarray, shape (d,) or (1,)
        Variances of the data: a noise variance below the share `least` of its own, or of the one, may have collapsed.
    """

    def __init__(self, model: ProductModel, data: Data, coordinates: str, family: LinearFactors, scales: Array,
                 least: float) -> None:
        super().__init__(model, data, coordinates, family.key, family.kind, (scales**-0.5)[:, None, None])
        self.floor, self.shape = 2.0 * least, self.space.blocks[1].shape
        places = np.arange(self.shape[0] * (1 + self.shape[1])).reshape(self.shape[0], -1)
        self.order = np.concatenate([places[:, 0], places[:, 1:].ravel(), places.size + np.arange(len(scales))])

    def _params(self, weights: Array, coefficients: Array, noise: Array) -> Any:
        joined = coefficients[:, 0]
        return self.space.params_type(joined[:, 0], joined[:, 1:], noise.reshape(self.space.blocks[2].shape))

    def _split(self, params: Any) -> tuple[Array, Array, Array]:
        joined = np.empty((self.shape[0], 1, 1 + self.shape[1]))
        joined[:, 0, 0], joined[:, 0, 1:] = params.mean, params.loadings
        return NONE, joined, params.noise_variance.reshape(-1, 1)

    def _free_gradient(self, params: Any, stats: Statistics) -> Array:
        found: Array = super()._free_gradient(params, stats)[self.order]
        if self.kind == 1:  # one variance: the loops have the logarithm of its root
            found[-1] *= 0.5
        return found


def factor_steps(model: ProductModel, own: type, data: Data, coordinates: str, batches: int,
                 scales: Array, least: float) -> FactorSteps | None:
    """Return compiled steps where there are many batches; None for other types than `own`, and where some is held."""
    (family,) = model.families
    mean, loadings, noise = model.space.blocks
    plain = type(mean) is type(loadings) is Real and not (mean.known or loadings.known) and type(noise) is Positive
    many = use_compiled_steps(batches, 1 + loadings.shape[1])
    if isinstance(family, LinearFactors) and type(model) is own and plain and many:
        return FactorSteps(model, data, coordinates, family, scales, least)
    return None
