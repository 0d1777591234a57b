"""Factor analysis, exploratory and confirmatory."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from emlib.blocks import Positive, Real
from emlib.data import Data
from emlib.families import GaussianMoments, LinearFactors
from emlib.model import Expectation, Statistics
from emlib.models.factor_posterior import Conditional
from emlib.models.factor_profile import bend, best_loadings, explained
from emlib.models.factor_steps import FactorSteps, factor_steps
from emlib.models.factors import FactorModel, FactorParams
from emlib.numerics import Array
from emlib.space import ParameterSpace

HEYWOOD = 1e-8  # uniqueness, as a share of the feature's variance, that is as good as zero: the likelihood is flat
VANISHING_STEP = -0.25  # Newton step in a log uniqueness, nothing left to gain, that says its best value is zero
SMALL_SHARE = 0.01  # share of the feature's variance that a uniqueness on its way to zero is below at the end of a run
Pattern = tuple[tuple[bool, ...], ...]


@dataclass(frozen=True)
class FactorAnalysis(FactorModel):
    """y = mean + W z + noise, z ~ N(0, I), noise ~ N(0, diag(psi)).

    Parameters
    ----------
    n_features, n_factors : int
        k from 0, independent features, to d, a covariance without structure.
    pattern : array_like of bool, shape (d, k), optional
        Which loadings are free; the others are known to be zero. None means all (exploratory).

    Notes
    -----
    Rubin & Thayer (1982). With all loadings free, W is known up to a rotation, and `diagnostics.information` finds
    k (k - 1) / 2 unidentified directions; a pattern may remove them. Where a uniqueness psi_i goes to zero (a Heywood
    case) the fit ends with status DEGENERATE and names the feature; plain EM creeps there ever more slowly and ends
    with MAX_ESTEP, so use the default. An E-step uses n, mean and covariance of the rows alone, which are computed
    once; `from_covariance` reads a covariance or correlation matrix. With all loadings free `fit` works in psi alone
    (`algorithms.Profile`): given psi, mean and loadings have their best values in closed form.

    Examples
    --------
    >>> import emlib, numpy as np
    >>> from emlib.models import FactorAnalysis
    >>> model = FactorAnalysis(n_features=3, n_factors=1)
    >>> correlations = [[1.0, 0.56, 0.48], [0.56, 1.0, 0.42], [0.48, 0.42, 1.0]]
    >>> result = emlib.fit(model, model.from_covariance(correlations, n_units=100), rng=0)
    >>> np.abs(result.params.loadings.ravel()).round(3).tolist()  # Spearman: .56 = .8 x .7, ...
    [0.8, 0.7, 0.6]
    >>> result.params.noise_variance.round(3).tolist()
    [0.36, 0.51, 0.64]
    """

    n_features: int
    n_factors: int
    pattern: Any = None

    def __post_init__(self) -> None:
        if self.pattern is not None:
            object.__setattr__(self, "pattern", self._read_pattern())
        super().__post_init__()

    def _check_factors(self) -> None:
        if isinstance(self.n_factors, bool) or not isinstance(self.n_factors, (int, np.integer)) or not (
                0 <= self.n_factors <= self.n_features):
            raise ValueError(f"n_factors: {self.n_factors!r} found; an integer from 0 to n_features={self.n_features} "
                             "is needed")

    def _read_pattern(self) -> Pattern:
        free, shape = np.asarray(self.pattern), (self.n_features, self.n_factors)
        if free.dtype != bool or free.shape != shape:
            raise ValueError(f"pattern: shape {free.shape} of {free.dtype} found, {shape} of bool needed")
        if not free.any(axis=0).all():
            raise ValueError(f"pattern: factor {int(np.argmin(free.any(axis=0)))} has no free loading; drop the factor")
        return tuple(tuple(bool(entry) for entry in row) for row in free)

    @property
    def space(self) -> ParameterSpace:
        """Real mean and loadings, known zeros but for the pattern, positive uniquenesses."""
        shape = (self.n_features, self.n_factors)
        zeros = () if self.pattern is None else tuple(np.flatnonzero(~np.array(self.pattern)).tolist())
        blocks = (Real("mean", shape[:1]), Real("loadings", shape, zeros), Positive("noise_variance", shape[:1]))
        return ParameterSpace(FactorParams, blocks, fixed=self.fixed)

    @property
    def family(self) -> LinearFactors:
        """Regressions on (1, z), each with its own noise variance."""
        return LinearFactors("spherical", self.pattern, self._known)

    def batch_steps(self, data: Data, coordinates: str, count: int) -> FactorSteps | None:
        """Return compiled steps where there are many batches."""
        return factor_steps(self, FactorAnalysis, data, coordinates, count, np.diag(data.scale), HEYWOOD)

    def _expectation(self, params: FactorParams, given: Conditional, data: Any) -> Expectation:
        """Add the rows' own two moments, for `cm_steps`."""
        found = super()._expectation(params, given, data)
        seen = data.about(params.mean)
        sample = GaussianMoments(seen[:1, 0], seen[None, 1:, 1:], seen[None, 1:, :1], seen[None, :1, :1],
                                 params.mean[None, :, None], "full")
        return replace(found, stats=Statistics({**found.stats.parts, "sample": sample}))

    def cm_steps(self, params: FactorParams, stats: Statistics) -> FactorParams:
        """Return the point after one sweep of ECME: conditional maxima of Q and of the log-likelihood itself.

        Notes
        -----
        Liu & Rubin (1994). Exploratory, nothing held: mean and loadings maximise the log-likelihood given psi, then psi
        maximises Q, which is Barber's iteration by eigenvectors (his section 21.2.1). Else: mean and loadings maximise
        Q, then psi takes a Newton step on the log-likelihood, or EM's own step where that is better. Either way the
        log-likelihood rises, and the fixed points are EM's.
        """
        if self.pattern is None and not self._known:
            mean, spread = self._centred(params, stats["sample"])
            return _by_eigenvectors(mean, spread, params.noise_variance, self.n_factors)
        by_em: FactorParams = self.m_step(stats)
        if "noise_variance" in self._known:
            return by_em
        sample = stats["sample"].about(by_em.mean[None, :, None])
        newton = replace(by_em, noise_variance=_newton(by_em.loadings, params.noise_variance, sample))
        values = [_loglik(found, sample) for found in (newton, by_em)]
        return newton if values[0] >= values[1] else by_em

    @property
    def profiled(self) -> str | None:
        """The field that `profile` leaves over; None with a pattern, or where loadings or uniquenesses are held."""
        return "noise_variance" if self.pattern is None and set(self._known) <= {"mean"} else None

    def profile(self, params: FactorParams, stats: Statistics) -> tuple[FactorParams, Array]:
        """Return the best point with these uniquenesses, and how the best log-likelihood bends in their logarithms.

        Parameters
        ----------
        params : FactorParams
            Its uniquenesses count, and its mean where that is held.
        stats : Statistics
            Of any point: what is used are the rows' own two moments.
        """
        mean, spread = self._centred(params, stats["sample"])
        values, vectors, used = explained(spread, params.noise_variance, self.n_factors)
        loadings = best_loadings(values, vectors, params.noise_variance, self.n_factors)
        curved = stats["sample"].counts[0] * bend(values, vectors, used)
        return FactorParams(mean, loadings, params.noise_variance), curved

    def _centred(self, params: FactorParams, sample: GaussianMoments) -> tuple[Array, Array]:
        """Return the best mean, unless it is held, and the rows' covariance about it."""
        own: Array = (sample.origin + sample.sex / sample.sxx)[0, :, 0]
        mean = params.mean if "mean" in self._known else own
        return mean, sample.about(mean[None, :, None]).see[0] / sample.counts[0]

    def degenerate(self, params: FactorParams, data: Data) -> str | None:
        """Name the feature whose uniqueness has gone to zero against its variance (a Heywood case); else None."""
        shares = params.noise_variance / np.diag(data.scale)
        if not shares.min() <= HEYWOOD:  # also where one is not a number, which the space names
            return None
        return _heywood(int(shares.argmin()), "has collapsed to", shares)

    def vanishing(self, params: FactorParams, data: Data, step: Array) -> str | None:
        """Name the feature whose uniqueness has its maximum at zero, by a Newton step in its logarithm.

        Where the log-likelihood falls in proportion to psi, the step in log psi is -1 however small psi is; where it is
        quadratic about a zero, -1/2; at an interior maximum it is zero. Where nothing is left to gain at a uniqueness
        that is not small, the log-likelihood is flat in it: it is not identified.
        """
        size = self.space.blocks[-1].free_size
        if not size:
            return None
        shares = params.noise_variance / np.diag(data.scale)
        moves = np.where(shares < SMALL_SHARE, step[-size:], 0.0)
        if moves.min() > VANISHING_STEP:
            return None
        return _heywood(int(moves.argmin()), "goes to zero, it is at", shares)


def _heywood(index: int, how: str, shares: Array) -> str:
    return (f"noise_variance: entry [{index}] {how} {shares[index]:.1e} of the feature's variance, a Heywood case: the "
            "factors explain all of it; use fewer factors, more rows, or drop a copied column")


def _by_eigenvectors(mean: Array, spread: Array, noise: Array, count: int) -> FactorParams:
    """Return the best loadings given psi, and EM's next psi."""
    values, vectors, _ = explained(spread, noise, count)
    # diag(S - W W') without the cancellation: psi times the rest of each row of the eigenvectors.
    cut = len(values) - count
    rest = np.append(values[:cut], np.minimum(values[cut:], 1.0))
    return FactorParams(mean, best_loadings(values, vectors, noise, count), noise * (vectors**2 @ rest))


def _newton(loadings: Array, noise: Array, sample: GaussianMoments) -> Array:
    """Return the uniquenesses after one Newton step on the log-likelihood in log psi, loadings and mean held."""
    inverse = np.linalg.inv(loadings @ loadings.T + np.diag(noise))
    scaled = inverse @ sample.see[0] @ inverse
    slope = -0.5 * noise * (sample.counts[0] * np.diag(inverse) - np.diag(scaled))
    bend = 0.5 * np.outer(noise, noise) * inverse * (sample.counts[0] * inverse - 2 * scaled) + np.diag(slope)
    try:
        with np.errstate(over="ignore"):
            return noise * np.exp(-np.linalg.solve(bend, slope))
    except np.linalg.LinAlgError:
        return noise


def _loglik(params: FactorParams, sample: GaussianMoments) -> float:
    """Return the log-likelihood of the rows, less its constant; minus infinity where it is none."""
    whole = params.loadings @ params.loadings.T + np.diag(params.noise_variance)
    if not np.isfinite(whole).all():
        return -np.inf
    sign, log_det = np.linalg.slogdet(whole)
    if sign <= 0:
        return -np.inf
    return float(-0.5 * (sample.counts[0] * log_det + np.trace(np.linalg.solve(whole, sample.see[0]))))
