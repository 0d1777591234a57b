"""The multivariate t distribution with known degrees of freedom."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any

import numpy as np
import scipy

from emlib.blocks import PositiveDefinite, Real
from emlib.data import Data, any_units, require_data
from emlib.data.rows import RobustRows
from emlib.data.validate import positive_integer, positive_number
from emlib.families import Family, GaussianMoments, LinearGaussian, ProductModel
from emlib.families.constant import Constant
from emlib.families.linear_gaussian import LOG_2PI
from emlib.model import Expectation, Statistics
from emlib.models import gaussian_data
from emlib.models.missing_information import summed
from emlib.models.normal_steps import NormalSteps, normal_steps
from emlib.numerics import Array, squared_lengths
from emlib.space import ParameterSpace


@dataclass(frozen=True, eq=False)
class StudentTParams:
    """Parameters of `StudentT`.

    Attributes
    ----------
    location : ndarray, shape (d,)
    scale : ndarray, shape (d, d)
        Not the covariance, which is dof / (dof - 2) times it where dof > 2, and infinite elsewhere.
    """

    location: Array
    scale: Array


@dataclass(frozen=True)
class StudentT(ProductModel):
    """The t distribution of `n_features` dimensions with `dof` degrees of freedom, as a normal of random scale.

    Parameters
    ----------
    n_features : int
    dof : float
        Degrees of freedom, known; 1 is the Cauchy distribution.

    Notes
    -----
    y | u ~ N(location, scale / u), u ~ Gamma(dof/2, rate dof/2). Given y, u is a gamma variable of mean
    w = (dof + d) / (dof + distance^2), so that EM is iteratively reweighted least squares (Dempster, Laird & Rubin
    1980) and outliers hardly count. The entropy is that of the gamma variables, a differential one, and may be
    negative. Over large samples EM's rate is (d + 2) / (dof + d + 2), in the overall scale alone; `expanded_m_step`
    makes it 2 / (dof + d + 2). The family is not full: theorem T2 fails.

    Examples
    --------
    >>> import emlib
    >>> from emlib.models import StudentT
    >>> result = emlib.fit(StudentT(n_features=1, dof=3), [1.0, 2.0, 2.5, 3.0, 4.0, 90.0])
    >>> round(float(result.params.location[0]), 2)
    2.52
    """

    n_features: int
    dof: float

    def __post_init__(self) -> None:
        positive_integer(self.n_features, "n_features")
        positive_number(self.dof, "dof")
        super().__post_init__()

    @property
    def space(self) -> ParameterSpace:
        """A real location, a positive definite scale matrix."""
        side = self.n_features
        blocks = (Real("location", (side,)), PositiveDefinite("scale", (side, side)))
        return ParameterSpace(StudentTParams, blocks, fixed=self.fixed)

    @property
    def families(self) -> tuple[Family, ...]:
        """Weighted normal rows, and the densities of their weights."""
        return (self._rows, Constant())

    @property
    def _rows(self) -> LinearGaussian:
        return LinearGaussian("location", "scale", "tied", "rows", field_shape=(self.n_features,))

    @property
    def reader(self) -> RobustRows:
        """Rows of `n_features` numbers; constant and linearly dependent columns are refused."""
        return RobustRows(self.n_features)

    def start(self, data: Data, rng: np.random.Generator) -> Any:
        """Draw a location about the median and a size of the scale matrix about the data's robust one."""
        seen = data.units if data.weights is None else data.units[data.weights > 0]
        nudge = np.linalg.cholesky(data.scale) @ rng.standard_normal(self.n_features)
        size = np.exp(0.3 * rng.standard_normal())
        return self.space.hold(StudentTParams(np.median(seen, axis=0) + 0.3 * nudge, size * data.scale))

    def sample(self, params: StudentTParams, n: int, rng: np.random.Generator) -> Array:
        """Draw n rows, shape (n, d)."""
        normal = rng.standard_normal((n, self.n_features)) @ np.linalg.cholesky(params.scale).T
        return np.asarray(params.location + normal / np.sqrt(rng.chisquare(self.dof, (n, 1)) / self.dof))

    def batch_steps(self, data: Data, coordinates: str, count: int) -> NormalSteps | None:
        """Return compiled steps where there are many batches."""
        whitener = partial(gaussian_data.whitener, data.scale)
        return normal_steps(self, StudentT, data, coordinates, count, self._rows, (1, self.n_features, 1), whitener)

    @cached_property
    def _gamma(self) -> tuple[float, float, float, float]:
        """Return the shape of u given y, its digamma and log-gamma, and the log of the constant in the density of u."""
        shape, half, special = 0.5 * (self.dof + self.n_features), 0.5 * self.dof, scipy.special
        constant = half * np.log(half) - special.gammaln(half)
        return shape, float(special.digamma(shape)), float(special.gammaln(shape)), float(constant)

    def _rates(self, params: StudentTParams, data: Data) -> tuple[Array, Array, float]:
        """Return residuals, the rates of the units' gamma variables, and log det of the scale."""
        residual = data.units - params.location
        factor = np.linalg.cholesky(params.scale)
        rates = 0.5 * (self.dof + squared_lengths(factor, residual))
        return residual, rates, 2 * float(np.log(np.diag(factor)).sum())

    def e_step(self, params: StudentTParams, data: Data) -> Expectation:
        """Return the moments of the rows, weighted by w = (dof + d) / (dof + distance^2), and those of the weights."""
        require_data(data)
        residual, rates, log_det = self._rates(params, data)
        seen, log_rates, (shape, digamma, log_gamma, _) = data.frequencies, np.log(rates), self._gamma
        logs = data.n_units * digamma - float(seen @ log_rates)
        stats = self._statistics(seen * (shape / rates), logs, residual, params, data)
        entropy = data.n_units * (shape + log_gamma - shape * digamma) + logs
        return Expectation.of(stats, self._log_density(log_rates, log_det), entropy, data)

    def _log_density(self, log_rates: Array, log_det: float) -> Array:
        shape, _, log_gamma, constant = self._gamma
        return np.asarray(log_gamma + constant - 0.5 * (self.n_features * LOG_2PI + log_det) - shape * log_rates)

    def _log_likelihoods(self, params: StudentTParams, data: Data) -> Array:
        _, rates, log_det = self._rates(params, data)
        return self._log_density(np.log(rates), log_det)

    def _statistics(self, weights: Array, logs: float, residual: Array, params: StudentTParams,
                    data: Data) -> Statistics:
        """Moments of the rows under weights that count repeats; `logs` is the expected sum of log u."""
        weighted, total, count = weights[:, None] * residual, weights.sum(), data.n_units
        moments = GaussianMoments(np.array([count]), (weighted.T @ residual)[None], weighted.sum(axis=0)[None, :, None],
                                  total.reshape(1, 1, 1), params.location[None, :, None], "tied")
        half = 0.5 * self.dof
        gamma = count * self._gamma[3] - half * total + (half - 1) * logs
        return Statistics({"rows": moments, "latent": float(gamma + 0.5 * self.n_features * logs)})

    def expanded_m_step(self, stats: Statistics) -> StudentTParams:
        """Return PX-EM's update: the scale matrix is divided by the sum of the weights in place of n.

        Notes
        -----
        Liu, Rubin & Wu (1998): the expanded model lets u have any mean; Kent, Tyler & Vardi (1994) found the step.
        """
        found: StudentTParams = self.m_step(stats)
        share = stats["rows"].counts[0] / stats["rows"].sxx[0, 0, 0]
        expanded: StudentTParams = self.space.hold(replace(found, scale=found.scale * share))
        return expanded

    def posterior(self, params: StudentTParams, data: Any) -> Array:
        """Return the expected weights w of any rows, shape (n,): about one in the middle, small for outliers."""
        return np.asarray(self._gamma[0] / self._rates(params, any_units(self.reader, data))[1])

    def missing_information(self, params: StudentTParams, data: Data) -> Array:
        """Return the missing information in standard entries, shape (p, p).

        Notes
        -----
        The complete-data score is u v + constant, v = (S^-1 e, S^-1 e e' S^-1 / 2), so that its covariance is
        Var(u | y) v v', with Var(u | y) = shape / rate^2.
        """
        require_data(data)
        width = self.n_features * (1 + self.n_features)
        return summed(partial(self._missing, params), data, width)

    def _missing(self, params: StudentTParams, data: Data) -> Array:
        residual, rates, _ = self._rates(params, data)
        slope = residual @ np.linalg.inv(params.scale)
        bend = 0.5 * (slope[:, :, None] * slope[:, None, :]).reshape(len(data), -1)
        scores = np.concatenate([slope, bend], axis=1)
        missing: Array = scores.T @ ((data.frequencies * self._gamma[0] / rates**2)[:, None] * scores)
        return missing

    def missing_information_cost(self) -> int:
        """Return the cost of `missing_information` in E-steps, as timed: products of scores, d^4, against d^2."""
        side = self.n_features
        return max(1, round(0.9 + (side + side**2) ** 2 / (7 * side**2 + 80)))

    def degenerate(self, params: StudentTParams, data: Data) -> str | None:
        """Say whether the scale matrix has collapsed against the data's; None if not."""
        if not np.isfinite(params.scale).all():
            return None
        found = gaussian_data.collapsed(params.scale[None], data.scale)
        if found is None:
            return None
        return (f"scale: collapsed, its smallest variance is {found[1]:.1e} of the data's; too many rows agree or lie "
                "on one plane, where the likelihood is unbounded: use more degrees of freedom or drop repeated rows")
