"""Nested random effects with known variances: the model on which EM is linear, at two or more prices."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Any

import numpy as np

from emlib.blocks import Real
from emlib.data import Data, any_units, require_data
from emlib.data.repeats import Repeats
from emlib.data.validate import as_matrix
from emlib.families import Family, GaussianMoments, ProductModel
from emlib.families.constant import Constant
from emlib.families.known_noise import KnownNoise
from emlib.families.linear_gaussian import LOG_2PI
from emlib.model import Expectation, Statistics
from emlib.models.known_noise_steps import KnownNoiseSteps, known_noise_steps
from emlib.models.nested import Nested
from emlib.models.nested_effects import effects_given, serves
from emlib.models.partial import log_density, patterns
from emlib.numerics import Array
from emlib.space import ParameterSpace


@dataclass(frozen=True, eq=False)
class RandomEffectsParams:
    """Parameters of `RandomEffects`.

    Attributes
    ----------
    coefficients : ndarray, shape (p,)
    """

    coefficients: Array


@dataclass(frozen=True)
class RandomEffects(ProductModel):
    """Rows of responses, design times coefficients plus nested effects plus noise; all variances are known.

    Parameters
    ----------
    sizes : tuple of int
        How the responses of a unit are nested: (4, 5) are four classes of five pupils in a school, which is the unit.
    variances : tuple of float
        Of the effects of each level, outermost first: of schools and of classes; known, in squared units of y.
    noise : float
        Variance of a response given all effects, known.
    design : array_like, shape (k, p), optional
        One row for each of the k = prod(sizes) responses of a unit, the same for all units; a column of ones by
        default, so that the coefficient is the mean.
    augmented : int, optional
        Levels of effects, outermost first, that the complete data hold; the finer ones stay in the noise. All by
        default. Fewer make EM quicker, at the same price for a step: the likelihood is the same.

    Notes
    -----
    The complete-data information does not depend on the coefficients, and the log-likelihood is a concave quadratic,
    so that an EM step is linear: the error is multiplied by I - inv(I_c) I_o.

    Examples
    --------
    >>> import emlib, numpy as np
    >>> from emlib.models import RandomEffects
    >>> model = RandomEffects(sizes=(4, 5), variances=(0.5, 0.5), noise=1.0)
    >>> rows = model.sample(model.params(coefficients=[3.0]), 200, np.random.default_rng(0))
    >>> rows[0, :7] = np.nan  # smaller classes
    >>> emlib.fit(model, rows, rng=0).params.coefficients.round().tolist()
    [3.0]
    """

    sizes: tuple[int, ...]
    variances: tuple[float, ...]
    noise: float = 1.0
    design: Any = None
    augmented: int | None = None

    def __post_init__(self) -> None:
        for name in ("sizes", "variances"):
            if isinstance(getattr(self, name), list):
                object.__setattr__(self, name, tuple(getattr(self, name)))
        sizes = self._nested.sizes  # checks the levels
        if self.design is not None:
            rows = np.asarray(self.design, dtype=float)
            rows = as_matrix(rows, rows.shape[-1] if rows.ndim > 1 else 1, "design")
            if len(rows) != prod(sizes):
                raise ValueError(f"design: {len(rows)} rows found, but a unit has {prod(sizes)} responses; give a row "
                                 "for each")
            object.__setattr__(self, "design", tuple(map(tuple, rows.tolist())))
        super().__post_init__()

    @cached_property
    def _nested(self) -> Nested:
        return Nested(self.sizes, self.variances, self.noise, self.augmented)

    @cached_property
    def _design(self) -> Array:
        return np.ones((prod(self.sizes), 1)) if self.design is None else np.array(self.design)

    @property
    def space(self) -> ParameterSpace:
        """A real vector."""
        blocks = (Real("coefficients", (self._design.shape[1],)),)
        return ParameterSpace(RandomEffectsParams, blocks, fixed=self.fixed)

    @property
    def families(self) -> tuple[Family, ...]:
        """The responses less their effects, brought to variance one, and the effects' own density."""
        return (KnownNoise("coefficients", 1.0, "responses"), Constant())

    @property
    def reader(self) -> Repeats:
        """Rows of k responses, shape (n, k), NaN where one is missing; what is seen must determine the coefficients."""
        return Repeats(prod(self.sizes), tuple(map(tuple, self._design.tolist())))

    def batch_steps(self, data: Data, coordinates: str, count: int) -> KnownNoiseSteps | None:
        """Return compiled steps where there are many batches."""
        return known_noise_steps(self, RandomEffects, data, coordinates, count)

    def start(self, data: Data, rng: np.random.Generator) -> RandomEffectsParams:
        """Draw coefficients whose predictions are as large as the responses."""
        size = np.sqrt(data.scale / np.mean((self._design**2).sum(axis=1)))
        return self.space.hold(RandomEffectsParams(size * rng.standard_normal(self._design.shape[1])))

    def sample(self, params: RandomEffectsParams, n: int, rng: np.random.Generator) -> Array:
        """Draw n complete rows, shape (n, k)."""
        root = np.linalg.cholesky(self._nested.covariance)
        drawn: Array = rng.standard_normal((n, len(root))) @ root.T
        return self._design @ params.coefficients + drawn

    def e_step(self, params: RandomEffectsParams, data: Data) -> Expectation:
        """Return the moments of the responses less their expected effects, at noise of variance one."""
        require_data(data)
        if serves(self._nested, data.units):
            return self._e_step_of_all_effects(params, data)
        design, nested, spread = self._design, self._nested, self._nested.spread
        weights = data.frequencies
        logliks, width = np.empty(len(data)), design.shape[1]
        count, noise, first, second, latent, entropy = 0.0, 0.0, np.zeros(width), np.zeros((width, width)), 0.0, 0.0
        for seen, rows in patterns(data.units):
            law, weight, total = nested.law(seen), weights[rows], weights[rows].sum()
            left = data.units[np.ix_(rows, seen)] - design[seen] @ params.coefficients
            logliks[rows] = log_density(law.factor, left)
            clean = np.linalg.solve(law.root, law.shrunk @ left.T).T  # less the effects, at variance one
            scaled = np.linalg.solve(law.root, design[seen])
            count += total * seen.sum()
            noise += weight @ (clean**2).sum(axis=1) + total * (
                seen.sum() - np.trace(law.root.T @ law.precision @ law.root))
            first += (weight @ clean) @ scaled
            second += total * scaled.T @ scaled
            squares = (weight @ (left @ law.pull.T) ** 2 + total * np.diag(law.left)) @ (1 / spread)
            latent -= 0.5 * (squares + total * (np.log(2 * np.pi * spread).sum() + law.log_det))
            entropy += 0.5 * total * (len(spread) * (1 + LOG_2PI) + np.linalg.slogdet(law.left)[1])
        moments = GaussianMoments(np.array([count]), np.array([noise]), first[None, None], second[None],
                                  params.coefficients[None, None], "spherical")
        return Expectation.of(Statistics({"responses": moments, "latent": float(latent)}), logliks, entropy, data)

    def _e_step_of_all_effects(self, params: RandomEffectsParams, data: Data) -> Expectation:
        design, noise, spread = self._design, self._nested.noise, self._nested.spread
        law = effects_given(self._nested, data.units - design @ params.coefficients)
        weights = data.frequencies
        totals = np.bincount(law.which, weights, len(law.kinds))
        per_response = totals @ law.kinds
        spreads = np.diagonal(law.left, axis1=1, axis2=2)
        squares = weights @ (law.clean**2).sum(axis=1) + totals @ (law.left * law.shared).sum(axis=(1, 2))
        second = (design * (per_response / noise)[:, None]).T @ design
        moments = GaussianMoments(np.array([per_response.sum()]), np.array([squares / noise]),
                                  ((weights @ law.clean) @ design / noise)[None, None], second[None],
                                  params.coefficients[None, None], "spherical")
        latent = (weights @ law.means**2 + totals @ spreads) @ (1 / spread) + per_response.sum() * np.log(noise)
        latent += totals.sum() * np.log(2 * np.pi * spread).sum()
        entropy = 0.5 * totals @ (len(spread) * (1 + LOG_2PI) + law.log_det)
        statistics = Statistics({"responses": moments, "latent": -0.5 * float(latent)})
        return Expectation.of(statistics, law.logliks, float(entropy), data)

    def _log_likelihoods(self, params: RandomEffectsParams, data: Data) -> Array:
        if serves(self._nested, data.units):
            return effects_given(self._nested, data.units - self._design @ params.coefficients).logliks
        found = np.empty(len(data))
        for seen, rows in patterns(data.units):
            left = data.units[np.ix_(rows, seen)] - self._design[seen] @ params.coefficients
            found[rows] = log_density(self._nested.law(seen).factor, left)
        return found

    def posterior(self, params: RandomEffectsParams, data: Any) -> tuple[Array, Array]:
        """Return means and covariances of the latent effects, level by level, shapes (n, q) and (n, q, q)."""
        data, nested = any_units(self.reader, data), self._nested
        if serves(nested, data.units):
            every = effects_given(nested, data.units - self._design @ params.coefficients)
            return every.means, every.left[every.which]
        means = np.empty((len(data), len(nested.spread)))
        covariances = np.empty((*means.shape, means.shape[1]))
        for seen, rows in patterns(data.units):
            law = nested.law(seen)
            means[rows] = (data.units[np.ix_(rows, seen)] - self._design[seen] @ params.coefficients) @ law.pull.T
            covariances[rows] = law.left
        return means, covariances

    def missing_information(self, params: RandomEffectsParams, data: Data) -> Array:
        """Return the missing information, which no parameter changes: inv(R) - inv(V) between the designs, (p, p)."""
        require_data(data)
        design, nested = self._design, self._nested
        weights = data.frequencies
        missing = np.zeros((design.shape[1], design.shape[1]))
        for seen, rows in patterns(data.units):
            law = nested.law(seen)
            scaled = np.linalg.solve(law.root, design[seen])
            missing += weights[rows].sum() * (scaled.T @ scaled - design[seen].T @ law.precision @ design[seen])
        return missing
