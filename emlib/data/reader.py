"""The contract of a reader: how the data of a model are checked, measured and brought to a scale."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from emlib.data.units import Data
from emlib.data.validate import counted


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

    def enough(self, needed: int, what: str, remedy: str = "give more data or a smaller model") -> None:
        """Refuse fewer units than a model needs."""
        if self.seen < needed:
            raise ValueError(f"data: {counted(self.seen, 'unit')} found, fewer than the {needed} {what}; {remedy}")


def tally(data: Data) -> Tally:
    """Count the units of a block, and their rows."""
    if not data.listed:
        seen = len(data) if data.weights is None else int(np.count_nonzero(data.weights))
        return Tally(seen, data.n_units, data.n_units, seen, 1)
    lengths = np.array([len(rows) for rows in data.units])
    kept = lengths if data.weights is None else lengths[data.weights > 0]
    return Tally(len(kept), data.n_units, data.n_observations, int(kept.sum()), int(kept.max(initial=0)))


class Reader:
    """How the data of a model are read; the model's `reader` returns one, and `emlib.data.read` drives it.

    Three methods: the units of the data, or of each chunk of them; what is measured of a block of units, which is
    added up; the scale of the whole. Only `units` is required. Arrays in memory, `Chunks` and Dask collections are
    then read alike, weights are checked, and no pass holds more than one chunk.

    Attributes
    ----------
    data_type : type
        `Data`, or a subclass that remembers more of its units.
    """

    data_type: ClassVar[type[Data]] = Data

    def units(self, raw: Any, name: str = "data") -> Any:
        """Return the validated units of raw data, or of any part of them.

        Parameters
        ----------
        raw : raw data
            However few units: what the whole must have is checked by `scale`.
        name : str
            What errors call the data.

        Returns
        -------
        ndarray, shape (n, ...), or list of ndarray, shape (T_i, ...)
            One row, or one sequence, for each unit.

        Raises
        ------
        ValueError
            Naming the argument, the entry, what was found and the remedy.
        """
        raise NotImplementedError(f"{type(self).__name__} has no `units`")

    def measure(self, block: Data) -> Any:
        """Return what the scale rests on, of at most 8192 units: anything that + adds up, such as `Moments`."""
        return 0

    def scale(self, tally: Tally, measured: Any, data: Data) -> Any:
        """Return what starts and checks need of the whole; it becomes `Data.scale` of every chunk.

        Parameters
        ----------
        tally : Tally
            How much there is.
        measured : object
            The sum of what `measure` returned.
        data : Data
            The whole, its scale still None; `data.sample()` holds at most 8192 of its units.

        Raises
        ------
        ValueError
            For what is wrong with the whole, such as too few units or a constant column.
        """
        return None
