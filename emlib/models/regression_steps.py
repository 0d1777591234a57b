"""Steps from the moments of K normal regressions after mini-batches, by compiled loops, however the fields are named.

What is no plain point inside the space goes the general way.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from functools import cached_property
from types import SimpleNamespace
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
    def _kernels(self) -> Any:
        from emlib.kernels import normal_charts, normal_moments, normal_steps  # compile, or read compiled code

        return SimpleNamespace(add_moments=normal_moments.add_moments, maximise=normal_steps.maximise,
                               free_gradient=normal_charts.free_gradient, free_point=normal_charts.free_point)

    def __getstate__(self) -> dict[str, Any]:
        """Leave out the compiled loops, which are found again."""
        return {name: value for name, value in vars(self).items() if name != "_kernels"}

    def blended(self, factor: float, fresh: Statistics, weight: float, old: Statistics) -> Statistics:
        """Return `factor` times a batch's statistics plus `weight` times older ones, about the batch's origin."""
        parts: dict[str, Any] = {}
        for name, part in fresh.parts.items():
            two = old.parts[name]
            if type(part) is GaussianMoments:
                parts[name] = self._joined(factor, part, weight, two, 0.0, two)
            else:
                parts[name] = factor * part + weight * two
        return Statistics(parts)

    def added(self, stats: Statistics, other: Statistics) -> Statistics:
        """Return the statistics of two batches together."""
        return self.blended(1.0, stats, 1.0, other)

    def summed(self, parts: Sequence[Statistics]) -> Statistics:
        """Return the statistics of all batches together, added two at a time."""
        total = parts[0]
        for one, two in zip(parts[1::2], parts[2::2], strict=False):
            total = self._three(total, one, 1.0, two)
        return total if len(parts) % 2 else self.added(total, parts[-1])

    def renewed(self, total: Statistics, fresh: Statistics, old: Statistics) -> Statistics:
        """Return a total in which a batch's statistics take the place of its older ones."""
        return self._three(total, fresh, -1.0, old)

    def _three(self, total: Statistics, one: Statistics, weight: float, two: Statistics) -> Statistics:
        """Return a total and one and a multiple of another, about the total's origin."""
        parts: dict[str, Any] = {}
        for name, part in total.parts.items():
            a, b = one.parts[name], two.parts[name]
            if type(part) is GaussianMoments:
                parts[name] = self._joined(1.0, part, 1.0, a, weight, b)
            else:
                parts[name] = part + a + weight * b
        return Statistics(parts)

    def _joined(self, factor: float, one: GaussianMoments, weight: float, two: GaussianMoments, last: float,
                three: GaussianMoments) -> GaussianMoments:
        """Return a weighted sum about the first's origin."""
        count = len(one.counts)
        there = two.see.reshape(count, -1)
        counts, see, sex, sxx = self._kernels.add_moments(
            covariance.TYPES.index(one.kind),
            factor, one.counts, one.see.reshape(count, -1), one.sex, one.sxx, one.origin,
            weight, two.counts, there, two.sex, two.sxx, two.origin,
            last, three.counts, there if three is two else three.see.reshape(count, -1), three.sex, three.sxx,
            three.origin)
        return GaussianMoments(counts, see.reshape(one.see.shape), sex, sxx, one.origin, one.kind)

    def _sums(self, stats: Statistics) -> tuple[Any, ...]:
        """Return the statistics as the compiled loops take them."""
        part = stats.parts[self.key]
        heads = stats.parts["weights"] if self.weighted else NONE
        return heads, part.counts, part.see.reshape(len(part.counts), -1), part.sex, part.sxx, part.origin

    def m_step(self, stats: Statistics) -> tuple[Any, str | None]:
        """Return the maximiser of Q, and what is wrong with it."""
        *fields, certain = self._kernels.maximise(
            self.kind, *self._sums(stats), self.whiteners, VANISHED, self.floor)
        return (self._params(*fields), None) if certain else super().m_step(stats)

    def gradient(self, params: Any, stats: Statistics) -> Array:
        """Return the gradient of the log-likelihood of the units that the statistics come from."""
        return self._free_gradient(params, stats) if self.coordinates == "free" else super().gradient(params, stats)

    def _free_gradient(self, params: Any, stats: Statistics) -> Array:
        """Return the gradient in the compiled loops' order: weights, coefficients row by row, noise."""
        found: Array = self._kernels.free_gradient(self.kind, *self._split(params), *self._sums(stats))
        return found
