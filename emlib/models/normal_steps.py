"""Compiled steps after mini-batches of models with normal components: weights, coefficients, covariances."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from emlib.blocks import Held, Positive, PositiveDefinite, Real, Simplex
from emlib.data import Data
from emlib.families import LinearGaussian
from emlib.kernels import use_compiled_steps
from emlib.model import LatentVariableModel
from emlib.models.regression_steps import NONE, RegressionSteps
from emlib.numerics import Array


class NormalSteps(RegressionSteps):
    """`Steps` of a model with the fields of a `LinearGaussian`, after weights that are estimated, held, or not there.

    Parameters
    ----------
    sizes : tuple of int
        K, d and p: components, responses, columns of the design.

    See Also
    --------
    normal_steps : says whether a model has them.
    """

    def __init__(self, model: LatentVariableModel, data: Data, coordinates: str, family: LinearGaussian,
                 sizes: tuple[int, int, int], whitener: Array) -> None:
        *weights, coefficients, noise = model.space.blocks
        self.held = [block.value for block in weights if isinstance(block, Held)]
        self.sizes, self.names, self.shapes = sizes, family.fields, (coefficients.shape, noise.shape)
        super().__init__(model, data, coordinates, family.key, family.kind, whitener[None],
                         len(weights) > len(self.held))

    def _params(self, weights: Array, coefficients: Array, noise: Array) -> Any:
        heads = [weights] if self.weighted else self.held
        return self.space.params_type(*heads, coefficients.reshape(self.shapes[0]), noise.reshape(self.shapes[1]))

    def _split(self, params: Any) -> tuple[Array, Array, Array]:
        coefficients, noise = (getattr(params, name) for name in self.names)
        weights = params.weights if self.weighted else NONE
        return weights, coefficients.reshape(self.sizes), noise.reshape(1 if self.kind == 1 else len(noise), -1)

    def inside(self, x: Array) -> Any:
        """Return the parameters at a flat vector; None if they lie outside the space."""
        if self.coordinates != "free":
            return super().inside(x)
        *fields, certain = self._kernels.free_point(self.kind, self.weighted, x, *self.sizes)
        return self._params(*fields) if certain else super().inside(x)


def normal_steps(model: LatentVariableModel, own: type, data: Data, coordinates: str, batches: int,
                 family: LinearGaussian, sizes: tuple[int, int, int], whitener: Callable[[], Array],
                 compiled: bool = False) -> NormalSteps | None:
    """Return compiled steps where there are many batches, or E-steps are `compiled`.

    None for models of other types than `own`, which may do some things otherwise, and where more than weights is held.
    """
    *weights, coefficients, noise = model.space.blocks
    plain = type(coefficients) is Real and not coefficients.known and type(noise) in (Positive, PositiveDefinite)
    known = all(isinstance(block, Held) or (type(block) is Simplex and not block.zeros) for block in weights)
    if type(model) is own and plain and known and use_compiled_steps(batches, max(sizes[1:]), compiled):
        return NormalSteps(model, data, coordinates, family, sizes, whitener())
    return None
