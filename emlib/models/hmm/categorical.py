"""Hidden Markov model with symbols."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from emlib.blocks import StochasticMatrix
from emlib.blocks.block import Block
from emlib.data import Data
from emlib.data.reading import Tally
from emlib.data.validate import positive_integer
from emlib.families import Categorical, Family
from emlib.models import sequences
from emlib.models.hmm import chain_pass, paths
from emlib.models.hmm.base import HiddenMarkovModel
from emlib.numerics import Array

SPREAD = 0.01  # relative size of the nudge that tells equal states apart


@dataclass(frozen=True, eq=False)
class CategoricalHMMParams:
    """Parameters of `CategoricalHMM`.

    Attributes
    ----------
    initial : ndarray, shape (K,)
        Probabilities of the first state.
    transition : ndarray, shape (K, K)
        Row i: probabilities of the state after i.
    emission : ndarray, shape (K, M)
        Row i: probabilities of the symbols in state i.
    """

    initial: Array
    transition: Array
    emission: Array


@dataclass(frozen=True)
class CategoricalHMM(HiddenMarkovModel):
    """Hidden Markov chain of `n_states` states that emits symbols 0, 1, ..., n_symbols - 1.

    Parameters
    ----------
    n_states, n_symbols : int

    Notes
    -----
    A probability of zero stays exactly zero under EM (Baum & Petrie 1966). Zeros that are structure are better
    announced, with NaN for what is to be estimated, ``fixed={"transition": [[nan, nan], [0, nan]]}``: a maximum
    given zeros that are not may count as a saddle. Data are one array of symbols, or a list of arrays;
    `sample_weight` counts sequences.

    Examples
    --------
    >>> import numpy as np
    >>> from emlib.models import CategoricalHMM
    >>> model = CategoricalHMM(n_states=2, n_symbols=2)
    >>> params = model.params(initial=[1, 0], transition=[[0.8, 0.2], [0, 1]], emission=[[0.9, 0.1], [0.2, 0.8]])
    >>> path, loglik = model.viterbi(params, np.array([0, 0, 1, 1]))
    >>> path.tolist(), round(loglik, 4)
    ([0, 0, 1, 1], -2.4896)
    >>> model.m_step(model.e_step(params, np.array([0, 0, 1, 1])).stats).transition.round(3).tolist()
    [[0.495, 0.505], [0.0, 1.0]]
    """

    n_symbols: int

    def __post_init__(self) -> None:
        positive_integer(self.n_symbols, "n_symbols")
        super().__post_init__()

    @property
    def _params_type(self) -> type:
        return CategoricalHMMParams

    @property
    def _blocks(self) -> tuple[Block, ...]:
        return (StochasticMatrix("emission", (self.n_states, self.n_symbols)),)

    @property
    def _family(self) -> Family:
        return Categorical("emission")

    def _read(self, raw: Any, name: str) -> Array:
        return sequences.as_symbols(raw, self.n_symbols, name)

    def _measure(self, rows: Array, weights: Array | None) -> Array:
        found: Array = np.bincount(rows, weights, minlength=self.n_symbols)
        return found

    def _scale(self, tally: Tally, found: Array) -> Array:
        """Return the overall frequencies of the symbols, half an observation added to each."""
        counts: Array = found + 0.5
        return np.asarray(counts / counts.sum())

    def _log_density(self, params: CategoricalHMMParams, rows: Array) -> Array:
        with np.errstate(divide="ignore"):
            by_symbol: Array = np.log(params.emission).T
        found: Array = by_symbol[rows]
        return found

    def _moments(self, params: CategoricalHMMParams, rows: Array, members: Array) -> Array:
        return np.stack([np.bincount(rows, column, minlength=self.n_symbols) for column in members.T])

    def _emissions(self, params: CategoricalHMMParams, rows: Array) -> chain_pass.Emissions:
        return chain_pass.table(self._log_density(params, np.arange(self.n_symbols)), rows)

    def _summed(self, params: CategoricalHMMParams, found: chain_pass.Sums) -> Array:
        return found.shares.T.copy()

    def _start(self, data: Data, rng: np.random.Generator) -> dict[str, Array]:
        own = rng.dirichlet(np.ones(self.n_symbols), size=self.n_states)
        return {"emission": 0.5 * (own + data.scale)}

    def _nudged(self, params: CategoricalHMMParams, data: Data, rng: np.random.Generator) -> dict[str, Array]:
        moved = params.emission * np.exp(SPREAD * rng.standard_normal(params.emission.shape))
        return {"emission": moved / moved.sum(axis=1, keepdims=True)}

    def _draw(self, params: CategoricalHMMParams, states: Array, rng: np.random.Generator) -> Array:
        return paths.pick(params.emission[states], rng)
