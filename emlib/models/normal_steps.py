"""Steps of a normal mixture after mini-batches, by compiled loops; what is no plain point inside goes the general way.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

from emlib.blocks.simplex import VANISHED
from emlib.evaluation.steps import Steps
from emlib.families import GaussianMoments
from emlib.model import Statistics
from emlib.models import gaussian_data
from emlib.numerics import Array


class NormalSteps(Steps):
    """`Steps` of a `GaussianMixture` with full covariances, of which no field is held and none penalised."""

    @cached_property
    def _kernels(self) -> Any:
        from emlib.kernels import normal_steps  # compiles, or reads what an earlier run compiled

        return normal_steps

    @cached_property
    def _whitener(self) -> Array:
        return gaussian_data.whitener(self.data.scale)

    @cached_property
    def _sizes(self) -> tuple[int, ...]:
        return self.space.blocks[1].shape

    def __getstate__(self) -> dict[str, Any]:
        """Leave out the module of compiled loops, which does not pickle."""
        return {name: value for name, value in vars(self).items() if name != "_kernels"}

    def blended(self, factor: float, fresh: Statistics, weight: float, old: Statistics) -> Statistics:
        """Return `factor` times a batch's statistics plus `weight` times older ones, about the batch's origin."""
        a, b = fresh.parts["components"], old.parts["components"]
        heads, counts, see, sex = self._kernels.add_moments(
            factor, fresh.parts["weights"], a.counts, a.see, a.sex, a.origin,
            weight, old.parts["weights"], b.counts, b.see, b.sex, b.origin)
        moments = GaussianMoments(counts, see, sex, counts[:, None, None], a.origin, a.kind)
        return Statistics({"weights": heads, "components": moments})

    def added(self, stats: Statistics, other: Statistics) -> Statistics:
        """Return the statistics of two batches together."""
        return self.blended(1.0, stats, 1.0, other)

    def renewed(self, total: Statistics, fresh: Statistics, old: Statistics) -> Statistics:
        """Return a total in which a batch's statistics take the place of its older ones."""
        return self.blended(1.0, self.added(total, fresh), -1.0, old)

    def m_step(self, stats: Statistics) -> tuple[Any, str | None]:
        """Return the maximiser of Q, and what is wrong with it."""
        part = stats.parts["components"]
        *fields, certain = self._kernels.maximise(
            stats.parts["weights"], part.counts, part.see, part.sex, part.origin, self._whitener, VANISHED,
            2.0 * gaussian_data.COLLAPSED)
        return (self.space.params_type(*fields), None) if certain else super().m_step(stats)

    def gradient(self, params: Any, stats: Statistics) -> Array:
        """Return the gradient of the log-likelihood of the units that the statistics come from."""
        if self.coordinates != "free":
            return super().gradient(params, stats)
        part = stats.parts["components"]
        found: Array = self._kernels.free_gradient(
            params.weights, params.means, params.covariances, stats.parts["weights"], part.counts, part.see, part.sex,
            part.origin)
        return found

    def inside(self, x: Array) -> Any:
        """Return the parameters at a flat vector; None if they lie outside the space."""
        if self.coordinates != "free":
            return super().inside(x)
        *fields, certain = self._kernels.free_point(x, *self._sizes)
        return self.space.params_type(*fields) if certain else super().inside(x)
