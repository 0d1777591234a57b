"""Finite mixtures: all that follows from the densities and statistics of the components."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property, partial
from typing import Any, ClassVar

import numpy as np

from emlib.data import Data, any_units, require_data
from emlib.data.validate import positive_integer
from emlib.model import Expectation, Statistics
from emlib.models import memberships
from emlib.models.discrete import NUDGE, DiscreteLatentModel
from emlib.models.missing_information import missing_information, score_embedding, summed
from emlib.numerics import Array, all_true, congruence, kron, log_sum_exp, sparse_if_large


class MixtureModel(DiscreteLatentModel):
    """A model in which each unit comes from one of `n_components` components, its hidden label.

    A mixture is a frozen dataclass with a field `n_components` that gives `space`, with `weights` first, `families`, a
    `reader` of the data, a random `start`, and the abstract members. E-step, posterior, scores of units, random units,
    missing information and bounds under any memberships are here; see `NegativeBinomialMixture` for a short example.
    """

    n_components: int
    _label: ClassVar[str] = "component"

    def __post_init__(self) -> None:
        positive_integer(self.n_components, "n_components")
        super().__post_init__()

    @abstractmethod
    def _log_joint(self, params: Any, data: Data) -> Array:
        """Return log(pi_k p_k(y_i)), shape (n, K)."""

    @abstractmethod
    def _statistics(self, params: Any, data: Data, members: Array) -> Statistics:
        """Return the complete-data statistics for memberships times observation weights, shape (n, K)."""

    @abstractmethod
    def _scores(self, params: Any, data: Data) -> Sequence[Array]:
        """Return, for each component, the gradient of `_log_joint` in its own parameters, shape (n, q)."""

    @abstractmethod
    def sample(self, params: Any, n: int, rng: np.random.Generator, *, with_latent: bool = False) -> Any:
        """Draw n units, as `as_data` reads them; `_random_labels` draws their components, `with_latent` returned, too.
        """

    @property
    def _labelled(self) -> tuple[str, ...]:
        return tuple(block.name for block in self.space.blocks if block.name != "weights")

    @property
    def n_latent_values(self) -> int:
        """Return the number of components."""
        return self.n_components

    def _posterior(self, params: Any, data: Data) -> memberships.Posterior:
        return memberships.posterior(self._log_joint(params, data), data)

    def _expectation(self, params: Any, prepared: Any, data: Data) -> Expectation:
        data = self.condensed(data)
        found = self._posterior(params, data)
        return Expectation.of(self._statistics(params, data, found.memberships), found.logliks, found.entropy, data)

    def expectation_under(self, q: Any, params: Any, data: Data) -> tuple[Statistics, float]:
        """Return statistics and entropy under any memberships q, shape (n, K), not only the posterior."""
        require_data(data)
        members, entropy = memberships.weighted(q, data, self.n_components)
        stats = self._statistics(params, data, members)
        return stats if self._prior is None else self._prior.joined(stats, params, data), entropy

    def posterior(self, params: Any, data: Any) -> Array:
        """Return the responsibilities, the probabilities of the components, of any units, shape (n, K)."""
        return self._posterior(params, any_units(self.reader, data)).responsibilities

    def _log_likelihoods(self, params: Any, data: Data) -> Array:
        return log_sum_exp(self._log_joint(params, data))

    def _random_labels(self, params: Any, n: int, rng: np.random.Generator) -> Array:
        labels: Array = rng.choice(self.n_components, size=n, p=params.weights)
        return labels

    def missing_information(self, params: Any, data: Data) -> Array:
        """Return Louis's missing information in standard entries, shape (p, p)."""
        require_data(data)
        embed = self._embedding
        return congruence(embed, self._missing_products(params, self.condensed(data), embed.shape[0]))

    @cached_property
    def _embedding(self) -> Any:
        """Return the map from the components' scores to standard entries, which sizes alone decide; sparse if large."""
        return sparse_if_large(score_embedding([self._score_maps(k) for k in range(self.n_components)]))

    def _missing_products(self, params: Any, data: Data, width: int) -> Array:
        """Return the sum of the covariances of the units' scores given the data, shape (width, width)."""
        return summed(partial(self._missing, params), data, width)

    def _missing(self, params: Any, data: Data) -> Array:
        return missing_information(self._posterior(params, data), self._scores(params, data))

    def _score_maps(self, k: int) -> list[Array]:
        """Return, field by field, the map from the score of component k to the field's entries."""
        unit = np.eye(self.n_components)[[k]]
        return [kron(unit, np.eye(block.size // self.n_components)) for block in self.space.blocks]

    def _nudged(self, params: Any, data: Data, rng: np.random.Generator) -> Any:
        """Return parameters of which no two components agree; here the first own field, positive, by some per cent."""
        name = self._labelled[0]
        value = getattr(params, name)
        return replace(params, **{name: value * np.exp(NUDGE * rng.standard_normal(value.shape))})

    def degenerate(self, params: Any, data: Data) -> str | None:
        """Name the component that no unit belongs to; None if there is none."""
        return starved(params.weights)


def starved(weights: Array) -> str | None:
    """Name the first component that no unit belongs to; None if all have some weight."""
    if all_true(weights > 0) or not np.isfinite(weights).all():
        return None
    k = int(np.argmin(weights))
    return (f"weights: component {k} has weight {weights[k]:.3g}, so that its other parameters have no estimate; "
            "use fewer components or another start")
