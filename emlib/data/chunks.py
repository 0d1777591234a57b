"""Data that come in parts: `Chunks` says how to get them, `Chunked` is what a model has read of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import zip_longest
from typing import Any, NoReturn

import numpy as np

from emlib.data.reader import Reader
from emlib.data.units import SURVEY_ROWS, Data, picks
from emlib.data.validate import as_weights

AGAIN = "an iterator can be gone through once only: give Chunks a function that returns a new one each time"


class Chunks:
    """Raw data that do not fit into memory, in parts that can be read again and again.

    Parameters
    ----------
    source : callable or sequence
        A function without arguments that returns a new iterator over the chunks; or a sequence whose entries are
        chunks, or functions without arguments that each read one. A chunk is raw data as the model's `as_data` takes
        them: rows, a list of sequences, or a tuple (X, y), with units of its own. Empty chunks are passed over.

    Raises
    ------
    TypeError
        For an iterator, which would be used up after one pass.

    Notes
    -----
    `fit` and `Problem` take chunks in place of data. A first pass reads every chunk and measures the whole; each
    E-step is one more pass, with one chunk in memory at a time, each cut into pieces of at most `chunk_size` units.
    The results have the same bits as those of data in memory that are cut at the same places. Weights are chunks, too:
    ``sample_weight=Chunks(...)``, one array for each chunk of data. Random starts look at 8192 units, drawn from all
    chunks. Algorithms that visit units in random order (`OnlineEM`, and `SGD` or `Adam` with batches) need data in
    memory, and the models' own methods, such as `posterior`, one chunk at a time.

    Examples
    --------
    A generator: nothing but 1000 rows at a time is ever there.

    >>> import emlib, numpy as np
    >>> from emlib.models import GaussianMixture
    >>> def rows():
    ...     for seed in range(5):
    ...         rng = np.random.default_rng(seed)
    ...         yield rng.normal(size=(1000, 1)) + rng.choice([-3.0, 3.0], (1000, 1))
    >>> result = emlib.fit(GaussianMixture(2, 1), emlib.Chunks(rows), rng=0)
    >>> result.success, sorted(result.params.means.ravel().round(1).tolist())
    (True, [-3.0, 3.0])

    Single precision in a file: a float64 file needs no chunks, it is read where it lies.

    >>> import os, tempfile
    >>> path = os.path.join(tempfile.mkdtemp(), "rows.npy")
    >>> np.save(path, np.concatenate(list(rows())).astype(np.float32))
    >>> table = np.load(path, mmap_mode="r")
    >>> parts = emlib.Chunks(lambda: (table[low:low + 1000] for low in range(0, len(table), 1000)))
    >>> abs(emlib.fit(GaussianMixture(2, 1), parts, rng=0).loglik - result.loglik) < 0.01
    True
    """

    __array_ufunc__ = None

    def __init__(self, source: Callable[[], Iterable[Any]] | Sequence[Any]) -> None:
        if not callable(source) and (hasattr(source, "__next__") or not hasattr(source, "__len__")):
            raise TypeError(f"source: {type(source).__name__} found; {AGAIN}")
        self._source = source

    def __iter__(self) -> Iterator[Any]:
        """Go through the raw chunks once more."""
        for chunk in self._source() if callable(self._source) else self._source:
            yield chunk() if callable(chunk) else chunk

    def __array__(self, *options: Any, **more: Any) -> NoReturn:
        raise TypeError("Chunks found where one array is needed; go through them with a loop, chunk by chunk")


@dataclass(frozen=True, eq=False)
class Chunked(Data):
    """What a model has read of `Chunks`: how much there is, and its scale; the units themselves stay where they are.

    Parameters
    ----------
    units : Chunks
    weights : Chunks or None
    reader : Reader
    lengths : tuple of int
        Units of each chunk, as counted at the first pass.
    tally : Tally
    is_listed : bool
        Whether units are sequences.
    """

    weights: Any = None
    reader: Any = None
    lengths: tuple[int, ...] = ()
    tally: Any = None
    is_listed: bool = False

    def __len__(self) -> int:
        return sum(self.lengths)

    @property
    def n_units(self) -> float:
        """The number of units, repeated ones counted as often as they were seen."""
        return float(self.tally.n_units)

    @property
    def n_observations(self) -> float:
        """The number of rows, or of steps of all sequences, repeated ones counted as often as they were seen."""
        return float(self.tally.n_observations)

    @property
    def listed(self) -> bool:
        """Whether units are sequences."""
        return self.is_listed

    def piece(self, rows: Any) -> Data:
        """Refuse to pick single units."""
        raise ValueError("data: Chunks are read in their own order, and no unit by itself; an algorithm that visits "
                         "units in random order needs data in memory")

    def chunks(self, size: int) -> Iterator[Data]:
        """Read the data once more and yield pieces of at most `size` units, none across the end of a chunk."""
        for part in self._again():
            yield from replace(part, scale=self.scale, whole=self.n_units).chunks(size)

    def each(self, function: Callable[[Data], Any]) -> Iterator[Any]:
        """Read the data once more and return what a function makes of each chunk."""
        return map(function, self._again())

    def _again(self) -> Iterator[Data]:
        count = 0
        for count, part in enumerate(parts(self.reader, self.units, self.weights), start=1):
            known = self.lengths[count - 1] if count <= len(self.lengths) else 0
            if len(part) != known:
                raise ValueError(f"data: chunk {count - 1} has {len(part)} units, at the first pass it had {known}; "
                                 "chunks must be the same at every pass")
            yield part
        if count < len(self.lengths):
            raise ValueError(f"data: {count} chunks found at a later pass, {len(self.lengths)} at the first; {AGAIN}")

    def sample(self) -> Data:
        """Return a random part of the units, always the same, or all of them where there are few."""
        return self._sample

    @cached_property
    def _sample(self) -> Data:
        wanted, found, low = picks(len(self), SURVEY_ROWS), [], 0
        for part in self._again():
            inside = wanted[(wanted >= low) & (wanted < low + len(part))] - low
            found.append(part.piece(inside))
            low += len(part)
        return replace(joined(found), scale=self.scale, whole=None)


def parts(reader: Reader, source: Chunks, weights: Chunks | None) -> Iterator[Data]:
    """Read the chunks one after another, each by itself.

    Raises
    ------
    ValueError
        Naming the chunk, counted from 0, and what the reader found in it.
    """
    pairs: Iterable[tuple[Any, Any]] = ((raw, None) for raw in source)
    if weights is not None:
        pairs = zip_longest(source, weights)
    for index, (raw, seen) in enumerate(pairs):
        if raw is None or (seen is None and weights is not None):
            raise ValueError(f"sample_weight: chunk {index} of data and weights is there in one of them only; give one "
                             "array of weights for each chunk of data")
        if not _is_empty(raw):
            yield read_chunk(reader, index, raw, seen)
        elif seen is not None and np.size(seen):
            raise ValueError(f"sample_weight: chunk {index} has {np.size(seen)} weights, its data are empty; give one "
                             "weight for each unit")


def _is_empty(raw: Any) -> bool:
    """Return whether a raw chunk has no units: a selection may leave none."""
    if isinstance(raw, tuple):
        return len(raw) > 0 and all(map(_is_empty, raw))
    return hasattr(raw, "__len__") and getattr(raw, "ndim", 1) > 0 and len(raw) == 0


def read_chunk(reader: Reader, index: int, raw: Any, sample_weight: Any) -> Data:
    """Read one chunk and its weights; errors name its number."""
    try:
        return read_part(reader, raw, sample_weight)
    except ValueError as error:
        raise ValueError(f"chunk {index} of {error}") from None


def read_part(reader: Reader, raw: Any, sample_weight: Any = None) -> Data:
    """Read raw data, or some of them, and their weights, entry by entry."""
    units = reader.units(raw)
    return reader.data_type(units, as_weights(sample_weight, len(units)))


def joined(pieces: Sequence[Data]) -> Data:
    """Return several pieces as one."""
    if len(pieces) == 1:
        return pieces[0]
    first = pieces[0]
    units = [unit for piece in pieces for unit in piece.units] if first.listed else np.concatenate(
        [piece.units for piece in pieces])
    weights = None if first.weights is None else np.concatenate([np.asarray(piece.weights) for piece in pieces])
    return replace(first, units=units, weights=weights)


def blocks(pieces: Iterable[Data], size: int) -> Iterator[Data]:
    """Cut units anew, `size` at a time, wherever they were cut before."""
    held: list[Data] = []
    for piece in pieces:
        held.append(piece)
        count = sum(map(len, held))
        if count >= size:
            whole, full = joined(held), count - count % size
            yield from whole.piece(slice(0, full)).chunks(size)
            held = [whole.piece(slice(full, None))] if full < count else []
    if held:
        yield joined(held)
