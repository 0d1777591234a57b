"""Mixture of linear regressions."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from emlib.blocks import Positive, Real, Simplex
from emlib.data import Data, regressions
from emlib.data.regressions import Pairs
from emlib.data.validate import as_matrix, positive_integer
from emlib.families import Categorical, Family, GaussianMoments, LinearGaussian
from emlib.families.linear_gaussian import LOG_2PI
from emlib.model import Statistics
from emlib.models.discrete import NUDGE
from emlib.models.memberships import log_weights
from emlib.models.missing_information import weight_score
from emlib.models.mixture import MixtureModel
from emlib.models.normal_steps import NormalSteps, normal_steps
from emlib.models.penalty import CovariancePenalty, penalised
from emlib.numerics import Array
from emlib.space import ParameterSpace

COLLAPSED = 1e-10  # smallest noise variance of a component, as a share of the pooled regression's


@dataclass(frozen=True, eq=False)
class RegressionMixtureParams:
    """Parameters of `RegressionMixture`.

    Attributes
    ----------
    weights : ndarray, shape (K,)
        Mixing proportions.
    coefficients : ndarray, shape (K, p)
        One for each column of X.
    noise_variance : ndarray, shape (K,)
        In squared units of y.
    """

    weights: Array
    coefficients: Array
    noise_variance: Array


@dataclass(frozen=True)
class RegressionMixture(MixtureModel):
    """Mixture of `n_components` linear regressions on the `n_features` columns of X; data are the tuple (X, y).

    Parameters
    ----------
    n_components, n_features : int

    Notes
    -----
    No intercept is added: for one, give X a column of ones and count it in `n_features`.
    The likelihood is of y given X and unbounded: a component may fit as many units as it has coefficients
    exactly, with a noise variance of zero. A fit that does so ends with status DEGENERATE and names the component;
    with a `penalty`, such as 0.1 units of data, none can (see `GaussianMixture`).
    The complete-data family is not full, because what a unit tells depends on its row of X: theorem T2 fails.
    DeSarbo & Cron (1988) give the E- and the M-step.

    Examples
    --------
    >>> import emlib, numpy as np
    >>> from emlib.models import RegressionMixture
    >>> model = RegressionMixture(n_components=2, n_features=1)
    >>> truth = model.params(weights=[0.5, 0.5], coefficients=[[-2.0], [1.0]], noise_variance=[0.1, 0.1])
    >>> data = model.sample(truth, 200, np.random.default_rng(0))
    >>> result = emlib.fit(model, data, rng=0)
    >>> result.success, sorted(result.params.coefficients.ravel().round(1).tolist())
    (True, [-2.0, 1.0])
    """

    n_components: int
    n_features: int
    penalty: float | None = field(default=None, kw_only=True, repr=False)

    def __post_init__(self) -> None:
        positive_integer(self.n_features, "n_features")
        super().__post_init__()

    @property
    def space(self) -> ParameterSpace:
        """Weights on the simplex, real coefficients, positive noise variances."""
        count = self.n_components
        blocks = (Simplex("weights", (count,)), Real("coefficients", (count, self.n_features)),
                  Positive("noise_variance", (count,)))
        return ParameterSpace(RegressionMixtureParams, blocks, fixed=self.fixed)

    @property
    def families(self) -> tuple[Family, ...]:
        """Memberships and Gaussian responses."""
        return (Categorical("weights"), self._gaussian, *self._constant)

    @property
    def _gaussian(self) -> LinearGaussian:
        return LinearGaussian("coefficients", "noise_variance", "spherical", "components",
                              field_shape=(self.n_components, self.n_features))

    @property
    def _prior(self) -> CovariancePenalty | None:
        return penalised(self.penalty, self._gaussian, lambda data: np.array([[data.scale.variance]]))

    @property
    def reader(self) -> Pairs:
        """Tuples (X, y), shapes (n, p) and (n,); dependent columns and an exact linear response are refused."""
        needed = max(self.n_components, self.n_features + 1)
        what = "components" if needed == self.n_components else "that a regression with a noise variance needs"
        return Pairs(self.n_features, needed, what)

    def start(self, data: Data, rng: np.random.Generator) -> Any:
        """Spread the coefficients about the pooled fit by one residual deviation; equal weights, half its variance."""
        count, pooled = self.n_components, data.scale
        moved = np.sqrt(pooled.variance) * rng.standard_normal((count, self.n_features)) @ pooled.unit.T
        noise = np.full(count, pooled.variance / min(count, 2))
        return self.space.hold(RegressionMixtureParams(np.full(count, 1 / count), pooled.coefficients + moved, noise))

    def sample(self, params: RegressionMixtureParams, n: int, rng: np.random.Generator, design: Any = None, *,
               with_latent: bool = False) -> Any:
        """Draw n units (X, y); X is standard normal unless a design, shape (n, p), is given.

        `with_latent` also returns their components: (X, y), labels of shape (n,).
        """
        rows = regressions.drawn_design(n, self.n_features, rng, design)
        labels = self._random_labels(params, len(rows), rng)
        noise = np.sqrt(params.noise_variance[labels]) * rng.standard_normal(len(rows))
        units = rows, (rows * params.coefficients[labels]).sum(axis=1) + noise
        return (units, labels) if with_latent else units

    def batch_steps(self, data: Data, coordinates: str, count: int) -> NormalSteps | None:
        """Return compiled steps where there are many batches."""
        sizes = self.n_components, 1, self.n_features
        return normal_steps(self, RegressionMixture, data, coordinates, count, self._gaussian, sizes,
                            lambda: np.array([[data.scale.variance**-0.5]]))

    def _log_joint(self, params: RegressionMixtureParams, data: Data) -> Array:
        residual, variance = _residual(params, data), params.noise_variance
        log_density = -0.5 * (LOG_2PI + np.log(variance) + residual**2 / variance)
        return np.asarray(log_density + log_weights(params.weights))

    def _statistics(self, params: RegressionMixtureParams, data: Data, members: Array) -> Statistics:
        residual = _residual(params, data)
        design, counts, left = data.units[:, :-1], members.sum(axis=0), members * residual
        squares = np.stack([design.T @ (share[:, None] * design) for share in members.T])
        moments = GaussianMoments(counts, (left * residual).sum(axis=0), (left.T @ design)[:, None, :], squares,
                                  params.coefficients[:, None, :], "spherical")
        return Statistics({"weights": counts, "components": moments})

    def predict_response(self, params: RegressionMixtureParams, design: Any) -> Array:
        """Return the expected response at rows of X whose response is not known, shape (n,)."""
        rows = as_matrix(design, self.n_features, "design")
        result: Array = rows @ (params.weights @ params.coefficients)
        return result

    def _scores(self, params: RegressionMixtureParams, data: Data) -> list[Array]:
        parts = zip(params.weights, params.noise_variance, _residual(params, data).T, strict=True)
        return [_scores(data.units[:, :-1], *part) for part in parts]

    def missing_information_cost(self) -> int:
        """Return the cost of `missing_information` in E-steps: a ratio of operation counts."""
        width = self.n_components * (self.n_features + 2)
        e_step = self.n_components * (self.n_features**2 + 3 * self.n_features + 20)
        return max(1, round(width**2 / e_step))

    def degenerate(self, params: RegressionMixtureParams, data: Data) -> str | None:
        """Name the component that is empty, or whose noise variance has collapsed against the pooled fit's."""
        lost = ~(np.isfinite(params.coefficients).all(axis=1) & np.isfinite(params.noise_variance))
        if lost.any():
            return (f"coefficients: component {int(lost.argmax())} has no estimate, fewer units than coefficients "
                    "belong to it; use fewer components or another start")
        smallest = np.maximum(params.noise_variance, 0) / data.scale.variance
        if smallest.min() > COLLAPSED:
            return None
        k = int(smallest.argmin())
        return (f"noise_variance: component {k} has collapsed, its noise variance is {smallest[k]:.1e} of the pooled "
                "regression's; the likelihood is unbounded there: use another start or fewer components")

    def _nudged(self, params: RegressionMixtureParams, data: Data,
                rng: np.random.Generator) -> RegressionMixtureParams:
        nudge = rng.standard_normal(params.coefficients.shape) @ data.scale.unit.T
        return replace(params, coefficients=params.coefficients + NUDGE * np.sqrt(data.scale.variance) * nudge)


def _residual(params: RegressionMixtureParams, data: Data) -> Array:
    """Return what each component leaves of each response, shape (n, K)."""
    left: Array = data.units[:, -1:] - data.units[:, :-1] @ params.coefficients.T
    return left


def _scores(design: Array, weight: float, variance: float, residual: Array) -> Array:
    """Complete-data scores (weight, coefficients, noise variance) of units in one component."""
    head = np.full((len(design), 1), weight_score(weight))
    slope = design * (residual / variance)[:, None]
    bend = 0.5 * (residual**2 / variance - 1) / variance
    return np.concatenate([head, slope, bend[:, None]], axis=1)
