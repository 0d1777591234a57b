"""Mixture of products of Bernoulli distributions: latent classes of binary answers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from emlib.blocks import Interval, Simplex
from emlib.data import Data
from emlib.data.rows import BinaryRows
from emlib.data.validate import positive_integer
from emlib.families import Bernoulli, Categorical, Family
from emlib.families.bernoulli import NEXT
from emlib.families.mean_coordinates import MixtureMean
from emlib.model import Statistics
from emlib.models.count_steps import AnswerSteps
from emlib.models.discrete import NUDGE
from emlib.models.memberships import log_weights
from emlib.models.missing_information import weight_score
from emlib.models.mixture import MixtureModel
from emlib.numerics import Array
from emlib.space import ParameterSpace


@dataclass(frozen=True, eq=False)
class BernoulliMixtureParams:
    """Parameters of `BernoulliMixture`.

    Attributes
    ----------
    weights : ndarray, shape (K,)
        Mixing proportions.
    probabilities : ndarray, shape (K, d)
        Of a one in each column, by component.
    """

    weights: Array
    probabilities: Array


@dataclass(frozen=True)
class BernoulliMixture(MixtureModel):
    """Mixture of `n_components` products of Bernoulli distributions of `n_features` binary columns.

    Parameters
    ----------
    n_components, n_features : int

    Notes
    -----
    Known as latent class analysis. The likelihood is bounded; a probability of exactly 0 or 1 lies on the boundary
    and is no collapse. `diagnostics.information` then names it and leaves it out.
    Too many components for the columns cannot be told apart from fewer: with d columns there are only 2^d - 1
    probabilities to be seen, and K (d + 1) - 1 parameters.

    Examples
    --------
    >>> import emlib, numpy as np
    >>> from emlib.models import BernoulliMixture
    >>> model = BernoulliMixture(n_components=2, n_features=4)
    >>> truth = model.params(weights=[0.5, 0.5], probabilities=[[0.9] * 4, [0.2] * 4])
    >>> rows = model.sample(truth, 400, np.random.default_rng(0))
    >>> result = emlib.fit(model, rows, rng=0)
    >>> result.success, sorted(result.params.probabilities.mean(axis=1).round(1).tolist())
    (True, [0.2, 0.9])
    """

    n_components: int
    n_features: int

    def __post_init__(self) -> None:
        positive_integer(self.n_features, "n_features")
        super().__post_init__()

    @property
    def space(self) -> ParameterSpace:
        """Weights on the simplex, probabilities in [0, 1]."""
        count, side = self.n_components, self.n_features
        blocks = (Simplex("weights", (count,)), Interval("probabilities", (count, side)))
        return ParameterSpace(BernoulliMixtureParams, blocks, MixtureMean(self, _moments), self.fixed)

    @property
    def families(self) -> tuple[Family, ...]:
        """Memberships and binary answers."""
        return (Categorical("weights"), Bernoulli("probabilities"))

    @property
    def reader(self) -> BinaryRows:
        """Rows of zeros and ones, shape (n, d); constant columns, whose probabilities are 0 or 1, are refused."""
        return BinaryRows(self.n_features, self.n_components)

    def start(self, data: Data, rng: np.random.Generator) -> Any:
        """Draw random weights, and probabilities half-way between random rows and the columns' means."""
        seen = data.frequencies
        shares = seen / seen.sum()
        picks = data.units[rng.choice(len(data), size=self.n_components, p=shares)]
        between = 0.5 * picks + 0.5 * shares @ data.units
        moved = between + 0.2 * (rng.random(picks.shape) - between)
        return self.space.hold(BernoulliMixtureParams(rng.dirichlet(np.full(self.n_components, 5.0)), moved))

    def batch_steps(self, data: Data, coordinates: str, count: int) -> AnswerSteps | None:
        """Return steps on plain arrays; None where a field is held."""
        own = type(self) is BernoulliMixture
        return AnswerSteps(self, data, coordinates) if own and not self.space.fixed else None

    def sample(self, params: BernoulliMixtureParams, n: int, rng: np.random.Generator, *,
               with_latent: bool = False) -> Any:
        """Draw n rows of zeros and ones, shape (n, d); `with_latent` also their components, shape (n,)."""
        labels = self._random_labels(params, n, rng)
        rows = (rng.random((n, self.n_features)) < params.probabilities[labels]).astype(float)
        return (rows, labels) if with_latent else rows

    def _log_joint(self, params: BernoulliMixtureParams, data: Data) -> Array:
        rows, chances = data.units, params.probabilities
        with np.errstate(divide="ignore"):
            yes, no = np.log(chances), np.log1p(-chances)
        inside = np.isfinite(yes) & np.isfinite(no)
        log_mass = rows @ np.where(inside, yes - no, 0.0).T + np.where(inside, no, 0.0).sum(axis=1)
        if not inside.all():
            wrong = rows @ (chances <= 0).T.astype(float) + (1 - rows) @ (chances >= 1).T.astype(float)
            log_mass = np.where(wrong > 0, -np.inf, log_mass)
        return np.asarray(log_mass + log_weights(params.weights))

    def _statistics(self, params: BernoulliMixtureParams, data: Data, members: Array) -> Statistics:
        ones, zeros = members.T @ data.units, members.T @ (1 - data.units)
        return Statistics({"weights": members.sum(axis=0), "probabilities": np.stack([ones, zeros, 0 * ones])})

    def _scores(self, params: BernoulliMixtureParams, data: Data) -> list[Array]:
        return [_scores(data.units, *fields) for fields in zip(params.weights, params.probabilities, strict=True)]

    def missing_information_cost(self) -> int:
        """Return the cost of `missing_information` in E-steps: a ratio of operation counts."""
        width = self.n_components * (self.n_features + 1)
        return max(1, round(width**2 / (self.n_components * (8 * self.n_features + 20))))

    def from_mean(self, vector: Array) -> BernoulliMixtureParams:
        """Return the parameters whose expected statistics per unit are `vector`."""
        head, ones = np.split(vector, [self.n_components - 1])
        weights = np.append(head, 1 - head.sum())
        return BernoulliMixtureParams(weights, ones.reshape(self.n_components, -1) / weights[:, None])

    def _nudged(self, params: BernoulliMixtureParams, data: Data, rng: np.random.Generator) -> BernoulliMixtureParams:
        odds = params.probabilities * np.exp(NUDGE * rng.standard_normal(params.probabilities.shape))
        return replace(params, probabilities=odds / (odds + 1 - params.probabilities))


def _scores(rows: Array, weight: float, chances: Array) -> Array:
    """Complete-data scores (weight, probabilities) of rows in one component."""
    head = np.full((len(rows), 1), weight_score(weight))
    inside = np.clip(chances, *NEXT)  # at 0 or 1 the rows with an infinite score have no share in the component
    return np.concatenate([head, np.where(rows == 1, 1 / inside, -1 / (1 - inside))], axis=1)


def _moments(fields: dict[str, Array]) -> Array:
    """E[T] per unit: weights without the last, and pi_k p_k."""
    return np.concatenate([fields["weights"][:-1], (fields["weights"][:, None] * fields["probabilities"]).ravel()])
