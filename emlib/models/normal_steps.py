"""Steps of models with one family of normal regressions after mini-batches, by compiled loops.

What is no plain point inside the space goes the general way.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from types import ModuleType
from typing import Any

import numpy as np

from emlib.blocks import Held, Positive, PositiveDefinite, Real, Simplex
from emlib.blocks.simplex import VANISHED
from emlib.data import Data
from emlib.evaluation.steps import Steps
from emlib.families import GaussianMoments, LinearGaussian, covariance
from emlib.kernels import use_compiled_steps
from emlib.model import LatentVariableModel, Statistics
from emlib.models import gaussian_data
from emlib.numerics import Array

NONE = np.empty(0)  # expected memberships where no weights are estimated


class NormalSteps(Steps):
    """`Steps` of a model whose families are a `LinearGaussian` of K components, perhaps weights, and constants.

    Parameters
    ----------
    family : LinearGaussian
    sizes : tuple of int
        K, d and p: components, responses, columns of the design.
    whitener : ndarray, shape (d, d)
        Inverse of the Cholesky factor of the data's covariance: a component whose variance in some direction is below
        `gaussian_data.COLLAPSED` of the data's has collapsed.

    See Also
    --------
    normal_steps : says whether a model has them.
    """

    def __init__(self, model: LatentVariableModel, data: Data, coordinates: str, family: LinearGaussian,
                 sizes: tuple[int, int, int], whitener: Array) -> None:
        super().__init__(model, data, coordinates)
        *weights, coefficients, noise = self.space.blocks
        self.held = [block.value for block in weights if isinstance(block, Held)]
        self.weighted = len(weights) > len(self.held)
        self.key, self.kind = family.key, covariance.TYPES.index(family.kind)
        self.names, self.shapes = family.fields, (coefficients.shape, noise.shape)
        self.sizes, self.whitener = sizes, whitener

    @cached_property
    def _kernels(self) -> tuple[ModuleType, ModuleType]:
        from emlib.kernels import normal_charts, normal_steps  # compile, or read what an earlier run compiled

        return normal_steps, normal_charts

    def __getstate__(self) -> dict[str, Any]:
        """Leave out the modules of compiled loops, which do not pickle."""
        return {name: value for name, value in vars(self).items() if name != "_kernels"}

    def blended(self, factor: float, fresh: Statistics, weight: float, old: Statistics) -> Statistics:
        """Return `factor` times a batch's statistics plus `weight` times older ones, about the batch's origin."""
        ours, theirs = fresh.parts, old.parts
        a, b = ours[self.key], theirs[self.key]
        count = len(a.counts)
        heads, counts, see, sex, sxx = self._kernels[0].add_moments(
            self.kind, factor, ours.get("weights", NONE), a.counts, a.see.reshape(count, -1), a.sex, a.sxx, a.origin,
            weight, theirs.get("weights", NONE), b.counts, b.see.reshape(count, -1), b.sex, b.sxx, b.origin)
        parts = {self.key: GaussianMoments(counts, see.reshape(a.see.shape), sex, sxx, a.origin, a.kind)}
        if "weights" in ours:
            parts["weights"] = heads
        if len(parts) < len(ours):  # constants
            parts |= {name: factor * ours[name] + weight * theirs[name] for name in ours.keys() - parts.keys()}
        return Statistics(parts)

    def added(self, stats: Statistics, other: Statistics) -> Statistics:
        """Return the statistics of two batches together."""
        return self.blended(1.0, stats, 1.0, other)

    def renewed(self, total: Statistics, fresh: Statistics, old: Statistics) -> Statistics:
        """Return a total in which a batch's statistics take the place of its older ones."""
        return self.blended(1.0, self.added(total, fresh), -1.0, old)

    def _sums(self, stats: Statistics) -> tuple[Any, ...]:
        """Return the statistics as the compiled loops take them."""
        part = stats.parts[self.key]
        heads = stats.parts["weights"] if self.weighted else NONE
        return heads, part.counts, part.see.reshape(len(part.counts), -1), part.sex, part.sxx, part.origin

    def _params(self, weights: Array, coefficients: Array, noise: Array) -> Any:
        heads = [weights] if self.weighted else self.held
        return self.space.params_type(*heads, coefficients.reshape(self.shapes[0]), noise.reshape(self.shapes[1]))

    def m_step(self, stats: Statistics) -> tuple[Any, str | None]:
        """Return the maximiser of Q, and what is wrong with it."""
        *fields, certain = self._kernels[0].maximise(
            self.kind, *self._sums(stats), self.whitener, VANISHED, 2.0 * gaussian_data.COLLAPSED)
        return (self._params(*fields), None) if certain else super().m_step(stats)

    def gradient(self, params: Any, stats: Statistics) -> Array:
        """Return the gradient of the log-likelihood of the units that the statistics come from."""
        if self.coordinates != "free":
            return super().gradient(params, stats)
        coefficients, noise = (getattr(params, name) for name in self.names)
        found: Array = self._kernels[1].free_gradient(
            self.kind, params.weights if self.weighted else NONE, coefficients.reshape(self.sizes),
            noise.reshape(1 if self.kind == 1 else len(noise), -1), *self._sums(stats))
        return found

    def inside(self, x: Array) -> Any:
        """Return the parameters at a flat vector; None if they lie outside the space."""
        if self.coordinates != "free":
            return super().inside(x)
        *fields, certain = self._kernels[1].free_point(self.kind, self.weighted, x, *self.sizes)
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
