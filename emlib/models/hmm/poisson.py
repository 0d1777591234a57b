"""Hidden Markov model with counts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from emlib.blocks import Rate
from emlib.blocks.block import Block
from emlib.data import Data, sequences
from emlib.data.rows import CountRows, Counts
from emlib.data.validate import positive_integer
from emlib.families import Poisson, poisson
from emlib.kernels.chain_arguments import Emissions
from emlib.models import gaussian_data
from emlib.models.discrete import NUDGE
from emlib.models.hmm import compiled_chain
from emlib.models.hmm.base import HiddenMarkovModel
from emlib.models.hmm.emission import Emission
from emlib.numerics import Array


@dataclass(frozen=True, eq=False)
class PoissonHMMParams:
    """Parameters of `PoissonHMM`.

    Attributes
    ----------
    initial : ndarray, shape (K,)
        Probabilities of the first state.
    transition : ndarray, shape (K, K)
        Row i: probabilities of the state after i.
    rates : ndarray, shape (K,), or (K, d) with d > 1 counts a step
        Mean counts in each state.
    """

    initial: Array
    transition: Array
    rates: Array


@dataclass(frozen=True)
class PoissonEmission(Emission):
    """`n_features` Poisson counts a step, independent given the state."""

    n_features: int

    @property
    def depth(self) -> int:
        return 1 if self.n_features == 1 else 2

    @property
    def _shape(self) -> tuple[int, ...]:
        return (self.n_states,) if self.n_features == 1 else (self.n_states, self.n_features)

    @property
    def blocks(self) -> tuple[Block, ...]:
        return (Rate("rates", self._shape),)

    @property
    def family(self) -> Poisson:
        return Poisson("rates")

    @property
    def rows(self) -> Counts | CountRows:
        return Counts(self.n_states) if self.n_features == 1 else CountRows(self.n_features, self.n_states)

    def log_density(self, params: PoissonHMMParams, rows: Array) -> Array:
        return poisson.log_mass(rows, params.rates)

    def moments(self, params: PoissonHMMParams, rows: Array, members: Array) -> Array:
        return poisson.moments(rows, members)

    def compiled(self, prepared: PoissonHMMParams, rows: Array) -> Emissions:
        """Return a table of the counts' probabilities: of all counts up to the largest, or else of every row's."""
        counts = _tabulated(rows)
        places = np.arange(len(rows)) if counts is rows else rows.astype(np.int64)
        return compiled_chain.table_emissions(self.log_density(prepared, counts), places)

    def collected(self, params: PoissonHMMParams, rows: Array, found: compiled_chain.Sums) -> Array:
        return poisson.moments(_tabulated(rows), found.symbols)

    def start(self, data: Data, rng: np.random.Generator) -> dict[str, Array]:
        """Draw one quantile of the counts from each of K equal parts; of rows k-means++ centres of their roots."""
        places = (np.arange(self.n_states) + rng.random(self.n_states)) / self.n_states
        rows = sequences.flattened(data)
        if self.n_features > 1:  # the roots of counts have one variance, whatever the rate
            roots = replace(rows, units=np.sqrt(rows.units), scale=np.eye(self.n_features))
            return {"rates": poisson.near(gaussian_data.spread_centres(roots, self.n_states, rng) ** 2, rng)}
        counts = np.quantile(rows.units, places, method="inverted_cdf", weights=rows.weights)
        return {"rates": poisson.near(counts, rng)}

    def nudged(self, params: PoissonHMMParams, data: Data, rng: np.random.Generator) -> dict[str, Array]:
        return {"rates": params.rates * np.exp(NUDGE * rng.standard_normal(self._shape))}

    def sample(self, params: PoissonHMMParams, states: Array, rng: np.random.Generator) -> Array:
        return rng.poisson(params.rates[states]).astype(float)


def _tabulated(rows: Array) -> Array:
    """Return all counts up to the largest; the rows themselves where these are fewer, or have several counts each."""
    if rows.ndim == 2:
        return rows
    largest = int(rows.max())
    return rows if largest >= len(rows) else np.arange(largest + 1.0)


@dataclass(frozen=True)
class PoissonHMM(HiddenMarkovModel):
    """Hidden Markov chain of `n_states` states with Poisson counts at each time, independent given the state.

    Parameters
    ----------
    n_states, n_features : int
        `n_features` counts a step.

    Notes
    -----
    Data are one array of counts, shape (T,), or (T, d) with d > 1 counts a step, or a list of arrays; `sample_weight`
    counts sequences. Of the initial probabilities a
    single chain says next to nothing: their maximum lies at a vertex, where the chain is sure to start in one state.

    Examples
    --------
    Major earthquakes in the world, by year (Zucchini & MacDonald 2009):

    >>> import emlib
    >>> from emlib import datasets
    >>> from emlib.algorithms import EM
    >>> from emlib.models import PoissonHMM
    >>> result = emlib.fit(PoissonHMM(2), datasets.earthquakes(), algorithm=EM(), rng=0)
    >>> round(result.loglik, 4)
    -341.8787
    """

    n_features: int = 1
    _params_type: ClassVar[type] = PoissonHMMParams

    def __post_init__(self) -> None:
        positive_integer(self.n_features, "n_features")
        super().__post_init__()

    @property
    def emission(self) -> PoissonEmission:
        """Counts with their own means in each state."""
        return PoissonEmission(self.n_states, self.n_features)
