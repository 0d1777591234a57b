"""Hidden Markov model with counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from emlib.blocks import Rate
from emlib.blocks.block import Block
from emlib.data import Data, sequences
from emlib.data.rows import Counts
from emlib.families import Poisson, poisson
from emlib.kernels.arguments import Emissions
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
    rates : ndarray, shape (K,)
        Mean count in each state.
    """

    initial: Array
    transition: Array
    rates: Array


@dataclass(frozen=True)
class PoissonEmission(Emission):
    """Poisson counts."""

    @property
    def blocks(self) -> tuple[Block, ...]:
        return (Rate("rates", (self.n_states,)),)

    @property
    def family(self) -> Poisson:
        return Poisson("rates")

    @property
    def rows(self) -> Counts:
        return Counts(self.n_states)

    def log_density(self, params: PoissonHMMParams, rows: Array) -> Array:
        return poisson.log_mass(rows, params.rates)

    def moments(self, params: PoissonHMMParams, rows: Array, members: Array) -> Array:
        return poisson.moments(rows, members)

    def compiled(self, prepared: PoissonHMMParams, rows: Array) -> Emissions | None:
        """Return a table of the counts' probabilities; None where they are so large that it is no saving."""
        largest = int(rows.max())
        if largest >= len(rows):
            return None
        log_density = self.log_density(prepared, np.arange(largest + 1.0))
        return compiled_chain.table_emissions(log_density, rows.astype(np.int64))

    def collected(self, params: PoissonHMMParams, found: compiled_chain.Sums) -> Array:
        return poisson.moments(np.arange(float(len(found.symbols))), found.symbols)

    def start(self, data: Data, rng: np.random.Generator) -> dict[str, Array]:
        """Draw one quantile of the counts from each of K equal parts."""
        places = (np.arange(self.n_states) + rng.random(self.n_states)) / self.n_states
        rows = sequences.flattened(data)
        counts = np.quantile(rows.units, places, method="inverted_cdf", weights=rows.weights)
        return {"rates": poisson.near(counts, rng)}

    def nudged(self, params: PoissonHMMParams, data: Data, rng: np.random.Generator) -> dict[str, Array]:
        return {"rates": params.rates * np.exp(NUDGE * rng.standard_normal(self.n_states))}

    def sample(self, params: PoissonHMMParams, states: Array, rng: np.random.Generator) -> Array:
        return rng.poisson(params.rates[states]).astype(float)


@dataclass(frozen=True)
class PoissonHMM(HiddenMarkovModel):
    """Hidden Markov chain of `n_states` states with a Poisson count at each time.

    Parameters
    ----------
    n_states : int

    Notes
    -----
    Data are one array of counts, or a list of arrays; `sample_weight` counts sequences. Of the initial probabilities a
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

    _params_type: ClassVar[type] = PoissonHMMParams

    @property
    def emission(self) -> PoissonEmission:
        """Counts with their own mean in each state."""
        return PoissonEmission(self.n_states)
