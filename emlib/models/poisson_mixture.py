"""Mixture of Poisson distributions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from emlib.blocks import Rate, Simplex
from emlib.data import Data
from emlib.data.rows import Counts
from emlib.families import Categorical, Family, Poisson, poisson
from emlib.families.mean_coordinates import MixtureMean
from emlib.model import Statistics
from emlib.models.count_steps import CountSteps
from emlib.models.memberships import log_weights
from emlib.models.missing_information import weight_score
from emlib.models.mixture import MixtureModel
from emlib.models.tabulated import tabulated
from emlib.numerics import Array, ratio
from emlib.space import ParameterSpace


@dataclass(frozen=True, eq=False)
class PoissonMixtureParams:
    """Parameters of `PoissonMixture`.

    Attributes
    ----------
    weights : ndarray, shape (K,)
        Mixing proportions.
    rates : ndarray, shape (K,)
        Means of the components, counts per unit.
    """

    weights: Array
    rates: Array


@dataclass(frozen=True)
class PoissonMixture(MixtureModel):
    """Mixture of `n_components` Poisson distributions; data are counts, tabulated or not.

    Examples
    --------
    >>> import emlib
    >>> from emlib.models import PoissonMixture
    >>> deaths = [162, 267, 271, 185, 111, 61, 27, 8, 3, 1]
    >>> result = emlib.fit(PoissonMixture(2), range(10), sample_weight=deaths, rng=0)
    >>> round(result.loglik, 3)
    -1989.946
    """

    n_components: int

    @property
    def space(self) -> ParameterSpace:
        """Weights on the simplex, rates that are not negative."""
        count = (self.n_components,)
        blocks = (Simplex("weights", count), Rate("rates", count))
        return ParameterSpace(PoissonMixtureParams, blocks, MixtureMean(self, _moments), self.fixed)

    @property
    def families(self) -> tuple[Family, ...]:
        """Memberships and counts."""
        return (Categorical("weights"), Poisson("rates"))

    @property
    def reader(self) -> Counts:
        """Counts, shape (n,), with optional numbers of repeats."""
        return Counts(self.n_components)

    def start(self, data: Data, rng: np.random.Generator) -> PoissonMixtureParams:
        """Draw random weights, and rates at random quantiles of the data."""
        shares = data.frequencies
        picks = rng.choice(data.units, size=self.n_components, p=shares / shares.sum())
        rates = poisson.near(picks, rng)
        return self.space.hold(PoissonMixtureParams(rng.dirichlet(np.full(self.n_components, 5.0)), rates))

    def batch_steps(self, data: Data, coordinates: str, count: int) -> CountSteps | None:
        """Return steps on plain counts; None where a field is held."""
        return CountSteps(self, data, coordinates) if type(self) is PoissonMixture and not self.space.fixed else None

    def condensed(self, data: Data) -> Data:
        """Return each count once, with how often it was seen."""
        return tabulated(data)

    def _log_joint(self, params: PoissonMixtureParams, data: Data) -> Array:
        return poisson.log_mass(data.units, params.rates) + log_weights(params.weights)

    def _statistics(self, params: PoissonMixtureParams, data: Data, members: Array) -> Statistics:
        moments = poisson.moments(data.units, members)
        return Statistics({"weights": moments[0], "rates": moments})

    def _scores(self, params: PoissonMixtureParams, data: Data) -> list[Array]:
        rates = np.maximum(params.rates, poisson.SMALLEST_RATE)
        return [np.stack([np.full(len(data), weight_score(params.weights[k])), ratio(data.units, rates[k]) - 1], axis=1)
                for k in range(self.n_components)]

    def sample(self, params: PoissonMixtureParams, n: int, rng: np.random.Generator, *,
               with_latent: bool = False) -> Any:
        """Draw n counts, shape (n,); `with_latent` also their components, shape (n,)."""
        labels = self._random_labels(params, n, rng)
        counts = rng.poisson(params.rates[labels]).astype(float)
        return (counts, labels) if with_latent else counts

    def from_mean(self, vector: Array) -> PoissonMixtureParams:
        """Return the parameters whose expected statistics per unit are `vector`."""
        weights = np.append(vector[: self.n_components - 1], 1 - vector[: self.n_components - 1].sum())
        return PoissonMixtureParams(weights, vector[self.n_components - 1:] / weights)


def _moments(fields: dict[str, Array]) -> Array:
    """E[T] per unit: (pi_1, ..., pi_{K-1}, pi_k lambda_k)."""
    return np.concatenate([fields["weights"][:-1], fields["weights"] * fields["rates"]])
