"""Hidden Markov model with symbols."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from emlib.blocks import StochasticMatrix
from emlib.blocks.block import Block
from emlib.data import Data
from emlib.data.sequences import Symbols
from emlib.data.validate import positive_integer
from emlib.families import Categorical
from emlib.kernels.chain_arguments import Emissions
from emlib.models.discrete import NUDGE
from emlib.models.hmm import compiled_chain, paths
from emlib.models.hmm.base import HiddenMarkovModel
from emlib.models.hmm.emission import Emission
from emlib.numerics import Array


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
class CategoricalEmission(Emission):
    """Symbols 0, 1, ..., n_symbols - 1."""

    n_symbols: int

    @property
    def blocks(self) -> tuple[Block, ...]:
        return (StochasticMatrix("emission", (self.n_states, self.n_symbols)),)

    @property
    def family(self) -> Categorical:
        return Categorical("emission")

    @property
    def rows(self) -> Symbols:
        return Symbols(self.n_symbols)

    def log_density(self, params: CategoricalHMMParams, rows: Array) -> Array:
        with np.errstate(divide="ignore"):
            by_symbol: Array = np.log(params.emission).T
        return by_symbol[rows]

    def moments(self, params: CategoricalHMMParams, rows: Array, members: Array) -> Array:
        return np.stack([np.bincount(rows, column, minlength=self.n_symbols) for column in members.T])

    def compiled(self, prepared: CategoricalHMMParams, rows: Array) -> Emissions:
        return compiled_chain.table_emissions(self.log_density(prepared, np.arange(self.n_symbols)), rows)

    def collected(self, params: CategoricalHMMParams, rows: Array, found: compiled_chain.Sums) -> Array:
        return found.symbols.T.copy()

    def start(self, data: Data, rng: np.random.Generator) -> dict[str, Array]:
        own = rng.dirichlet(np.ones(self.n_symbols), size=self.n_states)
        return {"emission": 0.5 * (own + data.scale[0])}

    def nudged(self, params: CategoricalHMMParams, data: Data, rng: np.random.Generator) -> dict[str, Array]:
        moved = params.emission * np.exp(NUDGE * rng.standard_normal(params.emission.shape))
        return {"emission": moved / moved.sum(axis=1, keepdims=True)}

    def sample(self, params: CategoricalHMMParams, states: Array, rng: np.random.Generator) -> Array:
        return paths.pick(params.emission[states], rng)


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
    >>> model.m_step(model.e_step(params, model.as_data([0, 0, 1, 1])).stats).transition.round(3).tolist()
    [[0.495, 0.505], [0.0, 1.0]]
    """

    n_symbols: int
    _params_type: ClassVar[type] = CategoricalHMMParams

    def __post_init__(self) -> None:
        positive_integer(self.n_symbols, "n_symbols")
        super().__post_init__()

    @property
    def emission(self) -> CategoricalEmission:
        """Symbols with their own probabilities in each state."""
        return CategoricalEmission(self.n_states, self.n_symbols)

    def known_zeros(self, params: Any, data: Data) -> dict[str, tuple[Array, str]]:
        """Return the zeros of a start, and the symbols that never occur: their best probability is zero."""
        zeros, unseen = super().known_zeros(params, data), np.asarray(data.scale[1] == 0)
        block = self.space.blocks[-1]
        if not isinstance(block, StochasticMatrix) or not (block.support & unseen).any():
            return zeros
        given = zeros["emission"][0] if "emission" in zeros else np.zeros(block.shape, dtype=bool)
        mask = given | block.support & unseen
        silent = ~(block.support & ~mask).any(axis=1, keepdims=True)  # a state of which no symbol occurs
        names = ", ".join(map(str, np.flatnonzero(unseen)))
        return zeros | {"emission": (np.where(silent, given, mask), f"symbols that never occur: {names}")}
