"""Mixture of negative binomial distributions: counts that vary more than Poisson counts do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from emlib.blocks import Positive, Simplex
from emlib.data import Data
from emlib.data.moments import moments
from emlib.data.reader import Tally
from emlib.data.rows import Counts
from emlib.families import Categorical, Family, negative_binomial
from emlib.model import Statistics
from emlib.models.memberships import log_weights
from emlib.models.missing_information import weight_score
from emlib.models.mixture import MixtureModel
from emlib.models.tabulated import tabulated
from emlib.numerics import Array
from emlib.space import ParameterSpace


@dataclass(frozen=True, eq=False)
class NegativeBinomialMixtureParams:
    """Parameters of `NegativeBinomialMixture`.

    Attributes
    ----------
    weights, means, dispersion : ndarray, shape (K,)
        Mixing proportions; mean counts; alpha, for a variance of mean + alpha mean^2 (its inverse is the size).
    """

    weights: Array
    means: Array
    dispersion: Array


@dataclass(frozen=True)
class CountsWithMoments(Counts):
    """Reads counts; the scale is their mean, variance and largest value, shape (3,)."""

    def measure(self, block: Data) -> Any:
        return moments(block.units[:, None], block.weights)

    def scale(self, tally: Tally, measured: Any, data: Data) -> Any:
        super().scale(tally, int(measured.mean[0] > 0), data)
        return np.array([measured.mean[0], measured.spread[0, 0], measured.largest[0]])


@dataclass(frozen=True)
class NegativeBinomialMixture(MixtureModel):
    """Mixture of `n_components` negative binomial distributions; data are counts, tabulated or not.

    Notes
    -----
    No finite statistic sums up a sample: the complete-data family is not exponential (theorem T2 fails), and the
    statistics are expected numbers of each count up to the largest. The M-step finds the dispersion numerically (see
    `families.negative_binomial`). Where a component's counts vary no more than Poisson ones, its maximum lies at alpha
    = 0: alpha falls to 1e-10 over the mean, or to where `tol` ends the fit, and its standard error means nothing.

    Examples
    --------
    >>> import emlib, numpy as np
    >>> from emlib.models import NegativeBinomialMixture
    >>> model = NegativeBinomialMixture(n_components=2)
    >>> truth = model.params(weights=[0.5, 0.5], means=[2.0, 30.0], dispersion=[0.5, 0.1])
    >>> result = emlib.fit(model, model.sample(truth, 2000, np.random.default_rng(0)), rng=0)
    >>> result.success, sorted(result.params.means.round().tolist())
    (True, [2.0, 30.0])
    """

    n_components: int

    @property
    def space(self) -> ParameterSpace:
        """Weights on the simplex, positive means and dispersions; no mean coordinates (theorem T2 fails)."""
        blocks = [kind(name, (self.n_components,)) for kind, name in
                  ((Simplex, "weights"), (Positive, "means"), (Positive, "dispersion"))]
        return ParameterSpace(NegativeBinomialMixtureParams, blocks, fixed=self.fixed)

    @property
    def families(self) -> tuple[Family, ...]:
        """Memberships and counts."""
        return (Categorical("weights"), negative_binomial.NegativeBinomial())

    @property
    def reader(self) -> CountsWithMoments:
        """Counts, shape (n,), with optional numbers of repeats."""
        return CountsWithMoments(self.n_components)

    def start(self, data: Data, rng: np.random.Generator) -> NegativeBinomialMixtureParams:
        """Draw random weights, means at random quantiles of the data, and dispersions about a share of the data's."""
        seen = data.frequencies
        picks = rng.choice(data.units, size=self.n_components, p=seen / seen.sum()) + 0.5
        share = max(data.scale[1] / data.scale[0] ** 2, 0.1) / self.n_components
        means, sizes = np.exp([[0.1], [0.5]] * rng.standard_normal((2, self.n_components)))
        weights = rng.dirichlet(np.full(self.n_components, 5.0))
        return self.space.hold(NegativeBinomialMixtureParams(weights, picks * means, share * sizes))

    def sample(self, params: NegativeBinomialMixtureParams, n: int, rng: np.random.Generator, *,
               with_latent: bool = False) -> Any:
        """Draw n counts, shape (n,): Poisson ones of gamma rates; `with_latent` also their components, shape (n,)."""
        labels = self._random_labels(params, n, rng)
        rates = rng.gamma(1 / params.dispersion[labels], (params.dispersion * params.means)[labels])
        counts = rng.poisson(rates).astype(float)
        return (counts, labels) if with_latent else counts

    def condensed(self, data: Data) -> Data:
        """Return each count once, with how often it was seen."""
        return tabulated(data)

    def _log_joint(self, params: NegativeBinomialMixtureParams, data: Data) -> Array:
        counts = data.units.astype(int)
        table = negative_binomial.log_mass(params.means, params.dispersion, counts.max() + 1)
        return np.asarray(table.T[counts] + log_weights(params.weights))

    def _statistics(self, params: NegativeBinomialMixtureParams, data: Data, members: Array) -> Statistics:
        found = [np.bincount(data.units.astype(int), column, minlength=int(data.scale[2]) + 1) for column in members.T]
        return Statistics({"weights": members.sum(axis=0), "counts": np.stack(found)})

    def _scores(self, params: NegativeBinomialMixtureParams, data: Data) -> list[Array]:
        counts = data.units.astype(int)
        tables = negative_binomial.scores(params.means, params.dispersion, counts.max() + 1)
        return [np.stack([np.full(len(data), weight_score(weight)), *(table[k, counts] for table in tables)], axis=1)
                for k, weight in enumerate(params.weights)]
