"""Steps of a Poisson mixture after mini-batches, in few operations; what is no plain point goes the general way."""

from __future__ import annotations

from typing import Any

import numpy as np

from emlib.blocks.simplex import VANISHED
from emlib.evaluation.steps import Steps
from emlib.model import Statistics
from emlib.numerics import Array, all_true


class CountSteps(Steps):
    """`Steps` of a `PoissonMixture` of which no field is held."""

    def m_step(self, stats: Statistics) -> tuple[Any, str | None]:
        """Return the maximiser of Q, and what is wrong with it."""
        heads, (counts, sums, _) = stats.parts["weights"], stats.parts["rates"]
        total = heads.sum()
        if all_true(heads > VANISHED * total):
            rates = sums / counts
            if all_true((rates > VANISHED) & (rates < np.inf)):
                return self.space.params_type(heads / total, rates), None
        return super().m_step(stats)

    def gradient(self, params: Any, stats: Statistics) -> Array:
        """Return the gradient of the log-likelihood of the units that the statistics come from."""
        if self.coordinates != "free":
            return super().gradient(params, stats)
        heads, (counts, sums, _) = stats.parts["weights"], stats.parts["rates"]
        log_odds = (heads - params.weights * heads.sum())[:-1]
        return np.concatenate([log_odds, sums - params.rates * counts])

    def inside(self, x: Array) -> Any:
        """Return the parameters at a flat vector; None if they lie outside the space."""
        if not self.space.is_certainly_inside(x, self.coordinates):
            return super().inside(x)
        log_odds = np.zeros((len(x) + 1) // 2)
        log_odds[:-1] = x[:len(log_odds) - 1]
        shares = np.exp(log_odds - log_odds.max())
        return self.space.params_type(shares / shares.sum(), np.exp(x[len(log_odds) - 1:]))
