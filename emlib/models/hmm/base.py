"""What hidden Markov models share: everything but the distribution of an observation in a state."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from emlib.blocks import Simplex, StochasticMatrix
from emlib.blocks.block import Block
from emlib.data import Data, reading
from emlib.data.validate import positive_integer
from emlib.families import Categorical, Family, ProductModel
from emlib.kernels import compiled_chain
from emlib.model import Expectation, Statistics
from emlib.models import mixture, sequences
from emlib.models.hmm import chain, chain_pass, paths
from emlib.numerics import Array
from emlib.space import ParameterSpace

STAY = 2.0  # how much more often than elsewhere a random start expects a state to stay, times the number of states


@dataclass(frozen=True)
class HiddenMarkovModel(ProductModel):
    """A Markov chain of `n_states` hidden states, each with its own distribution of what is observed.

    A subclass gives the distribution: its blocks and families, `_read`, `_measure`, `_scale`, `_log_density`,
    `_moments`, `_emissions`, `_summed`, `_start`, `_nudged`, `_draw`.
    """

    n_states: int

    def __post_init__(self) -> None:
        positive_integer(self.n_states, "n_states")
        super().__post_init__()

    @property
    def space(self) -> ParameterSpace:
        """Initial and transition probabilities, and what the emissions need; no mean coordinates (theorem T2 fails)."""
        count = self.n_states
        blocks = (Simplex("initial", (count,)), StochasticMatrix("transition", (count, count)), *self._blocks)
        return ParameterSpace(self._params_type, blocks, fixed=self.fixed)

    @property
    def families(self) -> tuple[Family, ...]:
        """First states, moves, emissions."""
        return (Categorical("initial"), Categorical("transition"), self._family)

    def as_data(self, raw: Any, sample_weight: Any = None) -> Data:
        """Read one array (one sequence) or a list of arrays; `sample_weight` counts whole sequences."""
        return reading.as_data(self, raw, sample_weight)

    def _units(self, raw: Any) -> list[Array]:
        return self._sequences(raw)[0]

    def _survey(self, block: Data) -> Any:
        return self._measure(np.concatenate(block.units), sequences.row_weights(block))

    def _settle(self, tally: reading.Tally, found: Any, data: Data) -> Any:
        sequences.enough(tally, self.n_states)
        return self._scale(tally, found)

    def _sequences(self, raw: Any) -> tuple[list[Array], bool]:
        return sequences.read(raw, self._read, self._depth)

    def start(self, data: Data, rng: np.random.Generator) -> Any:
        """Draw emissions from the data and rows that prefer to stay; the first state is uniform."""
        count = self.n_states
        transition = np.stack([rng.dirichlet(STAY + STAY * count * row) for row in np.eye(count)])
        fields = {"initial": np.full(count, 1 / count), "transition": transition, **self._start(data, rng)}
        return self.space.hold(self._params_type(**fields))

    def held_by_default(self, data: Data) -> tuple[str, ...]:
        """Name the initial probabilities where there are fewer sequences than states.

        Each sequence tells of one first state: with one sequence the estimate ends at a vertex, sure of a state.
        """
        return ("initial",) if data.n_units < self.n_states else ()

    def e_step(self, params: Any, data: Any) -> Expectation:
        """Return expected first states, moves and emissions of a chunk, by one forward and one backward pass."""
        data = reading.in_memory(self, data)
        rows, size = sequences.joined(data.units), sequences.lengths(data.units)
        seen = np.ones(len(data)) if data.weights is None else data.weights
        quick = self._compiled(params, rows, size, seen) if compiled_chain(size, self.n_states) else None
        if quick is not None:
            return quick
        found = chain.smooth_all(params.initial, params.transition, self._log_density(params, rows), size)
        moments = self._moments(params, rows, found.states * np.repeat(seen, size)[:, None])
        stats = Statistics({"initial": seen @ found.initial, "transition": np.tensordot(seen, found.transitions, 1),
                            self._family.key: moments})
        return Expectation(stats, float(seen @ found.loglik), max(float(seen @ found.entropy), 0.0), data.n_units,
                           float(seen @ np.abs(found.loglik)))

    def _compiled(self, params: Any, rows: Array, size: Array, seen: Array) -> Expectation | None:
        """Return what `e_step` returns by the compiled passes; None where they cannot serve."""
        emissions = self._emissions(params, rows)
        found = None if emissions is None else chain_pass.run(params.initial, params.transition, emissions, size, seen)
        if found is None:
            return None
        stats = Statistics({"initial": found.initial, "transition": found.transitions,
                            self._family.key: self._summed(params, found)})
        return Expectation(stats, float(seen @ found.loglik), found.entropy, float(seen.sum()),
                           float(seen @ np.abs(found.loglik)))

    def posterior(self, params: Any, data: Any) -> Any:
        """Return the smoothed probabilities of the states, shape (T, K): one array, or a list as the data are."""
        units, single = self._sequences(data)
        log_density = self._log_density(params, np.concatenate(units))
        found = chain.smooth_all(params.initial, params.transition, log_density, sequences.lengths(units))
        _possible(found.loglik)
        states = sequences.split(found.states, units)
        return states[0] if single else states

    def predict(self, params: Any, data: Any) -> Any:
        """Return the most probable state at each time, shape (T,); the most probable path is `viterbi`'s."""
        states = self.posterior(params, data)
        return [s.argmax(axis=1) for s in states] if isinstance(states, list) else states.argmax(axis=1)

    def viterbi(self, params: Any, data: Any) -> tuple[Any, Any]:
        """Return the most probable path and its log-probability, jointly with the data, for each sequence.

        Returns
        -------
        path : ndarray of int, shape (T,), or a list of them
        loglik : float, or ndarray, shape (N,)
            log p(path, y).

        Notes
        -----
        Of equally probable paths the one that ends in, and comes from, the lowest state.
        """
        units, single = self._sequences(data)
        found = [paths.best_path(params.initial, params.transition, self._log_density(params, rows)) for rows in units]
        values = np.array([value for _, value in found])
        _possible(values)
        return found[0] if single else ([path for path, _ in found], values)

    def simulate(self, params: Any, lengths: Any, rng: np.random.Generator) -> Any:
        """Draw one sequence of a given length, or a list of sequences for a list of lengths."""
        if np.ndim(lengths) == 0:
            return self._draw(params, paths.walk(params.initial, params.transition, int(lengths), rng), rng)
        return [self.simulate(params, length, rng) for length in lengths]

    @property
    def n_latent_values(self) -> int:
        """Return the number of states."""
        return self.n_states

    def degenerate(self, params: Any, data: Data) -> str | None:
        """Name a state that is never visited, or never left, and therefore has no estimate; None if there is none."""
        emission = np.asarray(getattr(params, self._family.fields[0])).reshape(self.n_states, -1)
        lost, kept = ~np.isfinite(emission).all(axis=1), ~np.isfinite(params.transition).all(axis=1)
        if lost.any():
            return (f"{self._family.fields[0]}: state {int(np.argmax(lost))} is never visited, so that it has no "
                    "estimate; use fewer states or another start")
        if kept.any():
            return (f"transition: state {int(np.argmax(kept))} is never left, so that its row has no estimate; use "
                    "fewer states or longer sequences")
        return self._collapsed(params, data)

    def separate(self, params: Any, data: Data, rng: np.random.Generator) -> tuple[Any, str] | None:
        """Nudge the emissions apart if those of two states agree; None if none do."""
        fields = {block.name: np.asarray(getattr(params, block.name)) for block in self.space.blocks}
        pair = mixture.equal_components([fields[block.name] for block in self._blocks])
        if pair is None:
            return None
        fields |= self._nudged(params, data, rng)
        return self._params_type(**fields), f"states {pair[0]} and {pair[1]} started equal"

    def _collapsed(self, params: Any, data: Data) -> str | None:
        return None

    @property
    def _depth(self) -> int:
        return 1  # axes of one sequence

    @property
    @abstractmethod
    def _params_type(self) -> type: ...
    @property
    @abstractmethod
    def _blocks(self) -> tuple[Block, ...]: ...
    @property
    @abstractmethod
    def _family(self) -> Family: ...
    @abstractmethod
    def _read(self, raw: Any, name: str) -> Array: ...
    @abstractmethod
    def _measure(self, rows: Array, weights: Array | None) -> Any: ...
    @abstractmethod
    def _scale(self, tally: reading.Tally, found: Any) -> Any: ...
    @abstractmethod
    def _log_density(self, params: Any, rows: Array) -> Array: ...
    @abstractmethod
    def _emissions(self, params: Any, rows: Array) -> chain_pass.Emissions | None: ...
    @abstractmethod
    def _summed(self, params: Any, found: chain_pass.Sums) -> Any: ...
    @abstractmethod
    def _moments(self, params: Any, rows: Array, members: Array) -> Any: ...
    @abstractmethod
    def _start(self, data: Data, rng: np.random.Generator) -> Mapping[str, Array]: ...
    @abstractmethod
    def _nudged(self, params: Any, data: Data, rng: np.random.Generator) -> dict[str, Array]: ...
    @abstractmethod
    def _draw(self, params: Any, states: Array, rng: np.random.Generator) -> Array: ...


def _possible(loglik: Array) -> None:
    """Refuse sequences that the parameters make impossible: no state can be named."""
    if not np.isfinite(loglik).all():
        index = int(np.argmin(np.isfinite(loglik)))
        raise ValueError(f"data[{index}]: impossible under these parameters (log-likelihood minus infinity); no state "
                         "has a probability: look for zeros in the parameters")
