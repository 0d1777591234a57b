"""Validated units in memory: what every E-step goes through."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from emlib.numerics import Array, tree_sum

SURVEY_ROWS = 8192  # units that are measured at once, and that a random start looks at


@dataclass(frozen=True, eq=False)
class Data:
    """Validated exchangeable units.

    Parameters
    ----------
    units : ndarray, shape (n, ...), or list
        One unit per row (or per sequence).
    weights : ndarray, shape (n,), or None
        How often each unit was seen; None means once each.
    scale : object, optional
        What the model measured once when it read the data (for Gaussian models the rows' covariance).
    whole : float, optional
        Of a piece of a data set: the number of units of the whole.
    """

    units: Any
    weights: Array | None = None
    scale: Any = None
    whole: float | None = None

    def __len__(self) -> int:
        return len(self.units)

    @property
    def n_units(self) -> float:
        """The number of units, repeated ones counted as often as they were seen."""
        return float(len(self.units)) if self.weights is None else self._weight

    @cached_property
    def _weight(self) -> float:
        """The sum of the weights, by blocks."""
        weights = self.frequencies
        blocks = range(0, max(len(weights), 1), SURVEY_ROWS)
        return float(tree_sum(weights[low:low + SURVEY_ROWS].sum() for low in blocks))

    @property
    def frequencies(self) -> Array:
        """How often each unit was seen, shape (n,); ones where nothing was said."""
        return np.ones(len(self.units)) if self.weights is None else self.weights

    @property
    def listed(self) -> bool:
        """Whether units are sequences."""
        return isinstance(self.units, list)

    @property
    def n_observations(self) -> float:
        """The number of rows, or of steps of all sequences, repeated ones counted as often as they were seen."""
        if not self.listed:
            return self.n_units
        lengths = np.array([len(sequence) for sequence in self.units], dtype=float)
        return float(lengths.sum() if self.weights is None else self.weights @ lengths)

    @property
    def share(self) -> float:
        """The part of the whole data set that these units are, repeated ones counted; 1 for the whole."""
        return 1.0 if self.whole is None else self.n_units / self.whole

    @property
    def map(self) -> Callable[..., Iterable[Any]] | None:
        """Return the `map` of data that lie elsewhere; None for data in this process."""
        return None

    def piece(self, rows: Any) -> Data:
        """Return the units that a slice, or an array of indices, picks; it knows of the whole."""
        units, weights = _picked(self.units, rows), None if self.weights is None else _picked(self.weights, rows)
        # `replace` goes through all fields once more: with mini-batches that shows.
        return type(self)(units, weights, self.scale, self.n_units if self.whole is None else self.whole)

    def seen(self) -> Data:
        """Return the units without those of weight zero, which may be impossible: minus infinity times zero is none.

        Where none is left they are the same.
        """
        if self.weights is None or self.weights.all() or not self.weights.any():
            return self
        return self.piece(np.flatnonzero(self.weights))

    def chunks(self, size: int) -> Iterator[Data]:
        """Yield consecutive pieces of at most `size` units."""
        if size < 1:
            raise ValueError(f"size: {size} found; a chunk holds at least one unit")
        marked = replace(self, whole=self.n_units) if self.whole is None else self
        for low in range(0, len(self), size):
            yield marked.piece(slice(low, low + size))

    def sample(self) -> Data:
        """Return the units themselves, or a random part of them, always the same, where there are many."""
        return self if len(self) <= SURVEY_ROWS else self.piece(picks(len(self), SURVEY_ROWS))


def _picked(units: Any, rows: Any) -> Any:
    """Return the units of a slice, or of an array of indices: `take` needs a quarter of the time for a few rows."""
    if isinstance(rows, slice):
        return units[rows]
    return [units[row] for row in rows] if isinstance(units, list) else units.take(rows, axis=0)


class Remote:
    """Stands for units on another machine; `refusal` says what to do where they are needed here."""

    refusal: ClassVar[str]


def picks(count: int, most: int) -> Array:
    """Return `most` indices below a count, drawn without replacement, in order; all of them if there are no more."""
    if count <= most:
        return np.arange(count)
    return np.sort(np.random.default_rng(0).choice(count, most, replace=False, shuffle=False))
