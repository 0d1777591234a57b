"""Genetic linkage: four cells of a multinomial, the first of them a mixture of two hidden ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from emlib.blocks import Interval
from emlib.data import Data, require_data
from emlib.data.validate import as_counts, as_floats, as_weights, reweighted
from emlib.families import Bernoulli, Family, ProductModel
from emlib.model import Expectation, Statistics
from emlib.numerics import Array, x_log_y
from emlib.space import ParameterSpace


@dataclass(frozen=True, eq=False)
class LinkageParams:
    """Parameters of `Linkage`.

    Attributes
    ----------
    theta : ndarray, shape ()
        Recombination parameter pi of Dempster, Laird and Rubin, in [0, 1].
    """

    theta: Array


@dataclass(frozen=True)
class Linkage(ProductModel):
    """Cell probabilities (1/2 + theta/4, (1 - theta)/4, (1 - theta)/4, theta/4).

    The data are four counts; a unit is one animal, so there is no multinomial coefficient in `loglik`.
    Hidden is which of 1/2 and theta/4 an animal of the first cell belongs to.

    Notes
    -----
    Dempster, Laird & Rubin (1977), section 1. The complete-data family is not full: the number of
    animals that inform about theta is itself random, so theorem T2 fails here.

    Examples
    --------
    >>> import emlib
    >>> from emlib.models import Linkage
    >>> result = emlib.fit(Linkage(), [125, 18, 20, 34], rng=0)
    >>> round(float(result.params.theta), 5)  # the positive root of 197 t^2 - 15 t - 68
    0.62682
    """

    @property
    def space(self) -> ParameterSpace:
        """One scalar in [0, 1]."""
        return ParameterSpace(LinkageParams, (Interval("theta"),), fixed=self.fixed)

    @property
    def families(self) -> tuple[Family, ...]:
        """One Bernoulli factor."""
        return (Bernoulli("theta"),)

    def as_data(self, raw: Any, sample_weight: Any = None) -> Data:
        """Read four counts.

        Parameters
        ----------
        raw : array_like, shape (4,)
            Non-negative whole numbers.

        Raises
        ------
        ValueError
            If they are not four counts, or all zero.
        """
        if isinstance(raw, Data):
            return reweighted(raw, sample_weight)
        counts = as_counts(raw)
        if counts.shape != (4,):
            raise ValueError(f"data: shape {counts.shape} found; linkage data are four counts, shape (4,)")
        weights = counts if sample_weight is None else counts * as_weights(sample_weight, 4)
        if not weights.sum() > 0:
            raise ValueError("data: all four counts are zero; nothing was observed")
        return Data(np.arange(4), weights)

    def start(self, data: Data, rng: np.random.Generator) -> LinkageParams:
        """Draw theta uniformly from the middle of its interval."""
        return LinkageParams(np.asarray(rng.uniform(0.05, 0.95)))

    def e_step(self, params: LinkageParams, data: Data) -> Expectation:
        """Split the first cell: x2 = y1 (theta/4) / (1/2 + theta/4)."""  # DLR77 section 1
        require_data(data)
        theta = params.theta
        found = x_log_y(np.asarray(data.weights), _cells(theta)[data.units])
        stats, entropy = self.expectation_under(theta / (2 + theta), params, data)
        return Expectation(stats, float(found.sum()), entropy, data.n_units, float(np.abs(found).sum()))

    def posterior(self, params: LinkageParams, data: Any) -> Array:
        """Return the probabilities that an animal of the first cell belongs to 1/2, and to theta/4, shape (2,)."""
        share = params.theta / (2 + params.theta)
        return np.array([1 - share, share])

    def score_samples(self, params: LinkageParams, data: Any) -> Array:
        """Return the log-probability of an animal of each cell, nats, shape (4,)."""
        return self._log_likelihoods(params, self._any_data(data))

    def _any_data(self, raw: Any, sample_weight: Any = None) -> Data:
        return self.as_data(raw, sample_weight)

    def _log_likelihoods(self, params: LinkageParams, data: Data) -> Array:
        return x_log_y(np.ones(len(data)), _cells(params.theta)[data.units])

    def sample(self, params: LinkageParams, n: int, rng: np.random.Generator) -> Array:
        """Draw n animals and count them by their cells, shape (4,)."""
        return rng.multinomial(n, _cells(params.theta))

    def expectation_under(self, q: Any, params: LinkageParams, data: Data) -> tuple[Statistics, float]:
        """Return statistics and entropy when the first cell is split by any q, not only the posterior.

        Parameters
        ----------
        q : float
            Share of the first cell that belongs to theta/4, in [0, 1].
        """
        share = as_floats(q, "q")
        if share.shape != () or not 0 <= share <= 1:
            raise ValueError(f"q: {q!r} found; linkage needs one share in [0, 1]")
        require_data(data)
        seen = np.asarray(data.weights)
        hidden = seen[data.units == 0].sum()
        success = hidden * share + seen[data.units == 3].sum()
        failure = seen[(data.units == 1) | (data.units == 2)].sum()
        constant = x_log_y(hidden * (1 - share), np.asarray(0.5)) + (success + failure) * np.log(0.25)
        entropy = -hidden * (x_log_y(share, share) + x_log_y(1 - share, 1 - share))
        return Statistics({"theta": np.array([success, failure, constant])}), float(entropy)

    def missing_information(self, params: LinkageParams, data: Data) -> Array:
        """Return the posterior variance of the complete-data score, shape (1, 1)."""
        require_data(data)
        hidden = np.asarray(data.weights)[data.units == 0].sum()
        share = params.theta / (2 + params.theta)
        return np.atleast_2d(hidden * share * (1 - share) / params.theta**2)


def _cells(theta: Array) -> Array:
    """Return the probabilities of the four cells."""
    return np.array([0.5 + theta / 4, (1 - theta) / 4, (1 - theta) / 4, theta / 4])
