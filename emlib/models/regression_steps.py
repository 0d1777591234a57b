"""Steps from the moments of K normal regressions after mini-batches, by compiled loops, however the fields are named.

What is no plain point inside the space goes the general way.
"""

from __future__ import annotations

from abc import abstractmethod
from functools import cached_property
from types import ModuleType
from typing import Any

import numpy as np

from emlib.blocks.simplex import VANISHED
from emlib.data import Data
from emlib.evaluation.steps import Steps
from emlib.families import GaussianMoments, covariance
from emlib.model import LatentVariableModel, Statistics
from emlib.models.gaussian_data import COLLAPSED
from emlib.numerics import Array

NONE = np.empty(0)  # expected memberships where no weights are estimated


class RegressionSteps(Steps):
    """`Steps` of a model of one family of normal regressions; a subclass says how its fields hold their parameters.

    Parameters
    ----------
    key, kind : str
        Of the moments: which part of the statistics they are, and their covariance type.
    whiteners : ndarray, shape (1, d, d), (K, d, d) or (0, d, d)
        Inverse of the Cholesky factor of the data's covariance, for all components or for each: the model's
        `degenerate` finds no collapse where variances are above `floor` in these units. None where the noise is known.
    weighted : bool
        Whether weights are estimated, too.
    """

    floor = 2.0 * COLLAPSED

    def __init__(self, model: LatentVariableModel, data: Data, coordinates: str, key: str, kind: str, whiteners: Array,
                 weighted: bool = False) -> None:
        super().__init__(model, data, coordinates)
        self.key, self.kind, self.whiteners, self.weighted = key, covariance.TYPES.index(kind), whiteners, weighted

    @abstractmethod
    def _params(self, weights: Array, coefficients: Array, noise: Array) -> Any:
        """Return parameters from those of the compiled loops, shapes (K,) or (0,), (K, d, p), and (K, m) or (1, m)."""

    @abstractmethod
    def _split(self, params: Any) -> tuple[Array, Array, Array]:
        """Return weights, coefficients and noise as the compiled loops take them."""

    @cached_property
    def _kernels(self) -> tuple[ModuleType, ModuleType]:
        from emlib.kernels import normal_charts, normal_steps  # compile, or read what an earlier run compiled

        return normal_steps, normal_charts

    def __getstate__(self) -> dict[str, Any]:
        """Leave out the modules of compiled loops, which do not pickle."""
        return {name: value for name, value in vars(self).items() if name != "_kernels"}

    def blended(self, factor: float, fresh: Statistics, weight: float, old: Statistics) -> Statistics:
        """Return `factor` times a batch's statistics plus `weight` times older ones, about the batch's origin."""
        parts: dict[str, Any] = {}
        for name, ours in fresh.parts.items():
            theirs = old.parts[name]
            if isinstance(ours, GaussianMoments):
                count = len(ours.counts)
                counts, see, sex, sxx = self._kernels[0].add_moments(
                    covariance.TYPES.index(ours.kind), factor, ours.counts, ours.see.reshape(count, -1), ours.sex,
                    ours.sxx, ours.origin, weight, theirs.counts, theirs.see.reshape(count, -1), theirs.sex,
                    theirs.sxx, theirs.origin)
                parts[name] = GaussianMoments(counts, see.reshape(ours.see.shape), sex, sxx, ours.origin, ours.kind)
            else:
                parts[name] = factor * ours + weight * theirs
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

    def m_step(self, stats: Statistics) -> tuple[Any, str | None]:
        """Return the maximiser of Q, and what is wrong with it."""
        *fields, certain = self._kernels[0].maximise(
            self.kind, *self._sums(stats), self.whiteners, VANISHED, self.floor)
        return (self._params(*fields), None) if certain else super().m_step(stats)

    def gradient(self, params: Any, stats: Statistics) -> Array:
        """Return the gradient of the log-likelihood of the units that the statistics come from."""
        return self._free_gradient(params, stats) if self.coordinates == "free" else super().gradient(params, stats)

    def _free_gradient(self, params: Any, stats: Statistics) -> Array:
        """Return the gradient in the compiled loops' order: weights, coefficients row by row, noise."""
        found: Array = self._kernels[1].free_gradient(self.kind, *self._split(params), *self._sums(stats))
        return found
