"""Reading data of any size: entries are checked and the whole is measured a block at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from emlib.data.chunks import AGAIN, Chunked, Chunks, blocks, parts, read_part
from emlib.data.reader import Reader, Tally, tally
from emlib.data.units import SURVEY_ROWS, Data, Remote
from emlib.data.validate import reweighted
from emlib.numerics import tree_sum

Source = tuple[Callable[[Any], bool], Callable[[Reader, Any, Any], Data]]
SOURCES: list[Source] = []  # kinds of raw data that a backend knows and reads; it adds its own when it is imported


def read(reader: Reader, raw: Any, sample_weight: Any = None) -> Data:
    """Return validated data; a `Data` passes through.

    Parameters
    ----------
    reader : Reader
    raw : raw data, Chunks of them, or what a backend reads
    sample_weight : array_like, optional
        For `Chunks` of data, chunks of weights.
    """
    if isinstance(raw, Data):
        return reweighted(raw, sample_weight)
    if isinstance(raw, Chunks):
        return read_chunks(reader, raw, sample_weight)
    for knows, read_source in SOURCES:
        if knows(raw):
            return read_source(reader, raw, sample_weight)
    data = read_part(reader, raw, sample_weight)
    return survey(reader, data.chunks(SURVEY_ROWS)).settled(reader, data)


def read_chunks(reader: Reader, source: Chunks, weights: Any = None) -> Data:
    """Go through chunks for the first time: check them, count them, measure them."""
    if weights is not None and not isinstance(weights, Chunks):
        raise ValueError(f"sample_weight: {type(weights).__name__} found beside Chunks of data; give Chunks, one array "
                         "of weights for each chunk of data")
    lengths, listed = [], []

    def counted() -> Iterator[Data]:
        for piece in parts(reader, source, weights):
            lengths.append(len(piece))
            listed.append(piece.listed)
            yield piece
        if not lengths:
            if next(iter(source), None) is not None:
                raise ValueError("data: every chunk is empty; at least one unit is needed")
            raise ValueError(f"data: no chunk found; {AGAIN}")

    # Cut anew, so that what is measured does not depend on where the chunks end.
    found = survey(reader, blocks(counted(), SURVEY_ROWS))
    return found.settled(reader, Chunked(source, weights, None, None, reader, tuple(lengths), found.tally, listed[0]))


@dataclass(frozen=True, eq=False)
class Survey:
    """How much there is of some data, and what a reader measures of them; additive over parts."""

    tally: Tally
    measured: Any

    def __add__(self, other: Survey) -> Survey:
        return Survey(self.tally + other.tally, self.measured + other.measured)

    def settled(self, reader: Reader, data: Data) -> Data:
        """Return the data with their scale.

        Raises
        ------
        ValueError
            If every weight is zero, or for what the reader finds wrong with the whole.
        """
        if not self.tally.n_units > 0:
            raise ValueError("sample_weight: all weights are zero; nothing was observed")
        return replace(data, scale=reader.scale(self.tally, self.measured, data))


def survey(reader: Reader, pieces: Iterable[Data]) -> Survey:
    """Return the survey of a data set, given in blocks."""
    return tree_sum(surveyed(reader, block) for block in pieces)


def surveyed(reader: Reader, block: Data) -> Survey:
    """Return the survey of one block."""
    return Survey(tally(block), reader.measure(block))


def require_data(data: Any, kind: type[Data] = Data) -> None:
    """Refuse what is no data in memory: methods that go through the units of a chunk take nothing else.

    Parameters
    ----------
    data : object
    kind : type
        The `data_type` of the model's reader.

    Raises
    ------
    TypeError
        For raw data, which are validated once, by the model's `as_data`.
    ValueError
        For chunks, for what a model has read of them, and for units on another machine.
    """
    refuse_chunks(data)
    if isinstance(data, Remote):
        raise ValueError(f"data: {data.refusal}")
    if not isinstance(data, kind):
        raise TypeError(f"data: {type(data).__name__} found; this method takes validated data, give it "
                        "model.as_data(...) of them")


def any_units(reader: Reader, raw: Any, sample_weight: Any = None) -> Data:
    """Return units that parameters are applied to: any number, however few and whatever their columns."""
    refuse_chunks(raw)
    return reweighted(raw, sample_weight) if isinstance(raw, Data) else read_part(reader, raw, sample_weight)


def refuse_chunks(raw: Any) -> None:
    """Say what to do in place of giving chunks, or what a model has read of them, to a method of a model."""
    if isinstance(raw, (Chunks, Chunked)):
        raise ValueError("data: Chunks found; only fit and Problem go through them, give this method one chunk at a "
                         "time, in a loop")
