"""Data on the workers of a Dask cluster: the same E-step is mapped over them, and only its sums come back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice
from typing import Any, ClassVar, NoReturn

import numpy as np
from dask.delayed import delayed
from dask.sizeof import sizeof
from distributed import Client, Future, wait

from emlib.backends.dask_calls import call_under, current_client, near, results
from emlib.data import SURVEY_ROWS, Chunked, Data, Reader, picks
from emlib.data.chunks import joined, read_chunk
from emlib.data.reading import SOURCES, Survey, surveyed
from emlib.data.units import Remote
from emlib.model import LatentVariableModel
from emlib.numerics import tree_sum

FAR = "they stay on the workers of a cluster, where this algorithm does not go; give it data in memory, or Chunks"
Cut = tuple[int, int, int]  # a part, and where a stretch of it begins and ends


def dask_map(function: Callable[..., Any], *columns: Iterable[Any]) -> Iterator[Any]:
    """Call a function on the workers of the current client, like the builtin `map`; the order of results is kept.

    Parameters
    ----------
    function : callable
    columns : iterables of as many entries
        Chunks of data that `dask_data` has read stay where they are; anything else travels to a worker.

    Raises
    ------
    ValueError
        If there is no client yet.

    Notes
    -----
    ``emlib.fit(model, rows, map=dask_map)`` works with data in memory, too, but sends them anew for each E-step.
    """
    client, settings = current_client(), np.geterr()
    calls = []
    for given in zip(*columns, strict=True):
        piece = isinstance(given[0], _Piece)
        arguments = (given[0].part, given[0].index, given[0].size) if piece else given
        calls.append((_on_piece if piece else call_under, function, settings, *arguments))
    return results(client, calls)


def dask_data(model: LatentVariableModel, source: Any, sample_weight: Any = None) -> Data:
    """Let the workers read data for a model, and keep them there.

    `fit` and `Problem` do so by themselves once this module is imported.

    Parameters
    ----------
    model : LatentVariableModel
    source : dask array, dask data frame, tuple (X, y) of dask arrays, or list of delayed chunks
        Chunks of rows are what is mapped over, cut further where they have more than `chunk_size` units. A delayed
        chunk is raw data as the model's `as_data` takes them.
    sample_weight : dask array, list of delayed arrays or ndarray, optional
        One chunk for each chunk of data; an array in memory is cut as they are.

    Notes
    -----
    The results have the bits of a local fit to the same chunks (`emlib.Chunks`) on machines of the same kind. A
    worker that is lost is no loss: what it held is read again elsewhere. For each piece of data an E-step sends the
    parameters out and the expected statistics back, and nothing else: 1.8 and 1.9 kB for two normal components in
    eight dimensions, however many units a piece has (a Louis matrix for p parameters, 8 p^2 bytes).

    Only while the data are read do some of them move: at most 8192 units come to the client, for random starts, and
    chunks that share a block of 8192 units, in which the data are measured, bring their parts of it together; where
    chunks have a multiple of 8192 units, none do.

    Examples
    --------
    On a real cluster the scheduler's address is all that changes: ``Client("tcp://head:8786")``.

    >>> import dask.array, emlib, numpy as np
    >>> from distributed import Client
    >>> from emlib.backends.dask import dask_data
    >>> from emlib.models import GaussianMixture
    >>> client = Client(processes=False, n_workers=1, threads_per_worker=1, dashboard_address=None)
    >>> rng = np.random.default_rng(0)
    >>> rows = rng.normal(size=(2000, 1)) + rng.choice([-3.0, 3.0], (2000, 1))
    >>> model = GaussianMixture(n_components=2, n_features=1)
    >>> result = emlib.fit(model, dask.array.from_array(rows, chunks=(500, 1)), rng=0)
    >>> result.loglik == emlib.fit(model, rows, chunk_size=500, rng=0).loglik
    True
    >>> client.close()
    """
    return _read(model.reader, source, sample_weight)


def _read(reader: Reader, source: Any, sample_weight: Any = None) -> Data:
    """Do what `emlib.data.read` does, on the workers."""
    client = current_client()
    raws = _chunks(source)
    rows = client.compute(raws)
    sizes = client.gather([client.submit(_size, part) for part in rows])
    seen = _weights(sample_weight, sizes, client)
    kept = [index for index, size in enumerate(sizes) if size]  # a selection may leave partitions empty
    if not kept:
        raise ValueError("data: every chunk is empty; at least one unit is needed")
    parts = [client.submit(read_chunk, reader, index, rows[index], seen[index], pure=False) for index in kept]
    facts = list(results(client, [(_facts, part) for part in parts]))
    lengths = tuple(length for length, _ in facts)
    homes = client.who_has(parts)
    blocks = [[near(client, homes, _stretch, parts[index], low, high) for index, low, high in cuts]
              for cuts in _cuts(lengths, SURVEY_ROWS)]
    found: Survey = tree_sum(results(client, [(_surveyed, reader, *block) for block in blocks]))
    data = found.settled(reader, _Distributed(tuple(parts), None, None, None, reader, lengths, found.tally,
                                              facts[0][1]))
    settled = [near(client, homes, _settled, part, data.scale, data.n_units) for part in parts]
    wait(settled)
    return replace(data, units=tuple(settled))


@dataclass(frozen=True)
class _Piece(Remote):
    """Some units of a part that a worker holds."""

    refusal: ClassVar[str] = FAR

    part: Future[Any]
    index: int
    size: int

    @property
    def units(self) -> NoReturn:
        """There are none here."""
        raise ValueError(f"data: {FAR}")


@dataclass(frozen=True, eq=False)
class _Distributed(Chunked):
    """What is known here of data on workers; `units` are the futures of the parts, which keep them there."""

    def chunks(self, size: int) -> Iterator[Any]:
        """Yield what stands for the pieces of at most `size` units; `dask_map` alone can make use of it."""
        for part, length in zip(self.units, self.lengths, strict=True):
            yield from (_Piece(part, index, size) for index in range(-(-length // size)))

    def map(self, function: Callable[..., Any], *columns: Iterable[Any]) -> Iterator[Any]:
        """Call a function where the data are."""
        return dask_map(function, *columns)

    def each(self, function: Callable[[Data], Any]) -> Iterator[Any]:
        """Call a function of each part where it is."""
        return dask_map(function, self.units)

    @cached_property
    def _sample(self) -> Data:
        wanted, ends = picks(len(self), SURVEY_ROWS), np.cumsum(self.lengths)
        inside = [rows - (end - length) for rows, end, length in zip(
            np.split(wanted, np.searchsorted(wanted, ends[:-1])), ends, self.lengths, strict=True)]
        return replace(joined(list(dask_map(Data.piece, self.units, inside))), scale=self.scale, whole=None)


@sizeof.register(Data)
def _bytes(data: Data) -> int:
    """Tell Dask how dear it is to move data."""
    return int(sizeof(data.units) + sizeof(data.weights))


def _is_remote(raw: Any) -> bool:
    """Whether data are a Dask collection, or several."""
    several = isinstance(raw, list | tuple) and len(raw) > 0
    return all(map(_is_remote, raw)) if several else hasattr(raw, "__dask_graph__")


def _chunks(raw: Any) -> list[Any]:
    """Return the delayed chunks of a collection."""
    if isinstance(raw, tuple):
        return [delayed(_together)(*pair) for pair in zip(*map(_chunks, raw), strict=True)]
    if isinstance(raw, list):
        return raw
    if hasattr(raw, "rechunk"):  # chunks are of rows; columns stay together
        raw = raw.rechunk(dict.fromkeys(range(1, raw.ndim), -1))
    return list(np.ravel(raw.to_delayed()))


def _size(raw: Any) -> int:
    return len(raw[0] if isinstance(raw, tuple) else raw)


def _weights(given: Any, sizes: Sequence[int], client: Client) -> list[Any]:
    """Return the weights of each chunk; those of one array in memory are cut as the data are."""
    if given is None:
        return [None] * len(sizes)
    if isinstance(given, np.ndarray):
        if given.shape != (sum(sizes),):
            raise ValueError(f"sample_weight: shape {given.shape} found, ({sum(sizes)},) needed, one weight per unit")
        return list(np.split(given, np.cumsum(sizes)[:-1]))
    seen = _chunks(given)
    if len(seen) != len(sizes):
        raise ValueError(f"sample_weight: {len(seen)} chunks found, the data have {len(sizes)}; give one for each")
    return list(client.compute(seen))


def _cuts(lengths: Sequence[int], size: int) -> Iterator[list[Cut]]:
    """Yield the stretches of parts that blocks of `size` units consist of."""
    block: list[Cut] = []
    room = size
    for index, length in enumerate(lengths):
        low = 0
        while low < length:
            high = min(length, low + room)
            block.append((index, low, high))
            room, low = room - (high - low), high
            if not room:
                yield block
                block, room = [], size
    if block:
        yield block


def _on_piece(function: Callable[..., Any], settings: Any, part: Data, index: int, size: int) -> Any:
    return call_under(function, settings, next(islice(part.chunks(size), index, None)))


def _together(*parts: Any) -> tuple[Any, ...]:
    return parts


def _facts(part: Data) -> tuple[int, bool]:
    return len(part), part.listed


def _stretch(part: Data, low: int, high: int) -> Data:
    return part.piece(slice(low, high))


def _surveyed(reader: Reader, *pieces: Data) -> Survey:
    return surveyed(reader, joined(pieces))


def _settled(part: Data, scale: Any, whole: float) -> Data:
    return replace(part, scale=scale, whole=whole)


SOURCES.append((_is_remote, _read))
