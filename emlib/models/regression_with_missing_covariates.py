"""Linear regression with known noise and missing covariates: the third example of first-order EM."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from emlib.blocks import Real
from emlib.data import Data, any_units, require_data
from emlib.data.regressions import PairsWithMissing
from emlib.data.validate import as_matrix, positive_integer, positive_number
from emlib.families import Family, GaussianMoments, ProductModel
from emlib.families.constant import Constant
from emlib.families.known_noise import KnownNoise
from emlib.families.linear_gaussian import LOG_2PI
from emlib.model import Expectation, Statistics
from emlib.models.known_noise_steps import KnownNoiseSteps, known_noise_steps
from emlib.numerics import Array
from emlib.space import ParameterSpace


@dataclass(frozen=True, eq=False)
class RegressionWithMissingCovariatesParams:
    """Parameters of `RegressionWithMissingCovariates`.

    Attributes
    ----------
    coefficients : ndarray, shape (p,)
    """

    coefficients: Array


@dataclass(frozen=True, eq=False)
class _Filled:
    """What the parameters say of a chunk; M marks the missing entries.

    Attributes
    ----------
    covariates : ndarray, shape (n, p)
        Expected rows of X, the seen entries as they are.
    missing : ndarray, shape (n, p)
        1 where an entry is missing.
    hidden : ndarray, shape (n, p)
        The coefficients of the missing entries, 0 elsewhere.
    total : ndarray, shape (n,)
        Var(y | seen covariates) = variance + |hidden|^2.
    residual : ndarray, shape (n,)
        y less its mean given the seen covariates.
    """

    covariates: Array
    missing: Array
    hidden: Array
    total: Array
    residual: Array

    def spread(self, weights: Array) -> Array:
        """Return the weighted sum of the covariances of the rows of X, M - hidden hidden' / total, shape (p, p)."""
        return np.diag(weights @ self.missing) - self.hidden.T @ ((weights / self.total)[:, None] * self.hidden)


    def log_likelihoods(self) -> Array:
        """Return the log-densities of y and of the seen covariates, shape (n,)."""
        squares = (np.where(self.missing > 0, 0.0, self.covariates) ** 2).sum(axis=1)
        seen = self.missing.shape[1] + 1 - self.missing.sum(axis=1)
        return np.asarray(-0.5 * (seen * LOG_2PI + squares + np.log(self.total) + self.residual**2 / self.total))


@dataclass(frozen=True)
class RegressionWithMissingCovariates(ProductModel):
    """y = x' theta + N(0, variance), x ~ N(0, I), entries of x missing at random (NaN in X); the variance is known.

    Parameters
    ----------
    n_features : int
        Columns of X; no intercept is added.
    variance : float
        Of the noise, known, in squared units of y.

    Notes
    -----
    Balakrishnan, Wainwright & Yu (2017), third example. The covariates are taken as independent standard normal, so
    that the likelihood is of y and of the seen entries of X: centre and scale the columns first.
    Given y and the seen entries, the missing ones have mean theta_m r / (variance + |theta_m|^2), r = y - theta_s' x_s,
    and covariance I - theta_m theta_m' / (variance + |theta_m|^2).

    Examples
    --------
    >>> import emlib, numpy as np
    >>> from emlib.models import RegressionWithMissingCovariates
    >>> model = RegressionWithMissingCovariates(n_features=2, variance=0.25)
    >>> X, y = model.sample(model.params(coefficients=[1.0, -2.0]), 1000, np.random.default_rng(0), missing=0.2)
    >>> result = emlib.fit(model, (X, y), rng=0)
    >>> result.success, result.params.coefficients.round(1).tolist()
    (True, [1.0, -2.0])
    """

    n_features: int
    variance: float = 1.0

    def __post_init__(self) -> None:
        positive_integer(self.n_features, "n_features")
        positive_number(self.variance, "variance")
        super().__post_init__()

    @property
    def space(self) -> ParameterSpace:
        """A real vector."""
        blocks = (Real("coefficients", (self.n_features,)),)
        return ParameterSpace(RegressionWithMissingCovariatesParams, blocks, fixed=self.fixed)

    @property
    def families(self) -> tuple[Family, ...]:
        """The response, and the covariates' own density."""
        return (KnownNoise("coefficients", self.variance, "regression"), Constant())

    @property
    def reader(self) -> PairsWithMissing:
        """Tuples (X, y), shapes (n, p) and (n,), NaN where an entry of X is missing; dependent columns are refused."""
        return PairsWithMissing(self.n_features)

    def batch_steps(self, data: Data, coordinates: str, count: int) -> KnownNoiseSteps | None:
        """Return compiled steps where there are many batches."""
        return known_noise_steps(self, RegressionWithMissingCovariates, data, coordinates, count)

    def start(self, data: Data, rng: np.random.Generator) -> Any:
        """Draw coefficients whose predictions are as large as the responses."""
        size = np.sqrt(np.mean(data.units[:, -1] ** 2) / self.n_features)
        return self.space.hold(RegressionWithMissingCovariatesParams(size * rng.standard_normal(self.n_features)))

    def sample(self, params: RegressionWithMissingCovariatesParams, n: int, rng: np.random.Generator,
                 missing: float = 0.0) -> tuple[Array, Array]:
        """Draw n units (X, y); each entry of X is missing with probability `missing`."""
        rows = rng.standard_normal((n, self.n_features))
        response = rows @ params.coefficients + np.sqrt(self.variance) * rng.standard_normal(n)
        return np.where(rng.random(rows.shape) < missing, np.nan, rows), response

    def _filled(self, params: RegressionWithMissingCovariatesParams, data: Data) -> _Filled:
        gone = np.isnan(data.units[:, :-1])
        seen, hidden = np.where(gone, 0.0, data.units[:, :-1]), np.where(gone, params.coefficients, 0.0)
        total = self.variance + (hidden**2).sum(axis=1)
        residual = data.units[:, -1] - seen @ params.coefficients
        return _Filled(seen + hidden * (residual / total)[:, None], gone.astype(float), hidden, total, residual)

    def e_step(self, params: RegressionWithMissingCovariatesParams, data: Data) -> Expectation:
        """Return the expected moments of residuals and covariates."""
        require_data(data)
        found = self._filled(params, data)
        weights = data.frequencies
        entropy = 0.5 * (found.missing.sum(axis=1) * (1 + LOG_2PI) + np.log(self.variance / found.total))
        stats = self._statistics(found, weights, params)
        return Expectation.of(stats, found.log_likelihoods(), weights @ entropy, data)

    def _statistics(self, found: _Filled, weights: Array, params: RegressionWithMissingCovariatesParams) -> Statistics:
        """Moments of e = y - x' theta, whose mean is the residual's share variance / total, and of x."""
        share = self.variance / found.total
        mean, spread = found.residual * share, found.spread(weights)
        second = found.covariates.T @ (weights[:, None] * found.covariates) + spread
        noise = weights @ (mean**2 + self.variance - self.variance * share)
        first = (weights * mean) @ found.covariates - (weights * share) @ found.hidden
        moments = GaussianMoments(weights.sum(keepdims=True), np.array([noise]), first[None, None], second[None],
                                  params.coefficients[None, None], "spherical")
        latent = -0.5 * (self.n_features * LOG_2PI * weights.sum() + np.trace(second))
        return Statistics({"regression": moments, "latent": float(latent)})

    def _log_likelihoods(self, params: RegressionWithMissingCovariatesParams, data: Data) -> Array:
        return self._filled(params, data).log_likelihoods()

    def posterior(self, params: RegressionWithMissingCovariatesParams, data: Any) -> tuple[Array, Array]:
        """Return means and covariances of the rows of X given all that is seen, shapes (n, p) and (n, p, p)."""
        found = self._filled(params, any_units(self.reader, data))
        explained = found.hidden[:, :, None] * (found.hidden / found.total[:, None])[:, None, :]
        return found.covariates, found.missing[:, :, None] * np.eye(self.n_features) - explained

    def impute(self, params: RegressionWithMissingCovariatesParams, data: Any) -> Array:
        """Return X of any units with the missing entries at their expectations, shape (n, p)."""
        return self.posterior(params, data)[0]

    def predict(self, params: RegressionWithMissingCovariatesParams, design: Any) -> Array:
        """Return the expected response at rows of X, NaN where an entry is missing, shape (n,)."""
        rows = as_matrix(design, self.n_features, "design", missing=True)
        return np.asarray(np.where(np.isnan(rows), 0.0, rows) @ params.coefficients)

    def missing_information(self, params: RegressionWithMissingCovariatesParams, data: Data) -> Array:
        """Return the missing information, the covariance of e x / variance, shape (p, p).

        Notes
        -----
        With x = m + n, n ~ N(0, C), the score e x has the linear part (e I - m theta') n and the quadratic
        part -n n' theta; their third moments vanish, and the fourth are those of Isserlis.
        """
        require_data(data)
        found = self._filled(params, data)
        weights = data.frequencies
        share = self.variance / found.total
        mean, noise = found.residual * share, self.variance - self.variance * share  # of e: mean and variance
        along = share[:, None] * found.hidden  # C theta
        crossed = (along * (weights * mean)[:, None]).T @ found.covariates
        missing = found.spread(weights * (mean**2 + noise)) - crossed - crossed.T
        missing += found.covariates.T @ ((weights * noise)[:, None] * found.covariates) + along.T @ (
            weights[:, None] * along)
        return np.asarray(missing / self.variance**2)
