"""Mixture of multivariate normal distributions."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np

from emlib.blocks import Positive, PositiveDefinite, Real, Simplex
from emlib.blocks.block import Block
from emlib.data import Data
from emlib.data.rows import NormalRows
from emlib.data.validate import positive_integer
from emlib.families import Categorical, Family, LinearGaussian, covariance
from emlib.families.mean_coordinates import MixtureMean
from emlib.kernels import (
    LONG,
    MOST_SCORES,
    estep_chunk,
    use_compiled_mixture,
    use_compiled_scores,
)
from emlib.model import Expectation, Statistics
from emlib.models import compiled_gaussian, gaussian_data, gaussian_overlaps
from emlib.models.compiled_gaussian import NormalDensities
from emlib.models.memberships import log_weights
from emlib.models.missing_information import weight_score
from emlib.models.mixture import MixtureModel, starved
from emlib.models.normal_steps import NormalSteps, normal_steps
from emlib.models.penalty import CovariancePenalty, penalised
from emlib.numerics import Array, all_true, lower_indices
from emlib.space import ParameterSpace

WIDE = 200  # scores of all components from which their products outgrow the E-step


@dataclass(frozen=True, eq=False)
class GaussianMixtureParams:
    """Parameters of `GaussianMixture`.

    Attributes
    ----------
    weights : ndarray, shape (K,)
        Mixing proportions.
    means : ndarray, shape (K, d)
    covariances : ndarray
        (K, d, d) full, (d, d) tied, (K, d) diag (variances), (K,) spherical (variances).
    """

    weights: Array
    means: Array
    covariances: Array


@dataclass(frozen=True)
class GaussianMixture(MixtureModel):
    """Mixture of `n_components` normal distributions in `n_features` dimensions.

    Parameters
    ----------
    n_components, n_features : int
    covariance_type : {"full", "tied", "diag", "spherical"}
    penalty : float, optional
        Weight m of a penalty on the covariances, in units of data, such as 0.1. None is maximum likelihood.

    Notes
    -----
    The likelihood is unbounded for all types but "tied": a component may collapse onto one point.
    A fit that does so ends with status DEGENERATE and names the component (Day 1969). With a penalty none can: then
    loglik - m sum_k KL(N(0, S) || N(0, Sigma_k)) is maximised, S the data's covariance over K^(2/d), as if each
    component had m units more, which lie about its own mean as S does (Fraley & Raftery 2007, Chen & Tan 2009).

    Examples
    --------
    >>> import emlib
    >>> from emlib.models import GaussianMixture
    >>> rows = [-2.4, -2.1, -1.9, -1.6, 1.5, 1.8, 2.2, 2.5]
    >>> model = GaussianMixture(n_components=2, n_features=1, covariance_type="tied")
    >>> result = emlib.fit(model, rows, rng=0)
    >>> sorted(result.params.means.ravel().round(3).tolist())
    [-2.0, 2.0]
    >>> model.predict(result.params, [-2.0, -1.5, 3.0]).tolist().count(int(result.params.means.argmax()))
    1

    Three rows in one place, and what the penalty makes of them:

    >>> rows += [9.0, 9.0, 9.0]
    >>> start = {"weights": [0.7, 0.3], "means": [[0], [9]], "covariances": [[[1]], [[1]]]}
    >>> [emlib.fit(GaussianMixture(2, 1, penalty=m), rows, start=start).stopped_by for m in (None, 0.1)]
    ['DEGENERATE', 'CONVERGED']
    """

    n_components: int
    n_features: int
    covariance_type: str = "full"
    penalty: float | None = field(default=None, kw_only=True, repr=False)

    def __post_init__(self) -> None:
        positive_integer(self.n_features, "n_features")
        if self.covariance_type not in covariance.TYPES:
            raise ValueError(f"covariance_type: {self.covariance_type!r} is unknown; choose one of {covariance.TYPES}")
        super().__post_init__()

    @property
    def space(self) -> ParameterSpace:
        """Weights on the simplex, real means, positive definite (or positive) covariances."""
        count, side = self.n_components, self.n_features
        shape = covariance.shape(self.covariance_type, count, side)
        matrix = self.covariance_type in ("full", "tied")
        noise: Block = PositiveDefinite("covariances", shape) if matrix else Positive("covariances", shape)
        blocks = (Simplex("weights", (count,)), Real("means", (count, side)), noise)
        chart = MixtureMean(self, self._moments) if self.penalty is None else None
        return ParameterSpace(GaussianMixtureParams, blocks, chart, self.fixed)

    @property
    def families(self) -> tuple[Family, ...]:
        """Memberships and Gaussian responses."""
        return (Categorical("weights"), self._gaussian, *self._constant)

    @property
    def _gaussian(self) -> LinearGaussian:
        return LinearGaussian("means", "covariances", self.covariance_type, "components")

    @property
    def _prior(self) -> CovariancePenalty | None:
        return penalised(self.penalty, self._gaussian)

    @property
    def reader(self) -> NormalRows:
        """Rows of `n_features` numbers; constant and linearly dependent columns are refused."""
        return NormalRows(self.n_features, self.n_components, self.covariance_type)

    def start(self, data: Data, rng: np.random.Generator) -> GaussianMixtureParams:
        """Draw k-means++ centres; equal weights; the data's covariance, shrunk by the number of components."""
        centres = gaussian_data.spread_centres(data, self.n_components, rng)
        noise = gaussian_data.shrunk(data.scale, self.n_components, self.covariance_type)
        weights = np.full(self.n_components, 1 / self.n_components)
        return self.space.hold(GaussianMixtureParams(weights, centres, noise))

    def _noise(self, params: GaussianMixtureParams) -> Array:
        return covariance.expand(self.covariance_type, params.covariances, self.n_components, self.n_features)

    def _log_joint(self, params: GaussianMixtureParams, data: Data) -> Array:
        return gaussian_data.log_density(data.units, params.means, self._noise(params)) + log_weights(params.weights)

    def _statistics(self, params: GaussianMixtureParams, data: Data, members: Array) -> Statistics:
        moments = gaussian_data.moments(data.units, members, params.means, self.covariance_type)
        return Statistics({"weights": members.sum(axis=0), "components": moments})

    def _prepared(self, params: GaussianMixtureParams) -> NormalDensities:
        logs = log_weights(params.weights)
        return NormalDensities(logs, params.means, self._noise(params), self.covariance_type)

    def _expectation(self, params: GaussianMixtureParams, prepared: NormalDensities, data: Data) -> Expectation:
        if not use_compiled_mixture(_deciding(data), self.n_components, self.n_features):
            return super()._expectation(params, prepared, data)
        return compiled_gaussian.e_step(prepared, data)

    def batch_steps(self, data: Data, coordinates: str, count: int) -> NormalSteps | None:
        """Return compiled steps where there are many; for plain full covariances also where E-steps are."""
        plain = self.penalty is None and not self.space.fixed and self.covariance_type == "full"
        compiled = plain and use_compiled_mixture(len(data), self.n_components, self.n_features)
        sizes, whitener = (self.n_components, self.n_features, 1), partial(gaussian_data.whitener, data.scale)
        return normal_steps(self, GaussianMixture, data, coordinates, count, self._gaussian, sizes, whitener, compiled)

    def estep_chunk(self) -> int:
        """Return how many rows an E-step takes at a time, unless a caller says so: more where loops are compiled."""
        return estep_chunk(self.n_components, self.n_features)

    def _scores(self, params: GaussianMixtureParams, data: Data) -> list[Array]:
        precision, heads = np.linalg.inv(self._noise(params)), [weight_score(weight) for weight in params.weights]
        return [gaussian_data.scores(data.units - m, a, h, self.covariance_type) for m, a, h in
                zip(params.means, precision, heads, strict=True)]

    def _missing_products(self, params: GaussianMixtureParams, data: Data, width: int) -> Array:
        if not use_compiled_scores(_deciding(data), self.n_components, width // self.n_components):
            return super()._missing_products(params, data, width)
        return gaussian_overlaps.missing_products(self._prepared(params), data)

    def _score_maps(self, k: int) -> list[Array]:
        noise = covariance.entry_embedding(self.covariance_type, self.n_components, self.n_features, k)
        return [*super()._score_maps(k)[:2], noise]

    def missing_information_cost(self) -> int:
        """Return the cost of `missing_information` in E-steps, as timed on 30 000 rows: posterior and products.

        The E-step of many features takes fewer and fewer operations beside these, which beyond `MOST_SCORES` are
        NumPy's.
        """
        one = 1 + self.n_features + len(covariance.entries(self.covariance_type, self.n_features)[0])
        width = self.n_components * one
        if width > WIDE:
            return round((self.n_components + 1) * one / (16.0 if width <= MOST_SCORES else 4.5))
        return max(1, round(1.1 + width * one / (8 * (3 * self.n_features**2 + 20))))

    def sample(self, params: GaussianMixtureParams, n: int, rng: np.random.Generator, *,
               with_latent: bool = False) -> Any:
        """Draw n rows, shape (n, d); `with_latent` also their components, shape (n,)."""
        labels = self._random_labels(params, n, rng)
        rows = gaussian_data.drawn(params.means, self._noise(params), labels, rng)
        return (rows, labels) if with_latent else rows

    def precisions(self, params: GaussianMixtureParams) -> Array:
        """Return the inverses of the covariances, of their shape; of variances the reciprocals."""
        matrix = self.covariance_type in ("full", "tied")
        return np.asarray(np.linalg.inv(params.covariances) if matrix else 1.0 / params.covariances)

    def degenerate(self, params: GaussianMixtureParams, data: Data) -> str | None:
        """Name the component that is empty, or whose covariance has collapsed against the data's; else None."""
        if not all(all_true(np.isfinite(value)) for value in (params.means, params.covariances)):
            return starved(params.weights)
        found = gaussian_data.collapsed(self._noise(params), data.scale)
        if found is None:
            return None
        return (f"covariances: component {found[0]} has collapsed, its smallest variance is {found[1]:.1e} of the "
                "data's; the likelihood is unbounded there: use another start, fewer components, "
                "covariance_type='tied', or a penalty= such as 0.1")

    @property
    def _labelled(self) -> tuple[str, ...]:
        return ("means",) if self.covariance_type == "tied" else ("means", "covariances")

    def _nudged(self, params: GaussianMixtureParams, data: Data, rng: np.random.Generator) -> GaussianMixtureParams:
        return replace(params, means=gaussian_data.nudged(params.means, data.scale, rng))

    def _moments(self, fields: dict[str, Array]) -> Array:
        """E[T] per unit: weights without the last, pi_k mu_k, and the type's second moments (vech)."""
        weights, means = fields["weights"], fields["means"]
        noise = covariance.expand(self.covariance_type, fields["covariances"], self.n_components, self.n_features)
        second = weights[:, None, None] * (noise + means[:, :, None] * means[:, None, :])
        gathered = covariance.gather(self.covariance_type, second)
        if self.covariance_type in ("full", "tied"):
            rows, columns = lower_indices(self.n_features)
            gathered = gathered[..., rows, columns]
        return np.concatenate([weights[:-1], (weights[:, None] * means).ravel(), gathered.ravel()])

    def from_mean(self, vector: Array) -> GaussianMixtureParams:
        """Return the parameters whose expected statistics per unit are `vector`."""
        result: GaussianMixtureParams = gaussian_data.from_mean(self, vector)
        return result


def _deciding(data: Data) -> float:
    """Return the units that decide whether loops are compiled: the whole, where the chunk is the end of long data."""
    whole = len(data) / (data.share or 1.0)  # else NumPy would take longer for that short chunk than they for the rest
    return whole if whole > LONG else len(data)
