"""Mixture of Poisson distributions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from emlib.blocks import Positive, Simplex
from emlib.data import Data, reading
from emlib.data.validate import as_counts, positive_integer
from emlib.families import Categorical, Family, Poisson, ProductModel, poisson
from emlib.mean import MixtureMean
from emlib.model import Expectation, Statistics
from emlib.models import mixture
from emlib.numerics import Array, ratio
from emlib.space import ParameterSpace

SPREAD = 0.01  # relative size of the nudge that tells equal components apart


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
class PoissonMixture(ProductModel):
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

    def __post_init__(self) -> None:
        positive_integer(self.n_components, "n_components")
        super().__post_init__()

    @property
    def space(self) -> ParameterSpace:
        """Weights on the simplex, positive rates."""
        count = (self.n_components,)
        blocks = (Simplex("weights", count), Positive("rates", count))
        return ParameterSpace(PoissonMixtureParams, blocks, MixtureMean(self, _moments), self.fixed)

    @property
    def families(self) -> tuple[Family, ...]:
        """Memberships and counts."""
        return (Categorical("weights"), Poisson("rates"))

    def as_data(self, raw: Any, sample_weight: Any = None) -> Data:
        """Read counts, shape (n,), with optional numbers of repeats."""
        return reading.as_data(self, raw, sample_weight)

    def _units(self, raw: Any) -> Array:
        return as_counts(raw)

    def _survey(self, block: Data) -> int:
        return int(np.count_nonzero(block.units if block.weights is None else block.units[block.weights > 0]))

    def _settle(self, tally: reading.Tally, found: int, data: Data) -> None:
        tally.enough(self.n_components, "components")
        if not found:
            raise ValueError("data: every count is zero; the rates have no interior estimate")

    def start(self, data: Data, rng: np.random.Generator) -> PoissonMixtureParams:
        """Draw random weights, and rates at random quantiles of the data."""
        shares = np.ones(len(data)) if data.weights is None else data.weights
        picks = rng.choice(data.units, size=self.n_components, p=shares / shares.sum())
        rates = (picks + 0.5) * np.exp(0.1 * rng.standard_normal(self.n_components))
        return self.space.hold(PoissonMixtureParams(rng.dirichlet(np.full(self.n_components, 5.0)), rates))

    def _posterior(self, params: PoissonMixtureParams, data: Data) -> mixture.Posterior:
        log_mass = poisson.log_mass(data.units, params.rates)
        return mixture.posterior(log_mass + mixture.log_weights(params.weights), data.weights)

    def e_step(self, params: PoissonMixtureParams, data: Any) -> Expectation:
        """Return expected memberships, counts and log factorials of a chunk."""
        data = reading.in_memory(self, data)
        found = self._posterior(params, data)
        return Expectation(self._statistics(found.memberships, data), found.loglik, found.entropy, data.n_units,
                           found.magnitude)

    def _statistics(self, members: Array, data: Data) -> Statistics:
        moments = poisson.moments(data.units, members)
        return Statistics({"weights": moments[0], "rates": moments})

    def expectation_under(self, q: Any, params: PoissonMixtureParams, data: Any) -> tuple[Statistics, float]:
        """Return statistics and entropy under any memberships q, shape (n, K), not only the posterior."""
        data = reading.in_memory(self, data)
        members, entropy = mixture.weighted(q, data, self.n_components)
        return self._statistics(members, data), entropy

    def posterior(self, params: PoissonMixtureParams, data: Any) -> Array:
        """Return the responsibilities of any counts, shape (n, K)."""
        return self._posterior(params, reading.any_units(self, data)).responsibilities

    def missing_information(self, params: PoissonMixtureParams, data: Any) -> Array:
        """Return Louis's missing information in standard entries, shape (2K, 2K); costs about one E-step."""
        data = reading.in_memory(self, data)
        count = self.n_components
        scores = [np.stack([np.full(len(data), mixture.weight_score(params.weights[k])),
                            ratio(data.units, params.rates[k]) - 1], axis=1) for k in range(count)]
        rows = [(mixture.unit_rows(count, k), mixture.unit_rows(count, k)) for k in range(count)]
        embed = mixture.score_embedding(rows, (count, count))
        missing: Array = embed.T @ mixture.missing_information(self._posterior(params, data), scores) @ embed
        return missing

    def from_mean(self, vector: Array) -> PoissonMixtureParams:
        """Return the parameters whose expected statistics per unit are `vector`."""
        weights = np.append(vector[: self.n_components - 1], 1 - vector[: self.n_components - 1].sum())
        return PoissonMixtureParams(weights, vector[self.n_components - 1:] / weights)

    @property
    def n_latent_values(self) -> int:
        """Return the number of components."""
        return self.n_components

    def degenerate(self, params: PoissonMixtureParams, data: Data) -> str | None:
        """Name the component that no unit belongs to; None if there is none."""
        return mixture.starved(params.weights)

    def separate(self, params: PoissonMixtureParams, data: Data,
                 rng: np.random.Generator) -> tuple[PoissonMixtureParams, str] | None:
        """Nudge the rates apart if two components agree; None if none do."""
        pair = mixture.equal_components([params.rates])
        if pair is None:
            return None
        nudged = params.rates * np.exp(SPREAD * rng.standard_normal(self.n_components))
        return PoissonMixtureParams(params.weights, nudged), f"components {pair[0]} and {pair[1]} started equal"


def _moments(fields: dict[str, Array]) -> Array:
    """E[T] per unit: (pi_1, ..., pi_{K-1}, pi_k lambda_k)."""
    return np.concatenate([fields["weights"][:-1], fields["weights"] * fields["rates"]])
