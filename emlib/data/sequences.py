"""Readers of sequences: one array is one sequence, a list of arrays is several."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from emlib.data.reader import Reader, Tally
from emlib.data.reading import refuse_chunks
from emlib.data.units import Data
from emlib.data.validate import as_floats, counted
from emlib.numerics import Array


@dataclass(frozen=True)
class Sequences(Reader):
    """Reads sequences of rows.

    Parameters
    ----------
    rows : Reader
        Of the rows of one sequence; it measures those of all, and knows their scale.
    depth : int
        Axes of one raw sequence. A list whose entries have one axis less is one sequence, written as a list; so is a
        list of rows of one number each. Sequences of length one are arrays.
    """

    rows: Reader
    depth: int

    def units(self, raw: Any, name: str = "data") -> list[Array]:
        """Return the sequences, also of one that is not in a list."""
        return self.read(raw)[0]

    def read(self, raw: Any) -> tuple[list[Array], bool]:
        """Return the sequences, and whether there was only one, not in a list; those of a `Data` as they are.

        Raises
        ------
        ValueError
            Naming the sequence, the entry, what was found and the remedy.
        """
        refuse_chunks(raw)
        if isinstance(raw, Data):
            return raw.units, False
        if not isinstance(raw, list) or (raw and _depth(raw[0]) < self.depth) or _is_column(raw):
            return [self._one(raw, "data")], True
        if not raw:
            raise ValueError("data: an empty list; at least one sequence is needed")
        return [self._one(entry, f"data[{index}]") for index, entry in enumerate(raw)], False

    def _one(self, raw: Any, name: str) -> Array:
        if isinstance(raw, (list, tuple, np.ndarray)) and len(raw) == 0:
            raise ValueError(f"{name}: empty; a sequence has at least one observation, leave it out")
        rows: Array = self.rows.units(raw, name)
        return rows

    def measure(self, block: Data) -> Any:
        """Return what is measured of the rows of all sequences."""
        return self.rows.measure(flattened(block))

    def scale(self, tally: Tally, measured: Any, data: Data) -> Any:
        """Return the scale of the rows."""
        return self.rows.scale(replace(tally, seen=tally.steps), measured, data)


@dataclass(frozen=True)
class Chains(Sequences):
    """Reads what hidden Markov chains of `n_states` states emit."""

    n_states: int

    def scale(self, tally: Tally, measured: Any, data: Data) -> Any:
        """Check that the states can be told apart and the transitions estimated at all; return the rows' scale."""
        if tally.steps < self.n_states:
            raise ValueError(f"data: {counted(tally.steps, 'observation')} found, fewer than the {self.n_states} "
                             "states; give more data or a smaller model")
        if tally.longest == 1 and self.n_states > 1:
            raise ValueError("data: every sequence has length one, so that there are no transitions to estimate; use "
                             "a mixture")
        return super().scale(tally, measured, data)


@dataclass(frozen=True)
class Outputs(Sequences):
    """Reads what linear dynamical systems put out, not-a-number where an entry is missing.

    Parameters
    ----------
    static : bool
        Whether sequences may all have length one, which say nothing of the transition.
    least : int
        Rows that all sequences together need.
    """

    static: bool
    least: int

    def units(self, raw: Any, name: str = "data") -> list[Array]:
        """Return sequences with a seen entry each."""
        found = super().units(raw, name)
        for index, rows in enumerate(found):
            if np.isnan(rows).all():
                raise ValueError(f"data[{index}]: no entry is seen; the sequence says nothing, leave it out")
        return found

    def scale(self, tally: Tally, measured: Any, data: Data) -> Any:
        """Return the rows' scale; refuses sequences that are too short."""
        if tally.longest == 1 and not self.static:
            raise ValueError("data: every sequence has length one, which says nothing of the transition; hold "
                             "'transition' and 'transition_covariance' by fixed=, or use FactorAnalysis")
        found = super().scale(tally, measured, data)
        if tally.steps < self.least:
            raise ValueError(f"data: {counted(tally.steps, 'row')} found, fewer than the {self.least} that a "
                             "covariance of the observations needs; give more rows, hold 'observation_covariance' by "
                             "fixed=, or let it be diagonal there")
        return found


@dataclass(frozen=True)
class Symbols(Reader):
    """Reads one sequence of symbols 0, 1, ..., n_symbols - 1; the scale, shape (2, M), is how often each occurs."""

    n_symbols: int

    def units(self, raw: Any, name: str = "data") -> Array:
        """Return symbols as indices, shape (T,)."""
        array = as_floats(raw, name)
        if array.ndim != 1:
            raise ValueError(f"{name}: shape {array.shape} found, a sequence of symbols is (T,); several sequences are "
                             "a list of arrays")
        bad = (array != np.round(array)) | (array < 0) | (array >= self.n_symbols)
        if bad.any():
            index = int(np.argmax(bad))
            raise ValueError(f"{name}: entry [{index}] is {array[index]:g}; symbols are whole numbers from 0 to "
                             f"n_symbols - 1 = {self.n_symbols - 1}")
        return array.astype(np.intp)

    def measure(self, block: Data) -> Array:
        """Return how often each symbol was seen, weights counted and not, shape (2, M)."""
        return np.stack([np.bincount(block.units, seen, minlength=self.n_symbols) for seen in (block.weights, None)])

    def scale(self, tally: Tally, measured: Array, data: Data) -> Array:
        """Return the frequencies of the symbols, half an observation added to each; below, how often each is there."""
        counts = measured[0] + 0.5
        return np.stack([counts / counts.sum(), measured[1]])


def _depth(entry: Any) -> int:
    try:
        return np.ndim(entry)
    except ValueError:  # ragged: the reader says so
        return 2


def _is_column(raw: list[Any]) -> bool:
    """Return whether a list holds the rows of one column, as a matrix with one column turns into lists."""
    return len(raw) > 1 and all(isinstance(row, (list, tuple)) and len(row) == 1 and np.ndim(row[0]) == 0
                                for row in raw)


def joined(units: list[Array]) -> Array:
    """Return the sequences one after the other; a single one as it is."""
    return units[0] if len(units) == 1 else np.concatenate(units)


def lengths(units: Sequence[Array]) -> Array:
    """Return the number of observations of each sequence, shape (N,)."""
    return np.array([len(rows) for rows in units])


def flattened(data: Data) -> Data:
    """Return the rows of all sequences as units; each counts as often as its sequence."""
    weights = None if data.weights is None else np.repeat(data.weights, lengths(data.units))
    return Data(np.concatenate(data.units), weights, data.scale)


def split(rows: Array, units: list[Array]) -> list[Array]:
    """Cut what was computed row by row back into sequences."""
    return np.split(rows, np.cumsum(lengths(units))[:-1])
