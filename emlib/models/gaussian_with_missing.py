"""One multivariate normal distribution, some of whose entries are missing at random."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from emlib.blocks import PositiveDefinite, Real
from emlib.data import Data, any_units, require_data
from emlib.data.rows import JointRowsWithMissing
from emlib.data.validate import positive_integer
from emlib.families import Family, GaussianMoments, LinearGaussian, ProductModel
from emlib.families.mean_coordinates import MixtureMean
from emlib.kernels import LONG, use_compiled_missing
from emlib.model import Expectation, Statistics
from emlib.models import compiled_missing, entry_scores
from emlib.models.missing_patterns import groups
from emlib.models.normal_steps import NormalSteps, normal_steps
from emlib.models.partial import laws, partial, patterns
from emlib.numerics import Array, lower_indices
from emlib.space import ParameterSpace

COLLAPSED = 1e-10  # smallest eigenvalue of the covariance in units of the columns' variances
PAIRS_NAMED = 3  # of columns never seen together, in a message
JITTER = 0.1  # how far a random start lies from the columns' means, in their standard deviations


@dataclass(frozen=True, eq=False)
class GaussianWithMissingParams:
    """Parameters of `GaussianWithMissing`.

    Attributes
    ----------
    mean : ndarray, shape (d,)
    covariance : ndarray, shape (d, d)
    """

    mean: Array
    covariance: Array


@dataclass(frozen=True)
class GaussianWithMissing(ProductModel):
    """Rows from N(mean, covariance), not-a-number where an entry is missing, in any pattern.

    Parameters
    ----------
    n_features : int

    Notes
    -----
    Dempster, Laird & Rubin (1977), section 4.1; the latent data are the missing entries, which must be missing at
    random. A row without a seen entry says nothing; it is kept, and its imputed values are the means. The likelihood
    may have several maxima and saddles (Murray 1977). It is unbounded where some pattern of seen entries leaves too
    few rows; the fit then ends with status DEGENERATE. Of two columns that no row shows together the covariance is
    open, and stays where the start led it: the fit's message says so, and `summary` gives it no standard error.

    Examples
    --------
    >>> import numpy as np
    >>> import emlib
    >>> from emlib.models import GaussianWithMissing
    >>> rows = np.array([[1.0, 2.1], [2.0, 3.9], [3.0, 6.2], [4.0, 7.8], [5.0, np.nan]])
    >>> model = GaussianWithMissing(2)
    >>> result = emlib.fit(model, rows, rng=0)
    >>> result.params.mean.round(3).tolist()
    [3.0, 5.97]
    >>> model.impute(result.params, rows)[4].round(3).tolist()
    [5.0, 9.85]
    """

    n_features: int

    def __post_init__(self) -> None:
        positive_integer(self.n_features, "n_features")
        super().__post_init__()

    @property
    def space(self) -> ParameterSpace:
        """A real mean and a positive definite covariance."""
        side = self.n_features
        blocks = (Real("mean", (side,)), PositiveDefinite("covariance", (side, side)))
        return ParameterSpace(GaussianWithMissingParams, blocks, MixtureMean(self, _moments), self.fixed)

    @property
    def families(self) -> tuple[Family, ...]:
        """One Gaussian response."""
        return (self._rows,)

    @property
    def _rows(self) -> LinearGaussian:
        return LinearGaussian("mean", "covariance", "tied", "rows", (self.n_features,))

    @property
    def reader(self) -> JointRowsWithMissing:
        """Rows of `n_features` numbers, not-a-number where missing; rows and columns need a seen entry, columns two."""
        return JointRowsWithMissing(self.n_features)

    def start(self, data: Data, rng: np.random.Generator) -> GaussianWithMissingParams:
        """Draw a mean near the columns' means; the columns' variances with random correlations."""
        means, variances = data.scale[:2]
        deviations = np.sqrt(variances)
        drawn = rng.standard_normal((2 * self.n_features, self.n_features))
        lengths = np.linalg.norm(drawn, axis=0)
        correlation = 0.5 * (np.eye(self.n_features) + drawn.T @ drawn / np.outer(lengths, lengths))
        centre = means + JITTER * deviations * rng.standard_normal(self.n_features)
        params = GaussianWithMissingParams(centre, correlation * np.outer(deviations, deviations))
        return self.space.hold(params)

    def batch_steps(self, data: Data, coordinates: str, count: int) -> NormalSteps | None:
        """Return compiled steps where there are many batches."""
        return normal_steps(self, GaussianWithMissing, data, coordinates, count, self._rows, (1, self.n_features, 1),
                            lambda: np.diag(data.scale[1] ** -0.5))

    def estep_chunk(self) -> int:
        """Return how many rows an E-step takes at a time: many, since it factorises each pattern's covariance."""
        return LONG

    def e_step(self, params: GaussianWithMissingParams, data: Data) -> Expectation:
        """Return the expected moments of the rows about the current mean, their missing entries filled in."""
        require_data(data)
        if use_compiled_missing(len(data), self.n_features):
            quick = compiled_missing.expectation(params, data)
            if quick is not None:
                return quick
        side = self.n_features
        scatter, total, density, entropy = np.zeros((side, side)), np.zeros(side), np.empty(len(data)), 0.0
        counted = data.frequencies
        for group in groups(data.units):
            law, weight = laws(params.covariance, group.kinds), counted[group.rows]
            residual = np.where(group.seen, data.units[group.rows] - params.mean, 0.0)
            density[group.rows] = group.log_densities(law, residual)
            counts, first, second = group.sums(weight, residual)
            scatter += np.tensordot(law.fill @ second, law.fill, ([0, 2], [0, 2])) + np.tensordot(counts, law.left, 1)
            total += np.einsum("gij,gj->i", law.fill, first)
            entropy += float(counts @ law.entropy)
        moments = GaussianMoments(np.array([counted.sum()]), scatter[None], total[None, :, None],
                                  np.full((1, 1, 1), counted.sum()), params.mean[None, :, None], "tied")
        return Expectation.of(Statistics({"rows": moments}), density, entropy, data)

    def _log_likelihoods(self, params: GaussianWithMissingParams, data: Data) -> Array:
        found = np.empty(len(data))
        for group in groups(data.units):
            residual = np.where(group.seen, data.units[group.rows] - params.mean, 0.0)
            found[group.rows] = group.log_densities(laws(params.covariance, group.kinds), residual)
        return found

    def posterior(self, params: GaussianWithMissingParams, data: Any) -> tuple[Array, Array]:
        """Return each row's conditional mean and covariance given its seen entries, shapes (n, d) and (n, d, d)."""
        data = any_units(self.reader, data)
        means, covariances = np.empty(data.units.shape), np.empty((*data.units.shape, self.n_features))
        for seen, rows in patterns(data.units):
            law = partial(params.covariance, seen)
            means[rows] = params.mean + (data.units[rows][:, seen] - params.mean[seen]) @ law.fill.T
            means[np.ix_(rows, seen)] = data.units[np.ix_(rows, seen)]
            covariances[rows] = law.left
        return means, covariances

    def impute(self, params: GaussianWithMissingParams, data: Any) -> Array:
        """Return the rows with each missing entry replaced by its conditional mean, shape (n, d).

        Imputed rows vary less than true ones: the conditional covariances are missing from them (see `posterior`).
        """
        return self.posterior(params, data)[0]

    def sample(self, params: GaussianWithMissingParams, n: int, rng: np.random.Generator) -> Array:
        """Draw n complete rows, shape (n, d)."""
        drawn: Array = rng.standard_normal((n, self.n_features)) @ np.linalg.cholesky(params.covariance).T
        return params.mean + drawn

    def missing_information(self, params: GaussianWithMissingParams, data: Data) -> Array:
        """Return Louis's missing information in standard entries, shape (d + d^2, d + d^2).

        Notes
        -----
        The score's covariance given the seen entries, summed over rows: see `emlib.models.entry_scores`.
        """
        require_data(data)
        given, summed = (params.mean, params.covariance, data), None
        if use_compiled_missing(len(data), self.n_features):
            summed = compiled_missing.products(*given)
        return entry_scores.information(self.n_features, entry_scores.products(*given) if summed is None else summed)

    def missing_information_cost(self) -> int:
        """Return the cost of `missing_information` in E-steps, as timed; an E-step makes most of its products."""
        return max(1, round(self.n_features**2 / 100))

    def degenerate(self, params: GaussianWithMissingParams, data: Data) -> str | None:
        """Say that the covariance has collapsed against the columns' variances; else None."""
        if not np.isfinite(params.covariance).all():
            return None
        deviations = np.sqrt(data.scale[1])
        smallest = float(np.linalg.eigvalsh(params.covariance / np.outer(deviations, deviations))[0])
        if smallest > COLLAPSED:
            return None
        return (f"covariance: collapsed, its smallest eigenvalue is {smallest:.1e} in units of the columns' variances; "
                "the columns are dependent in the rows that were seen: drop a column or give more rows")

    def unidentified(self, data: Data) -> str | None:
        """Name the covariances of columns that no row shows together: the likelihood does not depend on them."""
        if "covariance" in self.space.held:
            return None
        pairs = np.argwhere(np.tril(data.scale[2:] == 0)).tolist()
        if not pairs:
            return None
        more = f" and {len(pairs) - PAIRS_NAMED} more" if len(pairs) > PAIRS_NAMED else ""
        names = ", ".join(f"covariance{pair}" for pair in pairs[:PAIRS_NAMED])
        return (f"{names}{more}, of columns that no row shows together (what is returned there depends on the start; "
                "give rows with both)")

    def from_mean(self, vector: Array) -> GaussianWithMissingParams:
        """Return the parameters with these first and second moments (lower triangle, row by row)."""
        mean, second = vector[: self.n_features], np.zeros((self.n_features, self.n_features))
        rows, columns = lower_indices(self.n_features)
        second[rows, columns] = second[columns, rows] = vector[self.n_features:]
        return GaussianWithMissingParams(mean, second - np.outer(mean, mean))


def _moments(fields: dict[str, Array]) -> Array:
    """E[T] per unit: mean and second moments (lower triangle, row by row)."""
    mean = fields["mean"]
    second = fields["covariance"] + mean[:, None] * mean
    return np.concatenate([mean, second[lower_indices(len(mean))]])
