"""Two regressions with coefficients theta and -theta and known noise: the second example of first-order EM."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from emlib.blocks import Real
from emlib.data import Data, regressions
from emlib.data.regressions import Pairs
from emlib.data.validate import positive_integer, positive_number
from emlib.families import Family, GaussianMoments
from emlib.families.constant import Constant
from emlib.families.known_noise import KnownNoise
from emlib.families.linear_gaussian import LOG_2PI
from emlib.model import Statistics
from emlib.models.discrete import NUDGE
from emlib.models.known_noise_steps import KnownNoiseSteps, known_noise_steps
from emlib.models.symmetric import SIGNS, SymmetricModel
from emlib.numerics import Array
from emlib.space import ParameterSpace


@dataclass(frozen=True, eq=False)
class SymmetricRegressionMixtureParams:
    """Parameters of `SymmetricRegressionMixture`.

    Attributes
    ----------
    coefficients : ndarray, shape (p,)
        Of the first component; those of the second are their negatives.
    """

    coefficients: Array


@dataclass(frozen=True)
class SymmetricRegressionMixture(SymmetricModel):
    """y = x' theta or y = -x' theta, each with probability one half, plus N(0, variance) of known variance.

    Parameters
    ----------
    n_features : int
        Columns of X; no intercept is added.
    variance : float
        Of the noise, known, in squared units of y.

    Notes
    -----
    Balakrishnan, Wainwright & Yu (2017), second example. The complete-data information is X'X / variance whatever the
    parameters, so that the EM step is inv(X'X) times the gradient times the variance: gradient ascent only where
    X'X is a multiple of the identity (theorem T3). At theta = 0 the likelihood has a saddle or its maximum; `fit` moves
    a start there away.

    Examples
    --------
    >>> import emlib, numpy as np
    >>> from emlib.models import SymmetricRegressionMixture
    >>> model = SymmetricRegressionMixture(n_features=2, variance=0.25)
    >>> data = model.sample(model.params(coefficients=[1.0, -2.0]), 500, np.random.default_rng(0))
    >>> result = emlib.fit(model, data, rng=0)
    >>> result.success, np.abs(result.params.coefficients).round(1).tolist()
    (True, [1.0, 2.0])
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
        return ParameterSpace(SymmetricRegressionMixtureParams, blocks, fixed=self.fixed)

    @property
    def families(self) -> tuple[Family, ...]:
        """The regression of the response with its sign, and the signs."""
        return (KnownNoise("coefficients", self.variance, "regression"), Constant())

    @property
    def reader(self) -> Pairs:
        """Tuples (X, y), shapes (n, p) and (n,); linearly dependent columns are refused."""
        return Pairs(self.n_features, self.n_features, exact=True)

    def batch_steps(self, data: Data, coordinates: str, count: int) -> KnownNoiseSteps | None:
        """Return compiled steps where there are many batches."""
        return known_noise_steps(self, SymmetricRegressionMixture, data, coordinates, count)

    def start(self, data: Data, rng: np.random.Generator) -> Any:
        """Draw coefficients whose predictions are as large as the responses."""
        size = np.sqrt(np.mean(data.units[:, -1] ** 2))
        moved = data.scale.unit @ rng.standard_normal(self.n_features)
        return self.space.hold(SymmetricRegressionMixtureParams(size * moved))

    def sample(self, params: SymmetricRegressionMixtureParams, n: int, rng: np.random.Generator, design: Any = None, *,
               with_latent: bool = False) -> Any:
        """Draw n units (X, y); X is standard normal unless a design, shape (n, p), is given.

        `with_latent` also returns their components, 0 for theta and 1 for -theta: (X, y), labels of shape (n,).
        """
        rows = regressions.drawn_design(n, self.n_features, rng, design)
        signs, noise = self._random_signs(len(rows), rng), rng.standard_normal(len(rows))
        units = rows, signs * (rows @ params.coefficients) + np.sqrt(self.variance) * noise
        return (units, (signs < 0).astype(int)) if with_latent else units

    def _log_joint(self, params: SymmetricRegressionMixtureParams, data: Data) -> Array:
        predicted = data.units[:, :-1] @ params.coefficients
        residual = data.units[:, -1:] - predicted[:, None] * SIGNS
        constant = -np.log(2) - 0.5 * (LOG_2PI + np.log(self.variance))
        found: Array = constant - 0.5 * residual**2 / self.variance
        return found

    def _statistics(self, params: SymmetricRegressionMixtureParams, data: Data, members: Array) -> Statistics:
        design, seen = data.units[:, :-1], members.sum(axis=1)
        residual = data.units[:, -1:] * SIGNS - (design @ params.coefficients)[:, None]
        left = (members * residual).sum(axis=1)
        moments = GaussianMoments(seen.sum(keepdims=True), (members * residual**2).sum(keepdims=True)[0],
                                  (left @ design)[None, None], (design.T @ (seen[:, None] * design))[None],
                                  params.coefficients[None, None], "spherical")
        return Statistics({"regression": moments, "latent": -float(np.log(2) * seen.sum())})

    def _signed_scores(self, params: SymmetricRegressionMixtureParams, data: Data) -> Array:
        scores: Array = data.units[:, :-1] * (data.units[:, -1:] / self.variance)
        return scores

    def _nudged(self, params: SymmetricRegressionMixtureParams, data: Data,
                rng: np.random.Generator) -> SymmetricRegressionMixtureParams:
        nudge = NUDGE * np.sqrt(self.variance) * data.scale.unit @ rng.standard_normal(self.n_features)
        return SymmetricRegressionMixtureParams(nudge)
