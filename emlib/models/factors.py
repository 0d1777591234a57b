"""What the linear factor models share: everything rests on n, the mean and the covariance of the rows."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import combinations
from typing import Any

import numpy as np

from emlib.data import Data, any_units, require_data
from emlib.data.validate import positive_integer, reweighted
from emlib.families import GaussianMoments, LinearFactors, ProductModel, covariance
from emlib.families.linear_factors import coefficients
from emlib.families.linear_gaussian import LOG_2PI
from emlib.model import Expectation, Statistics
from emlib.models import factor_data
from emlib.models.factor_data import FactorRows, Sample
from emlib.models.factor_posterior import Conditional, conditional, shared_noise
from emlib.numerics import Array

COLLAPSED = 1e-10  # smallest noise variance, as a share of the data's variance
SPREAD = 0.1  # size of the nudge off the saddle, in standard deviations of the data
RANK = 1e-8  # singular value of the loadings, as a share of the largest, that counts as none


@dataclass(frozen=True, eq=False)
class FactorParams:
    """Parameters of `PPCA` and `FactorAnalysis`.

    Attributes
    ----------
    mean : ndarray, shape (d,)
    loadings : ndarray, shape (d, k)
        W, how the features depend on the factors.
    noise_variance : ndarray, shape () or (d,)
        One number (`PPCA`), or one a feature (`FactorAnalysis`: the uniquenesses).
    """

    mean: Array
    loadings: Array
    noise_variance: Array


@dataclass(frozen=True, eq=False)
class FactorPosterior:
    """Normal posterior of the factors of each row.

    Attributes
    ----------
    means : ndarray, shape (n, k)
    covariance : ndarray, shape (k, k)
        The same for every row.
    """

    means: Array
    covariance: Array


class FactorModel(ProductModel):
    """y = mean + W z + noise with z ~ N(0, I) and independent noise; a subclass says which noise."""

    n_features: int
    n_factors: int

    def __post_init__(self) -> None:
        positive_integer(self.n_features, "n_features")
        self._check_factors()
        super().__post_init__()

    def _check_factors(self) -> None:
        """Refuse a number of factors that the model has no meaning for."""
        positive_integer(self.n_factors, "n_factors")
        if self.n_factors >= self.n_features:
            raise ValueError(f"n_factors: {self.n_factors} found; fewer than n_features={self.n_features} are needed")

    @property
    @abstractmethod
    def family(self) -> LinearFactors:
        """The complete-data likelihood."""

    @property
    def families(self) -> tuple[LinearFactors, ...]:
        """One regression on (1, z) for each feature, and the prior of z."""
        return (self.family,)

    @property
    def reader(self) -> FactorRows:
        """Rows of `n_features` numbers; constant columns are refused. The scale is the columns' variances."""
        return FactorRows(self.n_features, 1, "diag")

    def as_data(self, raw: Any, sample_weight: Any = None) -> Any:
        """Validate rows, once; data that another model has read know nothing of their moments, and are read anew."""
        if type(raw) is Data:
            raw, sample_weight = raw.units, reweighted(raw, sample_weight).weights
        return super().as_data(raw, sample_weight)

    def from_covariance(self, covariance: Any, n_units: float, mean: Any = None) -> Sample:
        """Return data with this covariance (divisor n) or correlation matrix, for when the rows are not at hand.

        Parameters
        ----------
        covariance : array_like, shape (d, d)
        n_units : float
            How many units it comes from.
        mean : array_like, shape (d,), optional
            Default: zeros.
        """
        centre = np.zeros(self.n_features) if mean is None else mean
        return factor_data.from_covariance(covariance, n_units, centre, self.n_features)

    def start(self, data: Data, rng: np.random.Generator) -> FactorParams:
        """Draw loadings that explain half of each variance on the average; the data's mean."""
        variances = np.diag(data.scale)
        drawn = rng.standard_normal((self.n_features, self.n_factors))
        loadings = drawn * np.sqrt(0.5 * variances / max(self.n_factors, 1))[:, None] * self._free()
        centre = np.average(data.units, axis=0, weights=data.weights)
        return self.space.hold(FactorParams(centre, loadings, self._pool(0.5 * variances)))

    def _free(self) -> Array:
        """Return which loadings are no known zeros, shape (d, k)."""
        pattern, shape = self.family.pattern, (self.n_features, self.n_factors)
        return np.ones(shape, dtype=bool) if pattern is None else np.array(pattern, dtype=bool)

    def _pool(self, variances: Array) -> Array:
        return variances if self.family.kind == "spherical" else np.asarray(variances.mean())

    @property
    def _known(self) -> tuple[str, ...]:
        return tuple(self.fixed or ())

    def _noise(self, params: FactorParams) -> Array:
        return np.broadcast_to(params.noise_variance, (self.n_features,))

    def e_step(self, params: FactorParams, data: Any) -> Expectation:
        """Return the expected moments of residual and (1, z), from n, mean and covariance of the rows."""
        return self._expectation(params, self._conditional(params), data)

    def e_step_at(self, params: FactorParams) -> Callable[[Any], Expectation]:
        """Return the E-step at fixed parameters, whose posterior of the factors serves all chunks."""
        return partial(self._expectation, params, self._conditional(params))

    def _conditional(self, params: FactorParams) -> Conditional:
        return conditional(params.loadings, self._noise(params))

    def _expectation(self, params: FactorParams, given: Conditional, data: Any) -> Expectation:
        require_data(data, Sample)
        noise = self._noise(params)
        count, cut = data.n_units, 1 + self.n_factors
        seen = given.seen(data, params.mean)
        squares = (np.diag(seen)[cut:] / noise).sum() + np.diag(seen)[1:cut].sum()
        constant = -0.5 * count * (self.n_features * LOG_2PI + np.log(noise).sum() + given.log_det)
        entropy = 0.5 * count * (self.n_factors * (1.0 + LOG_2PI) - given.log_det)
        stats = self._statistics(params, seen + count * given.spread, count)
        # Noise below what the data's moments resolve: the squares are rounding, and may come out negative.
        loglik = float(constant - 0.5 * squares) if squares >= 0 else -np.inf
        return Expectation(stats, loglik, float(entropy), count, float(abs(constant) + 0.5 * squares))

    def _statistics(self, params: FactorParams, total: Array, count: float) -> Statistics:
        cut, side, kind = 1 + self.n_factors, self.n_features, self.family.kind
        see = covariance.compress(kind, np.diag(total)[cut:, None, None].copy())
        moments = GaussianMoments(np.full(side, count), see, total[cut:, None, :cut],
                                  np.broadcast_to(total[:cut, :cut], (side, cut, cut)),
                                  coefficients(params)[:, None, :], kind)
        return Statistics({self.family.key: moments})

    def missing_information(self, params: FactorParams, data: Any) -> Array:
        """Return Louis's missing information in standard entries, shape (p, p); it needs no more than the moments."""
        require_data(data, Sample)
        noise = self._noise(params)
        given = self._conditional(params)
        missing = given.missing_information(given.seen(data, params.mean), data.n_units, noise)
        return missing if self.family.kind == "spherical" else shared_noise(missing, self.n_features)

    def remainder(self, params: FactorParams, stats: Statistics) -> dict[str, Array]:
        """Return EM step - P gradient, one array per field (theorem T4); the family knows what is held."""
        return self.family.remainder(params, stats[self.family.key])

    def missing_information_cost(self) -> int:
        """Return the cost of `missing_information` in E-steps, as timed: p^2 products against d^3 and a fixed part."""
        entries = self.n_features * (2 + self.n_factors)
        return max(1, round(entries**2 / (7000 + self.n_features**3 / 23)))

    @property
    def n_invariant(self) -> int:
        """Dimensions of the rotations W A, A skew, that keep the known zeros: they do not change the distribution."""
        if "loadings" in self._known:
            return 0
        free = self._free()
        generic = np.random.default_rng(0).standard_normal(free.shape) * free
        turns = [np.outer(a, b) - np.outer(b, a) for a, b in combinations(np.eye(self.n_factors), 2)]
        broken = [(generic @ turn)[~free] for turn in turns]
        return len(turns) - (int(np.linalg.matrix_rank(np.array(broken))) if turns and broken[0].size else 0)

    @property
    def n_parameters(self) -> int:
        """Return the number of free parameters, at most those of a mean and a covariance without structure."""
        side = self.n_features
        return min(super().n_parameters, side + side * (side + 1) // 2)

    def posterior(self, params: FactorParams, data: Any) -> FactorPosterior:
        """Return means and covariance of the factors given any rows."""
        rows, count = any_units(self.reader, data).units, self.n_factors
        given = self._conditional(params)
        means = (rows - params.mean) @ given.linear[1:1 + count, 1:].T
        return FactorPosterior(means, given.spread[1:1 + count, 1:1 + count])

    def _log_likelihoods(self, params: FactorParams, data: Data) -> Array:
        noise, cut = self._noise(params), 1 + self.n_factors
        given = self._conditional(params)
        expected = (data.units - params.mean) @ given.linear[:, 1:].T
        squares = (expected[:, cut:] ** 2 / noise).sum(axis=1) + (expected[:, 1:cut] ** 2).sum(axis=1)
        return np.asarray(-0.5 * (self.n_features * LOG_2PI + np.log(noise).sum() + given.log_det + squares))

    def transform(self, params: FactorParams, data: Any) -> Array:
        """Return the posterior means of the factors, shape (n, k)."""
        return self.posterior(params, data).means

    def covariance(self, params: FactorParams) -> Array:
        """Return the covariance W W' + noise of the rows, shape (d, d)."""
        result: Array = params.loadings @ params.loadings.T + np.diag(self._noise(params))
        return result

    def sample(self, params: FactorParams, n: int, rng: np.random.Generator, *, with_latent: bool = False) -> Any:
        """Draw n rows, shape (n, d); `with_latent` also their factors, shape (n, k)."""
        factors = rng.standard_normal((n, self.n_factors))
        noise = rng.standard_normal((n, self.n_features)) * np.sqrt(self._noise(params))
        rows = params.mean + factors @ params.loadings.T + noise
        return (rows, factors) if with_latent else rows

    def separate(self, params: FactorParams, data: Data,
                 rng: np.random.Generator) -> tuple[FactorParams, str] | None:
        """Nudge loadings of too low a rank, which EM never raises; None where the rank is full."""
        deviations = np.sqrt(np.diag(data.scale))[:, None]
        values = np.linalg.svd(params.loadings / deviations, compute_uv=False)
        rank = int((values > RANK * max(values.max(initial=0.0), RANK)).sum())
        if rank == self.n_factors:
            return None
        nudge = SPREAD * deviations * rng.standard_normal(params.loadings.shape) * self._free()
        moved = FactorParams(params.mean, params.loadings + nudge, params.noise_variance)
        return moved, f"loadings of rank {rank} cannot grow to {self.n_factors} factors"
