"""Reading data of any size: entries are checked and the whole is measured a block at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import reduce
from operator import add
from typing import Any

import numpy as np

from emlib.data.chunks import AGAIN, Chunked, Chunks, blocks, parts
from emlib.data.units import SURVEY_ROWS, Data
from emlib.data.validate import as_weights, reweighted
from emlib.model import Statistics
from emlib.numerics import Array, tree_sum

Reader = tuple[Callable[[Any], bool], Callable[[Any, Any, Any], Data]]
READERS: list[Reader] = []  # kinds of raw data that a backend knows and reads; it adds its own when it is imported
ENTRIES = 1 << 18  # numbers in the table of all units' scores that may stand in memory


@dataclass(frozen=True)
class Tally:
    """How much there is of a data set, additive over its parts.

    Attributes
    ----------
    seen : int
        Units of positive weight.
    n_units, n_observations : float
        Units, and rows or steps of all sequences, repeated ones counted as often as they were seen.
    steps, longest : int
        Rows of the units of positive weight, and the most that one of them has.
    """

    seen: int
    n_units: float
    n_observations: float
    steps: int
    longest: int

    def __add__(self, other: Tally) -> Tally:
        return Tally(self.seen + other.seen, self.n_units + other.n_units, self.n_observations + other.n_observations,
                     self.steps + other.steps, max(self.longest, other.longest))

    def enough(self, needed: int, what: str) -> None:
        """Refuse fewer units than a model needs."""
        if self.seen < needed:
            raise ValueError(f"data: {self.seen} units found, fewer than the {needed} {what}; give more data or a "
                             "smaller model")


def tally(data: Data) -> Tally:
    """Count the units of a block, and their rows."""
    if not data.listed:
        seen = len(data) if data.weights is None else int(np.count_nonzero(data.weights))
        return Tally(seen, data.n_units, data.n_units, seen, 1)
    lengths = np.array([len(rows) for rows in data.units])
    kept = lengths if data.weights is None else lengths[data.weights > 0]
    return Tally(len(kept), data.n_units, data.n_observations, int(kept.sum()), int(kept.max(initial=0)))


def as_data(model: Any, raw: Any, sample_weight: Any = None) -> Data:
    """Return validated data of a model; a `Data` passes through.

    Parameters
    ----------
    model : ProductModel
        Its `_units` reads the entries of any part, `_survey` measures a block of at most 8192 units (what it returns
        is added up), and `_settle` makes the scale of the survey, or says what is wrong with the whole.
    raw : raw data
    sample_weight : array_like, optional
        For `Chunks` of data, chunks of weights.
    """
    if isinstance(raw, Data):
        return reweighted(raw, sample_weight)
    if isinstance(raw, Chunks):
        return chunked(model, raw, sample_weight)
    for knows, read in READERS:
        if knows(raw):
            return read(model, raw, sample_weight)
    units = model._units(raw)
    data: Data = model._data_type(units, as_weights(sample_weight, len(units)))
    found = survey(model, data.chunks(SURVEY_ROWS))
    return replace(data, scale=model._settle(found["tally"], found["survey"], data))


def in_memory(model: Any, raw: Any) -> Data:
    """Return data whose units a method goes through by itself; chunks of data are for `fit` and `Problem` only."""
    refuse_chunks(raw)
    found: Data = model.as_data(raw)
    refuse_chunks(found)  # those of a backend
    return found


def any_units(model: Any, raw: Any) -> Data:
    """Return units that parameters are applied to: any number, however few and whatever their columns."""
    refuse_chunks(raw)
    return raw if isinstance(raw, Data) else model._data_type(model._units(raw), None)


def refuse_chunks(raw: Any) -> None:
    """Say what to do in place of giving chunks, or what a model has read of them, to a method of a model."""
    if isinstance(raw, (Chunks, Chunked)):
        raise ValueError("data: Chunks found; only fit and Problem go through them, give this method one chunk at a "
                         "time, in a loop")


def chunked(model: Any, source: Chunks, weights: Any = None) -> Chunked:
    """Go through chunks for the first time: check them, count them, measure them."""
    if weights is not None and not isinstance(weights, Chunks):
        raise ValueError(f"sample_weight: {type(weights).__name__} found beside Chunks of data; give Chunks, one array "
                         "of weights for each chunk of data")
    lengths, listed = [], []

    def counted() -> Iterator[Data]:
        for part in parts(model, source, weights):
            lengths.append(len(part))
            listed.append(part.listed)
            yield part
        if not lengths:
            raise ValueError(f"data: no chunk found; {AGAIN}")

    # Cut anew, so that what is measured does not depend on where the chunks end.
    found = survey(model, blocks(counted(), SURVEY_ROWS))
    data = Chunked(source, weights, None, None, model, tuple(lengths), found["tally"], listed[0])
    return replace(data, scale=model._settle(found["tally"], found["survey"], data))


def survey(model: Any, blocks: Iterable[Data]) -> Statistics:
    """Return how much there is of a data set, and what a model measures of it, block by block."""
    return total(measured(model, block) for block in blocks)


def measured(model: Any, block: Data) -> Statistics:
    """Return how much there is of a block, and what a model measures of it."""
    return Statistics({"tally": tally(block), "survey": model._survey(block)})


def total(terms: Iterable[Statistics]) -> Statistics:
    """Add up what was measured of the blocks.

    Raises
    ------
    ValueError
        If every weight is zero.
    """
    found = tree_sum(terms)
    if not found["tally"].n_units > 0:
        raise ValueError("sample_weight: all weights are zero; nothing was observed")
    return found


def summed(function: Callable[[Data], Array], data: Data, width: int) -> Array:
    """Return what a function makes of all units, added up over pieces of which `width` numbers a unit take 2 MiB."""
    found: Array = reduce(add, map(function, data.chunks(max(1, ENTRIES // width))))
    return found
