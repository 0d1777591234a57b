"""Truncated beta-binomial counts: an MM algorithm in the place of EM."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy

from emlib.blocks import Interval, Positive
from emlib.data import Data, require_data
from emlib.data.validate import as_counts, as_weights, positive_integer, reweighted
from emlib.families import Bernoulli, Family, Poisson, ProductModel
from emlib.model import Expectation, Statistics
from emlib.numerics import Array
from emlib.space import ParameterSpace


@dataclass(frozen=True, eq=False)
class TruncatedBetaBinomialParams:
    """Parameters of `TruncatedBetaBinomial`.

    Attributes
    ----------
    probability : ndarray, shape ()
        pi, of a member of a household to be a case, on average over all households.
    dispersion : ndarray, shape ()
        alpha; 0 is the binomial distribution.
    """

    probability: Array
    dispersion: Array


@dataclass(frozen=True, eq=False)
class _Factors:
    """The factors pi + j alpha, 1 - pi + j alpha and 1 + j alpha, j = 0, ..., m - 1, and how often each occurs.

    Attributes
    ----------
    order : ndarray, shape (m,)
        j.
    cases, others, norms : ndarray, shape (m,)
        The three kinds of factors.
    n_cases, n_others, n_norms : ndarray, shape (m,)
        Their numbers, households without a case included: there are `odds` of them for each that was seen.
    odds : float
    """

    order: Array
    cases: Array
    others: Array
    norms: Array
    n_cases: Array
    n_others: Array
    n_norms: Array
    odds: float


@dataclass(frozen=True)
class TruncatedBetaBinomial(ProductModel):
    """Numbers of cases in households of `size` members, of which only those with at least one case are seen.

    P(k) is proportional to C(m, k) prod_{j<k} (pi + j alpha) prod_{j<m-k} (1 - pi + j alpha), k = 1, ..., m. The data
    are m counts: the households with 1, ..., m cases.

    Parameters
    ----------
    size : int
        m, at least two.

    Notes
    -----
    The map of `Problem.em_map` is the MM algorithm of Zhou, Alexander & Lange (2011), not an EM algorithm for the
    households: `q_value` is a surrogate that touches the log-likelihood and lies below it, and `entropy` is what it
    leaves out, no entropy of hidden households. Everything else, the gradient and `missing_information` included,
    follows as for EM, so that every algorithm runs on it. At a maximum with pi = 0 its preconditioner dies like pi^2,
    and pi like 1/k (theorem T10), where a mixture weight under EM would die geometrically.

    Examples
    --------
    >>> import emlib
    >>> from emlib.models import TruncatedBetaBinomial
    >>> result = emlib.fit(TruncatedBetaBinomial(4), [12, 6, 7, 6], rng=0)
    >>> round(result.loglik, 4), round(float(result.params.probability), 4)
    (-41.7286, 0.1479)
    """

    size: int

    def __post_init__(self) -> None:
        positive_integer(self.size, "size")
        if self.size < 2:
            raise ValueError("size: 1 found; a household of one member tells nothing, at least 2 are needed")
        super().__post_init__()

    @property
    def space(self) -> ParameterSpace:
        """A probability and a positive number."""
        blocks = (Interval("probability"), Positive("dispersion"))
        return ParameterSpace(TruncatedBetaBinomialParams, blocks, fixed=self.fixed)

    @property
    def families(self) -> tuple[Family, ...]:
        """b log pi + c log(1 - pi), and a log alpha - d alpha: the surrogate separates the two."""
        return (Bernoulli("probability"), Poisson("dispersion"))

    def as_data(self, raw: Any, sample_weight: Any = None) -> Data:
        """Read the numbers of households with 1, ..., m cases, shape (m,).

        Raises
        ------
        ValueError
            If they are not m counts, or if no household, or none with fewer than m cases, was seen.
        """
        if isinstance(raw, Data):
            return reweighted(raw, sample_weight)
        counts = as_counts(raw)
        if counts.shape != (self.size,):
            raise ValueError(f"data: shape {counts.shape} found; give the numbers of households with 1, ..., "
                             f"{self.size} cases, shape ({self.size},)")
        weights = counts if sample_weight is None else counts * as_weights(sample_weight, self.size)
        if not weights[:-1].any() or not weights[1:].any():
            raise ValueError("data: a household with fewer cases than members and one with more than one case are "
                             "needed; without them there is no estimate")
        return Data(np.arange(1, self.size + 1), weights)

    def start(self, data: Data, rng: np.random.Generator) -> Any:
        """Draw pi from the middle of its interval and alpha about one."""
        drawn = TruncatedBetaBinomialParams(np.asarray(rng.uniform(0.1, 0.9)),
                                            np.asarray(np.exp(0.5 * rng.standard_normal())))
        return self.space.hold(drawn)

    def sample(self, params: TruncatedBetaBinomialParams, n: int, rng: np.random.Generator) -> Array:
        """Draw n households with at least one case and count them by their cases, shape (m,)."""
        found = self._log_masses(params)
        return rng.multinomial(n, np.exp(found) / np.exp(found).sum())

    def score_samples(self, params: TruncatedBetaBinomialParams, data: Any) -> Array:
        """Return the log-probabilities of the households by their cases 1, ..., m, nats, shape (m,)."""
        return self._log_likelihoods(params, self._any_data(data))

    def _any_data(self, raw: Any, sample_weight: Any = None) -> Data:
        return self.as_data(raw, sample_weight)

    def _log_likelihoods(self, params: TruncatedBetaBinomialParams, data: Data) -> Array:
        return np.asarray(self._log_masses(params)[data.units - 1])

    def _log_masses(self, params: TruncatedBetaBinomialParams) -> Array:
        """Log-probabilities of 1, ..., m cases in a household that was seen, shape (m,)."""
        order, m = np.arange(self.size), self.size
        norms = 1 + order * params.dispersion
        cases = np.cumsum(np.log(params.probability + order * params.dispersion))
        others = np.append(0.0, np.cumsum(np.log(1 - params.probability + order * params.dispersion)))[m - 1::-1]
        seen = np.log(-np.expm1(np.log1p(-params.probability / norms).sum()))
        masses: Array = np.log(scipy.special.comb(m, order + 1)) + cases + others - np.log(norms).sum() - seen
        return masses

    def _factors(self, params: TruncatedBetaBinomialParams, data: Data) -> _Factors:
        order, total = np.arange(self.size), data.n_units
        norms = 1 + order * params.dispersion
        odds = 1 / np.expm1(-np.log1p(-params.probability / norms).sum())  # of no case: P(0) / (1 - P(0))
        seen = np.asarray(data.weights)
        n_cases = np.array([seen[data.units > j].sum() for j in order])
        n_others = np.array([seen[self.size - data.units > j].sum() for j in order]) + total * odds
        return _Factors(order, params.probability + order * params.dispersion,
                        1 - params.probability + order * params.dispersion, norms, n_cases, n_others,
                        np.full(self.size, total * (1 + odds)), float(odds))

    def e_step(self, params: TruncatedBetaBinomialParams, data: Data) -> Expectation:
        """Return the surrogate's four sums at the parameters, and the log-likelihood."""
        require_data(data)
        at = self._factors(params, data)
        toward, away = at.n_cases / at.cases, at.n_others / at.others
        chances = [params.probability * toward.sum(), (1 - params.probability) * away.sum(), 0.0]
        rises = [(at.n_norms * at.order / at.norms).sum(), params.dispersion * (at.order * (toward + away)).sum(), 0.0]
        stats = Statistics({"probability": np.array(chances), "dispersion": np.array(rises)})
        found = np.asarray(data.weights) * self._log_likelihoods(params, data)
        left = float(found.sum()) - self.q_value(params, stats)
        return Expectation(stats, float(found.sum()), left, data.n_units, float(np.abs(found).sum()))

    def missing_information(self, params: TruncatedBetaBinomialParams, data: Data) -> Array:
        """Return what the surrogate's curvature has too much of, standard entries, shape (2, 2)."""
        require_data(data)
        at = self._factors(params, data)
        pi, alpha = float(params.probability), float(params.dispersion)
        first, second = pi / at.cases, (1 - pi) / at.others
        toward, away = np.array([1 / pi, -1 / alpha]), np.array([-1 / (1 - pi), -1 / alpha])
        slope = np.array([-(1 / at.others).sum(), (at.order / at.others - at.order / at.norms).sum()])
        tail = np.diag([0.0, (at.n_norms * (at.order / at.norms) ** 2).sum()])
        return np.asarray((at.n_cases * first * (1 - first)).sum() * np.outer(toward, toward) + tail
                          + (at.n_others * second * (1 - second)).sum() * np.outer(away, away)
                          + data.n_units * at.odds * (1 + at.odds) * np.outer(slope, slope))
