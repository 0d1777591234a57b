"""Hidden Markov models: everything but the distribution of an observation in a state."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from emlib.blocks import Simplex, StochasticMatrix
from emlib.data import Data, sequences
from emlib.data.sequences import Chains
from emlib.data.validate import positive_integer
from emlib.families import Categorical, Family
from emlib.kernels import use_compiled_chain
from emlib.model import Expectation, Statistics
from emlib.models.discrete import DiscreteLatentModel
from emlib.models.hmm import chain, compiled_chain, paths, wide_chain
from emlib.models.hmm.emission import Emission
from emlib.numerics import Array
from emlib.space import ParameterSpace

STAY = 2.0  # how much more often than elsewhere a random start expects a state to stay, times the number of states


@dataclass(frozen=True)
class HiddenMarkovModel(DiscreteLatentModel):
    """A Markov chain of `n_states` hidden states, each with its own distribution of what is observed.

    A subclass names the type of its parameters, and gives that distribution as an `Emission`.
    """

    n_states: int
    _params_type: ClassVar[type]
    _label: ClassVar[str] = "state"

    def __post_init__(self) -> None:
        positive_integer(self.n_states, "n_states")
        super().__post_init__()

    @property
    @abstractmethod
    def emission(self) -> Emission:
        """The distribution of an observation in each state."""

    @property
    def space(self) -> ParameterSpace:
        """Initial and transition probabilities, and what the emissions need; no mean coordinates (theorem T2 fails)."""
        count = self.n_states
        blocks = (Simplex("initial", (count,)), StochasticMatrix("transition", (count, count)), *self.emission.blocks)
        return ParameterSpace(self._params_type, blocks, fixed=self.fixed)

    @property
    def families(self) -> tuple[Family, ...]:
        """First states, moves, emissions."""
        return (Categorical("initial"), Categorical("transition"), self.emission.family, *self._constant)

    @property
    def reader(self) -> Chains:
        """One array (one sequence) or a list of arrays; weights count whole sequences."""
        return Chains(self.emission.rows, self.emission.depth, self.n_states)

    def start(self, data: Data, rng: np.random.Generator) -> Any:
        """Draw emissions from the data and rows that prefer to stay; the first state is uniform."""
        count = self.n_states
        transition = np.stack([rng.dirichlet(STAY + STAY * count * row) for row in np.eye(count)])
        fields = {"initial": np.full(count, 1 / count), "transition": transition, **self.emission.start(data, rng)}
        return self.space.hold(self._params_type(**fields))

    def known_zeros(self, params: Any, data: Data) -> dict[str, tuple[Array, str]]:
        """Return the zeros of a start: a probability of zero stays zero under EM (Baum & Petrie 1966)."""
        blocks = [block for block in self.space.blocks if isinstance(block, Simplex)]
        zeros = {block.name: block.support & (np.asarray(getattr(params, block.name)) == 0) for block in blocks}
        return {name: (mask, "zero at the start") for name, mask in zeros.items() if mask.any()}

    def _prepared(self, params: Any) -> Any:
        return self.emission.prepared(params)

    def _expectation(self, params: Any, prepared: Any, data: Data) -> Expectation:
        """Return expected first states, moves and emissions of a chunk, by one forward and one backward pass."""
        rows, size = sequences.joined(data.units), sequences.lengths(data.units)
        seen = data.frequencies
        if use_compiled_chain(size, self.n_states):
            return self._compiled(params, prepared, rows, size, data)
        found = self._smoothed(params, rows, size)
        moments = self.emission.moments(params, rows, found.states * np.repeat(seen, size)[:, None])
        stats = self._statistics(seen @ found.initial, np.tensordot(seen, found.transitions, 1), moments)
        return Expectation.of(stats, found.loglik, max(float(seen @ found.entropy), 0.0), data)

    def _compiled(self, params: Any, prepared: Any, rows: Array, size: Array, data: Data) -> Expectation:
        """Return the E-step by the compiled passes: side by side where that serves, else in wide range."""
        emission = self.emission
        given = (params.initial, params.transition, emission.compiled(prepared, rows), size, data.frequencies)
        found = compiled_chain.run(*given) or wide_chain.run(*given)
        stats = self._statistics(found.initial, found.transitions, emission.collected(params, rows, found))
        return Expectation.of(stats, found.loglik, found.entropy, data)

    def _statistics(self, initial: Array, transitions: Array, moments: Any) -> Statistics:
        return Statistics({"initial": initial, "transition": transitions, self.emission.family.key: moments})

    def _smoothed(self, params: Any, rows: Array, lengths: Array) -> chain.Smoothed:
        log_density = self.emission.log_density(params, rows)
        if use_compiled_chain(lengths, self.n_states):
            return wide_chain.smooth_all(params.initial, params.transition, log_density, lengths)
        return chain.smooth_all(params.initial, params.transition, log_density, lengths)

    def posterior(self, params: Any, data: Any) -> Any:
        """Return the smoothed probabilities of the states, shape (T, K): one array, or a list as the data are."""
        units, single = self.reader.read(data)
        found = self._smoothed(params, np.concatenate(units), sequences.lengths(units))
        _possible(found.loglik)
        states = sequences.split(found.states, units)
        return states[0] if single else states

    def _log_likelihoods(self, params: Any, data: Data) -> Array:
        return self._smoothed(params, sequences.joined(data.units), sequences.lengths(data.units)).loglik

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
        units, single = self.reader.read(data)
        found = [paths.best_path(params.initial, params.transition, self.emission.log_density(params, rows))
                 for rows in units]
        values = np.array([value for _, value in found])
        _possible(values)
        return found[0] if single else ([path for path, _ in found], values)

    def sample(self, params: Any, lengths: Any, rng: np.random.Generator, *, with_latent: bool = False) -> Any:
        """Draw one sequence of a given length, or a list of sequences for a list of lengths.

        `with_latent` also returns the states, shape (T,) for each sequence: a pair of arrays, or of lists.
        """
        if np.ndim(lengths) > 0:
            drawn = [self.sample(params, length, rng, with_latent=True) for length in lengths]
            return tuple(map(list, zip(*drawn, strict=True))) if with_latent else [rows for rows, _ in drawn]
        states = paths.walk(params.initial, params.transition, int(lengths), rng)
        rows = self.emission.sample(params, states, rng)
        return (rows, states) if with_latent else rows

    @property
    def n_latent_values(self) -> int:
        """Return the number of states."""
        return self.n_states

    def degenerate(self, params: Any, data: Data) -> str | None:
        """Name a state that is never visited, or never left, and therefore has no estimate; None if there is none."""
        field = self._labelled[0]
        emission = np.asarray(getattr(params, field)).reshape(self.n_states, -1)
        lost, kept = ~np.isfinite(emission).all(axis=1), ~np.isfinite(params.transition).all(axis=1)
        if lost.any():
            return (f"{field}: state {int(np.argmax(lost))} is never visited, so that it has no estimate; use fewer "
                    "states or another start")
        if kept.any():
            return (f"transition: state {int(np.argmax(kept))} is never left, so that its row has no estimate; use "
                    "fewer states or longer sequences")
        return self.emission.collapsed(params, data)

    @property
    def _labelled(self) -> tuple[str, ...]:
        return self.emission.family.fields

    def _nudged(self, params: Any, data: Data, rng: np.random.Generator) -> Any:
        return replace(params, **self.emission.nudged(params, data, rng))


def _possible(loglik: Array) -> None:
    """Refuse sequences that the parameters make impossible: no state can be named."""
    if not np.isfinite(loglik).all():
        index = int(np.argmin(np.isfinite(loglik)))
        raise ValueError(f"data[{index}]: impossible under these parameters (log-likelihood minus infinity); no state "
                         "has a probability: look for zeros in the parameters")
