"""Reading sequences: one array is one sequence, a list of arrays is several."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from emlib.data import Data
from emlib.data.reading import Tally, refuse_chunks
from emlib.data.validate import as_floats
from emlib.numerics import Array

Reader = Callable[[Any, str], Array]


def read(raw: Any, reader: Reader, depth: int) -> tuple[list[Array], bool]:
    """Return the sequences, and whether there was only one, not in a list.

    Parameters
    ----------
    raw : array_like, list of array_like or Data
        A list whose entries have one axis less than a sequence is one sequence, written as a list.
    reader : callable
        From one raw sequence and its name to validated rows.
    depth : int
        Axes of one sequence.

    Raises
    ------
    ValueError
        Naming the sequence, the entry, what was found and the remedy.
    """
    refuse_chunks(raw)
    if isinstance(raw, Data):
        return raw.units, False
    if not isinstance(raw, list) or (raw and _depth(raw[0]) < depth):
        return [_read_one(raw, reader, "data")], True
    if not raw:
        raise ValueError("data: an empty list; at least one sequence is needed")
    return [_read_one(entry, reader, f"data[{index}]") for index, entry in enumerate(raw)], False


def _depth(entry: Any) -> int:
    try:
        return np.ndim(entry)
    except ValueError:  # ragged: the reader says so
        return 2


def _read_one(raw: Any, reader: Reader, name: str) -> Array:
    if hasattr(raw, "__len__") and len(raw) == 0:
        raise ValueError(f"{name}: empty; a sequence has at least one observation, leave it out")
    return reader(raw, name)


def as_symbols(raw: Any, n_symbols: int, name: str) -> Array:
    """Read one sequence of symbols 0, 1, ..., n_symbols - 1."""
    array = as_floats(raw, name)
    if array.ndim != 1:
        raise ValueError(f"{name}: shape {array.shape} found, a sequence of symbols is (T,); several sequences are a "
                         "list of arrays")
    bad = (array != np.round(array)) | (array < 0) | (array >= n_symbols)
    if bad.any():
        index = int(np.argmax(bad))
        raise ValueError(f"{name}: entry [{index}] is {array[index]:g}; symbols are whole numbers from 0 to "
                         f"n_symbols - 1 = {n_symbols - 1}")
    return array.astype(np.intp)


def joined(units: list[Array]) -> Array:
    """Return the sequences one after the other; a single one as it is."""
    return units[0] if len(units) == 1 else np.concatenate(units)


def lengths(units: Sequence[Array]) -> Array:
    """Return the number of observations of each sequence, shape (N,)."""
    return np.array([len(rows) for rows in units])


def row_weights(data: Data) -> Array | None:
    """Return the weight of each observation, that of its sequence; None if there are none."""
    return None if data.weights is None else np.repeat(data.weights, lengths(data.units))


def split(rows: Array, units: list[Array]) -> list[Array]:
    """Cut what was computed row by row back into sequences."""
    return np.split(rows, np.cumsum(lengths(units))[:-1])


def enough(tally: Tally, n_states: int) -> None:
    """Check that the states can be told apart and the transitions estimated at all."""
    if tally.steps < n_states:
        raise ValueError(f"data: {tally.steps} observations found, fewer than the {n_states} states; give more "
                         "data or a smaller model")
    if tally.longest == 1 and n_states > 1:
        raise ValueError("data: every sequence has length one, so that there are no transitions to estimate; use a "
                         "mixture")
