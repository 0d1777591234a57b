"""An optional penalty on covariances, for models whose likelihood has no bound without one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from emlib.data import Data
from emlib.families import GaussianMoments, LinearGaussian, covariance
from emlib.families.linear_gaussian import LOG_2PI
from emlib.model import Expectation, Statistics
from emlib.numerics import Array

KEY = "penalty"  # of the constant that makes the penalty a divergence


@dataclass(frozen=True)
class CovariancePenalty:
    """A penalty on the covariances of K normal components or states.

    Parameters
    ----------
    weight : float
        m, in units of data.
    family : LinearGaussian
        Of the observations.
    spread : callable
        From the data to their covariance, shape (d, d).

    Notes
    -----
    With S the data's covariance over K^(2/d), what is maximised is loglik - m sum_k KL(N(0, S) || N(0, Sigma_k)), up
    to a constant an inverse-Wishart prior on each Sigma_k: as if each component had m units more, which lie about its
    own mean as S does. No Sigma_k can collapse, so a maximum exists for every m > 0; in one dimension Ciuperca, Ridolfi
    & Idier (2003) show it. The form is Chen & Tan's (2009), whose abstract states strong consistency; Alexandrovich
    (2014) is a note on that article. S is Fraley & Raftery's (2007): it follows the data's units, so rescaled data
    give the rescaled fit.

    The M-step's covariances are (scatter_k + m S)/(n_k + m). Each chunk of the data brings its share of the m units,
    so that Q, bound, Fisher's identity and information are those of the penalised objective, however the data are
    cut; a result's `loglik`, `aic` and `bic` leave the penalty out.
    """

    weight: float
    family: LinearGaussian
    spread: Callable[[Data], Array]

    def value(self, params: Any, unseen: Statistics) -> float:
        """Return the penalty, nats, from a chunk's share of the units that were never seen."""
        return self.family.q_value(params, unseen[self.family.key]) + float(unseen[KEY])

    def joined(self, stats: Statistics, params: Any, data: Data) -> Statistics:
        """Return statistics of a chunk together with the penalty's share of them."""
        return self._sum(stats, self.unseen(params, data))

    def added(self, found: Expectation, params: Any, data: Data) -> Expectation:
        """Return the E-step of a chunk with the penalty's share of statistics and objective."""
        unseen = self.unseen(params, data)
        value = self.value(params, unseen)
        return replace(found, stats=self._sum(found.stats, unseen), loglik=found.loglik + value,
                       magnitude=found.magnitude + abs(value))

    def _sum(self, stats: Statistics, unseen: Statistics) -> Statistics:
        key = self.family.key
        return Statistics({**stats.parts, key: stats[key] + unseen[key], KEY: unseen[KEY]})

    def unseen(self, params: Any, data: Data) -> Statistics:
        """Return a chunk's share of the moments of the units that were never seen, and of the constant."""
        family, spread = self.family, self.spread(data)
        coefficients, side = np.asarray(getattr(params, family.coefficients)), len(spread)
        origin = coefficients.reshape(len(coefficients), side, -1)
        count, _, width = origin.shape
        seen = self.weight * data.share / (count if family.kind == "tied" else 1)
        reference = np.repeat(spread[None] / count ** (2.0 / side), count, axis=0)
        moments = GaussianMoments(np.full(count, seen), covariance.compress(family.kind, seen * reference),
                                  np.zeros(origin.shape), np.zeros((count, width, width)), origin, family.kind)
        constant = 0.5 * seen * float((side * (1 + LOG_2PI) + np.linalg.slogdet(reference)[1]).sum())
        return Statistics({family.key: moments, KEY: constant})


def penalised(weight: float | None, family: LinearGaussian,
              spread: Callable[[Data], Array] = lambda data: np.asarray(data.scale)) -> CovariancePenalty | None:
    """Return the penalty of this weight; None for plain maximum likelihood, without a weight."""
    return None if weight is None else CovariancePenalty(weight, family, spread)
