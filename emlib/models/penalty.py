"""An optional penalty on covariances, for models whose likelihood has no bound without one."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from emlib.data import Data
from emlib.data.validate import positive_number
from emlib.families import Family, GaussianMoments, LinearGaussian, ProductModel, covariance
from emlib.families.constant import Constant
from emlib.families.linear_gaussian import LOG_2PI
from emlib.model import Expectation, Statistics
from emlib.numerics import Array

KEY = "penalty"  # of the constant that makes the penalty a divergence


@dataclass(frozen=True)
class PenalisedCovariances(ProductModel):
    """A model with K normal components (or states) whose covariances may be penalised.

    Parameters
    ----------
    penalty : float, optional
        Weight m of the penalty, in units of data. None, the default, is maximum likelihood.

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

    penalty: float | None = field(default=None, kw_only=True, repr=False)

    def __post_init__(self) -> None:
        if self.penalty is not None:
            positive_number(self.penalty, "penalty")
        super().__post_init__()

    def log_penalty(self, params: Any, data: Any) -> float:
        """Return the penalty at the parameters, nats: never positive, and zero for maximum likelihood."""
        if self.penalty is None:
            return 0.0
        return self._value(params, self._unseen(params, self.as_data(data)))

    def _value(self, params: Any, unseen: dict[str, Any]) -> float:
        return sum(family.q_value(params, unseen[family.key]) for family in (self._gaussian, *self._constant))

    @property
    def _constant(self) -> tuple[Family, ...]:
        """What a penalised model adds to its families: a constant."""
        return () if self.penalty is None else (Constant(KEY),)

    @property
    @abstractmethod
    def _gaussian(self) -> LinearGaussian:
        """The family of the observations."""

    @abstractmethod
    def _spread(self, data: Data) -> Array:
        """Return the data's covariance, shape (d, d)."""

    def _with_unseen(self, stats: Statistics, params: Any, data: Data) -> Statistics:
        """Return statistics of a chunk together with the penalty's share of them."""
        if self.penalty is None:
            return stats
        return self._joined(stats, self._unseen(params, data))

    def _joined(self, stats: Statistics, unseen: dict[str, Any]) -> Statistics:
        key = self._gaussian.key
        return Statistics({**stats.parts, key: stats[key] + unseen[key], KEY: unseen[KEY]})

    def _penalised(self, found: Expectation, params: Any, data: Data) -> Expectation:
        """Return the E-step of a chunk with the penalty's share of statistics and objective."""
        if self.penalty is None:
            return found
        unseen = self._unseen(params, data)
        value = self._value(params, unseen)
        return replace(found, stats=self._joined(found.stats, unseen), loglik=found.loglik + value,
                       magnitude=found.magnitude + abs(value))

    def _unseen(self, params: Any, data: Data) -> dict[str, Any]:
        """Return a chunk's share of the moments of units that were never seen, and of the constant."""
        family, spread = self._gaussian, self._spread(data)
        coefficients, side = np.asarray(getattr(params, family.coefficients)), len(spread)
        origin = coefficients.reshape(len(coefficients), side, -1)
        count, _, width = origin.shape
        seen = (self.penalty or 0.0) * data.share / (count if family.kind == "tied" else 1)
        reference = np.repeat(spread[None] / count ** (2.0 / side), count, axis=0)
        moments = GaussianMoments(np.full(count, seen), covariance.compress(family.kind, seen * reference),
                                  np.zeros(origin.shape), np.zeros((count, width, width)), origin, family.kind)
        constant = 0.5 * seen * float((side * (1 + LOG_2PI) + np.linalg.slogdet(reference)[1]).sum())
        return {family.key: moments, KEY: constant}
