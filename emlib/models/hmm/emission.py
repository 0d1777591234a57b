"""What a hidden Markov model asks of its emissions: the distribution of an observation in each state."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from emlib.blocks.block import Block
from emlib.data import Data, Reader
from emlib.families import Family
from emlib.kernels.chain_arguments import Emissions
from emlib.models.hmm import compiled_chain
from emlib.numerics import Array


@dataclass(frozen=True)
class Emission(ABC):
    """The distributions of an observation in each of `n_states` states; sequences lie one after the other in `rows`."""

    n_states: int

    @property
    def depth(self) -> int:
        """Axes of one sequence."""
        return 1

    @property
    @abstractmethod
    def blocks(self) -> tuple[Block, ...]:
        """The blocks of its parameters, state by state along the first axis."""

    @property
    @abstractmethod
    def family(self) -> Family:
        """Its factor of the complete-data likelihood."""

    @property
    @abstractmethod
    def rows(self) -> Reader:
        """How the observations of one sequence are read."""

    @abstractmethod
    def log_density(self, params: Any, rows: Array) -> Array:
        """Return the log-density of each observation in each state, shape (T, K)."""

    @abstractmethod
    def moments(self, params: Any, rows: Array, members: Array) -> Any:
        """Return the family's statistics for expected states times observation weights, shape (T, K)."""

    def prepared(self, params: Any) -> Any:
        """Return what the compiled passes of all chunks share: the parameters themselves, or what is made of them."""
        return params

    @abstractmethod
    def compiled(self, prepared: Any, rows: Array) -> Emissions:
        """Return what the compiled passes take."""

    @abstractmethod
    def collected(self, params: Any, rows: Array, found: compiled_chain.Sums) -> Any:
        """Return the family's statistics from the sums of the compiled passes over the observations."""

    @abstractmethod
    def start(self, data: Data, rng: np.random.Generator) -> Mapping[str, Array]:
        """Draw its parameters."""

    @abstractmethod
    def nudged(self, params: Any, data: Data, rng: np.random.Generator) -> Mapping[str, Array]:
        """Return the fields that tell states apart, moved a little."""

    @abstractmethod
    def sample(self, params: Any, states: Array, rng: np.random.Generator) -> Array:
        """Draw an observation for each of the states, shape (T, ...)."""

    def collapsed(self, params: Any, data: Data) -> str | None:
        """Name a state whose likelihood has become unbounded; None if there is none."""
        return None
