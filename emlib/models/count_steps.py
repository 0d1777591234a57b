"""Steps of mixtures of counts or of answers after mini-batches, in few operations.

What is no plain point inside the space goes the general way.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import numpy as np
import scipy

from emlib.blocks.simplex import VANISHED
from emlib.evaluation.steps import Steps
from emlib.model import Statistics
from emlib.numerics import Array, all_true

AWAY = 1e-15  # from 0 and 1: no probability further off is kept off them, here or anywhere


class MixtureSteps(Steps):
    """`Steps` of a mixture with weights and one other field, of which none is held; a subclass says which field."""

    field: str

    @abstractmethod
    def _best(self, moments: Array) -> Array | None:
        """Return the other field's best value; None where it may be no point inside."""

    @abstractmethod
    def _slope(self, value: Array, moments: Array) -> Array:
        """Return the gradient of Q in the field's free coordinates."""

    @abstractmethod
    def _value(self, x: Array) -> Array:
        """Return the field at its free coordinates."""

    def m_step(self, stats: Statistics) -> tuple[Any, str | None]:
        """Return the maximiser of Q, and what is wrong with it."""
        heads = stats.parts["weights"]
        total = heads.sum()
        if all_true(heads > VANISHED * total) and (best := self._best(stats.parts[self.field])) is not None:
            return self.space.params_type(heads / total, best), None
        return super().m_step(stats)

    def gradient(self, params: Any, stats: Statistics) -> Array:
        """Return the gradient of the log-likelihood of the units that the statistics come from."""
        if self.coordinates != "free":
            return super().gradient(params, stats)
        heads = stats.parts["weights"]
        log_odds = (heads - params.weights * heads.sum())[:-1]
        return np.concatenate([log_odds, self._slope(getattr(params, self.field), stats.parts[self.field])])

    def inside(self, x: Array) -> Any:
        """Return the parameters at a flat vector; None if they lie outside the space."""
        if not self.space.is_certainly_inside(x, self.coordinates):
            return super().inside(x)
        count = self.space.blocks[0].size
        log_odds = np.zeros(count)
        log_odds[:-1] = x[:count - 1]
        shares = np.exp(log_odds - log_odds.max())
        return self.space.params_type(shares / shares.sum(), self._value(x[count - 1:]))


class CountSteps(MixtureSteps):
    """`Steps` of a `PoissonMixture`."""

    field = "rates"

    def _best(self, moments: Array) -> Array | None:
        rates: Array = moments[1] / moments[0]
        return rates if all_true((rates > VANISHED) & (rates < np.inf)) else None

    def _slope(self, value: Array, moments: Array) -> Array:
        slope: Array = moments[1] - value * moments[0]
        return slope

    def _value(self, x: Array) -> Array:
        return np.exp(x)


class AnswerSteps(MixtureSteps):
    """`Steps` of a `BernoulliMixture`."""

    field = "probabilities"

    def _best(self, moments: Array) -> Array | None:
        chances: Array = moments[0] / (moments[0] + moments[1])
        return chances if all_true((chances > AWAY) & (chances < 1.0 - AWAY)) else None

    def _slope(self, value: Array, moments: Array) -> Array:
        return np.ravel(moments[0] - value * (moments[0] + moments[1]))

    def _value(self, x: Array) -> Array:
        chances: Array = scipy.special.expit(x)
        return chances.reshape(self.space.blocks[1].shape)
