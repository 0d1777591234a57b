"""Two regressions with coefficients theta and -theta and known noise: the second example of first-order EM."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from emlib.blocks import Real
from emlib.data import Data, reading
from emlib.data.validate import positive_integer, positive_number
from emlib.families import Family, GaussianMoments, ProductModel
from emlib.families.constant import Constant
from emlib.families.known_noise import KnownNoise
from emlib.families.linear_gaussian import LOG_2PI
from emlib.model import Expectation, Statistics
from emlib.models import mixture, regression_data
from emlib.numerics import Array
from emlib.space import ParameterSpace

SPREAD = 0.01  # size of the nudge off the saddle at zero, in predictions of one known standard deviation
SIGNS = np.array([1.0, -1.0])


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
class SymmetricRegressionMixture(ProductModel):
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
    >>> data = model.simulate(model.params(coefficients=[1.0, -2.0]), 500, np.random.default_rng(0))
    >>> result = emlib.fit(model, data, rng=0)
    >>> result.success, np.abs(result.params.coefficients).round(1).tolist()
    (True, [1.0, 2.0])
    """

    n_features: int
    variance: float = 1.0
    n_components: ClassVar[int] = 2

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

    def as_data(self, raw: Any, sample_weight: Any = None) -> Data:
        """Read the tuple (X, y), shapes (n, p) and (n,); refuses linearly dependent columns."""
        return reading.as_data(self, raw, sample_weight)

    def _units(self, raw: Any) -> Array:
        return regression_data.rows(raw, self.n_features)

    def _survey(self, block: Data) -> regression_data.Squares:
        return regression_data.survey(block)

    def _settle(self, tally: reading.Tally, found: regression_data.Squares, data: Data) -> regression_data.Pooled:
        tally.enough(self.n_features, "columns of X")
        return regression_data.settled(found, exact=True)

    def start(self, data: Data, rng: np.random.Generator) -> Any:
        """Draw coefficients whose predictions are as large as the responses."""
        size = np.sqrt(np.mean(data.units[:, -1] ** 2))
        moved = data.scale.unit @ rng.standard_normal(self.n_features)
        return self.space.hold(SymmetricRegressionMixtureParams(size * moved))

    def simulate(self, params: SymmetricRegressionMixtureParams, n: int, rng: np.random.Generator,
                 design: Any = None) -> tuple[Array, Array]:
        """Draw n units (X, y); X is standard normal unless a design, shape (n, p), is given."""
        rows = regression_data.drawn_design(n, self.n_features, rng, design)
        signs, noise = rng.choice(SIGNS, len(rows)), rng.standard_normal(len(rows))
        return rows, signs * (rows @ params.coefficients) + np.sqrt(self.variance) * noise

    def _posterior(self, params: SymmetricRegressionMixtureParams, data: Data) -> mixture.Posterior:
        predicted = data.units[:, :-1] @ params.coefficients
        residual = data.units[:, -1:] - predicted[:, None] * SIGNS
        constant = -np.log(2) - 0.5 * (LOG_2PI + np.log(self.variance))
        return mixture.posterior(constant - 0.5 * residual**2 / self.variance, data.weights)

    def e_step(self, params: SymmetricRegressionMixtureParams, data: Any) -> Expectation:
        """Return the expected moments of the residuals z y - x' theta; E[z | y] = tanh(y x' theta / variance)."""
        data = reading.in_memory(self, data)
        found = self._posterior(params, data)
        return Expectation(self._statistics(found.memberships, params, data), found.loglik, found.entropy, data.n_units,
                           found.magnitude)

    def _statistics(self, members: Array, params: SymmetricRegressionMixtureParams, data: Data) -> Statistics:
        design, seen = data.units[:, :-1], members.sum(axis=1)
        residual = data.units[:, -1:] * SIGNS - (design @ params.coefficients)[:, None]
        left = (members * residual).sum(axis=1)
        moments = GaussianMoments(seen.sum(keepdims=True), (members * residual**2).sum(keepdims=True)[0],
                                  (left @ design)[None, None], (design.T @ (seen[:, None] * design))[None],
                                  params.coefficients[None, None], "spherical")
        return Statistics({"regression": moments, "latent": -float(np.log(2) * seen.sum())})

    def expectation_under(self, q: Any, params: SymmetricRegressionMixtureParams,
                          data: Any) -> tuple[Statistics, float]:
        """Return statistics and entropy under any memberships q, shape (n, 2), not only the posterior."""
        data = reading.in_memory(self, data)
        members, entropy = mixture.weighted(q, data, 2)
        return self._statistics(members, params, data), entropy

    def posterior(self, params: SymmetricRegressionMixtureParams, data: Any) -> Array:
        """Return the responsibilities of +theta and -theta for any units, shape (n, 2)."""
        return self._posterior(params, reading.any_units(self, data)).responsibilities

    def missing_information(self, params: SymmetricRegressionMixtureParams, data: Any) -> Array:
        """Return Louis's missing information, the sum of Var(sign | y) y^2 x x' / variance^2, shape (p, p)."""
        data = reading.in_memory(self, data)
        found = self._posterior(params, data)
        scaled = data.units[:, :-1] * (data.units[:, -1:] / self.variance)
        spread = 4 * found.memberships[:, 0] * found.responsibilities[:, 1]  # Var of a sign with these chances
        missing: Array = scaled.T @ (spread[:, None] * scaled)
        return missing

    @property
    def n_latent_values(self) -> int:
        """Return 2: the hidden sign."""
        return 2

    def separate(self, params: SymmetricRegressionMixtureParams, data: Data,
                 rng: np.random.Generator) -> tuple[SymmetricRegressionMixtureParams, str] | None:
        """Nudge coefficients of exactly zero, where both components agree; None elsewhere."""
        if np.any(params.coefficients):
            return None
        nudge = SPREAD * np.sqrt(self.variance) * data.scale.unit @ rng.standard_normal(self.n_features)
        return SymmetricRegressionMixtureParams(nudge), "components 0 and 1 started equal"
