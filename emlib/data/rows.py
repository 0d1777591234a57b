"""Readers of rows: numbers, counts, binary answers; what a fit asks of the whole is that no column is constant."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from emlib.data.moments import Columns, Moments, Together, columns, moments, refuse_extreme, together
from emlib.data.reader import Reader, Tally
from emlib.data.units import Data
from emlib.data.validate import as_counts, as_matrix, first, whole_numbers
from emlib.numerics import Array

CONSTANT = 1e-12  # deviation of a column, as a share of its largest value, that is rounding
DEPENDENT = 1e-12  # smallest eigenvalue of the correlations that linearly dependent columns leave


@dataclass(frozen=True)
class Rows(Reader):
    """Reads rows of `n_features` numbers; a flat array is one column where one is expected."""

    n_features: int

    def units(self, raw: Any, name: str = "data") -> Array:
        """Return rows, shape (n, d)."""
        return as_matrix(raw, self.n_features, name)


@dataclass(frozen=True)
class NormalRows(Rows):
    """Reads rows of numbers for `count` normal components; refuses constant and linearly dependent columns.

    The scale is the covariance of all rows, shape (d, d); the diagonal alone where no model of this kind asks for more.
    """

    count: int
    kind: str

    def measure(self, block: Data) -> Moments:
        """Return the first two moments."""
        return moments(block.units, block.weights)

    def scale(self, tally: Tally, measured: Moments, data: Data) -> Array:
        """Return the covariance of all rows."""
        if self.count > 1:
            tally.enough(self.count, "components")
        tally.enough(2, "rows that a covariance needs", "give more rows")
        deviations = np.sqrt(np.diag(measured.spread))
        refuse_extreme(deviations, measured.largest)
        constant = deviations <= CONSTANT * np.maximum(measured.largest, np.finfo(float).tiny)
        if constant.any():
            raise ValueError(f"data: column {int(np.argmax(constant))} is constant; its variance has no estimate, drop "
                             "it")
        if self.kind not in ("full", "tied"):
            return np.diag(np.diag(measured.spread))
        smallest = float(np.linalg.eigvalsh(measured.spread / np.outer(deviations, deviations))[0])
        if smallest < DEPENDENT:
            raise ValueError(f"data: the columns are linearly dependent (smallest eigenvalue of their correlation "
                             f"{smallest:.1e}); drop a column, give more rows, look for a row that outweighs "
                             "all others, or use covariance_type='diag'")
        return measured.spread


@dataclass(frozen=True)
class RowsWithMissing(Rows):
    """Reads rows of numbers, not-a-number where an entry is missing; the scale is means and variances, shape (2, d).

    A row with no seen entry says nothing, and is kept.
    """

    def units(self, raw: Any, name: str = "data") -> Array:
        """Return rows, shape (n, d)."""
        return as_matrix(raw, self.n_features, name, missing=True)

    def measure(self, block: Data) -> Any:
        """Return what is seen of each column."""
        return columns(block.units, block.weights)

    def scale(self, tally: Tally, measured: Columns | Together, data: Data) -> Array:
        """Return means and variances of the seen entries; refuses columns that are constant or never seen."""
        return measured.scale()


@dataclass(frozen=True)
class JointRowsWithMissing(RowsWithMissing):
    """The same for a model that asks, too, how often two columns are seen together: d more rows of the scale."""

    def measure(self, block: Data) -> Any:
        """Return what is seen of each column, and of each pair."""
        return together(block.units, block.weights)


@dataclass(frozen=True)
class RobustRows(Rows):
    """Reads rows of numbers with outliers; the scale is a scatter matrix that these bound, shape (d, d)."""

    def scale(self, tally: Tally, measured: Any, data: Data) -> Array:
        """Return a robust scale; of many rows, that of a random sample (medians of parts do not add up)."""
        tally.enough(self.n_features + 1, "rows that a scale matrix needs", "give more rows or fewer columns")
        sample = data.sample()
        return _robust_scale(sample.units, sample.frequencies)


def _robust_scale(rows: Array, seen: Array) -> Array:
    """Return a scatter matrix that outliers bound: about the median, in units of the median deviation."""
    used = rows[seen > 0]
    centre = np.median(used, axis=0)
    typical = np.median(np.abs(used - centre), axis=0)
    sizes = np.where(typical > 0, typical, np.abs(used).max(axis=0))  # outliers may be of any size
    refuse_extreme(sizes, sizes)
    deviations = np.std(used, axis=0)
    constant = deviations <= CONSTANT * np.maximum(np.abs(used).max(axis=0), np.finfo(float).tiny)
    if constant.any():
        raise ValueError(f"data: column {int(constant.argmax())} is constant; its scale has no estimate, drop it")
    units = np.where(typical > 0, typical, deviations)  # over half of the column may be one value
    scaled = (rows - centre) / units
    share = seen / (1 + (scaled**2).mean(axis=1))
    scatter = scaled.T @ (share[:, None] * scaled) / seen.sum()
    lengths = np.sqrt(np.diag(scatter))
    smallest = float(np.linalg.eigvalsh(scatter / np.outer(lengths, lengths))[0])
    if smallest < DEPENDENT:
        raise ValueError(f"data: the columns are linearly dependent (smallest eigenvalue of their robust correlation "
                         f"{smallest:.1e}); drop a column or give more rows")
    return np.asarray(scatter * np.outer(units, units))


@dataclass(frozen=True)
class Counts(Reader):
    """Reads a flat array of counts for `n_components` components; refuses counts that are all zero."""

    n_components: int

    def units(self, raw: Any, name: str = "data") -> Array:
        """Return counts, shape (n,)."""
        return as_counts(raw, name)

    def measure(self, block: Data) -> int:
        """Return how many counts of positive weight are not zero."""
        return int(np.count_nonzero(block.units if block.weights is None else block.units[block.weights > 0]))

    def scale(self, tally: Tally, measured: int, data: Data) -> None:
        """Refuse too few counts, and zeros alone."""
        tally.enough(self.n_components, "components")
        if not measured:
            raise ValueError("data: every count is zero; the rates have no interior estimate")


@dataclass(frozen=True)
class CountRows(Rows):
    """Reads rows of `n_features` counts for `n_components` components; refuses columns that are all zero.

    The scale is the mean of each column, shape (d,).
    """

    n_components: int

    def units(self, raw: Any, name: str = "data") -> Array:
        """Return rows of counts, shape (n, d)."""
        return whole_numbers(as_matrix(raw, self.n_features, name), name)

    def measure(self, block: Data) -> Columns:
        """Return the first two moments of each column."""
        return columns(block.units, block.weights)

    def scale(self, tally: Tally, measured: Columns, data: Data) -> Array:
        """Refuse too few rows, and columns of zeros alone."""
        tally.enough(self.n_components, "components")
        zero = measured.largest == 0
        if zero.any():
            raise ValueError(f"data: every count of column {int(zero.argmax())} is zero; its rates are zero, drop it")
        return measured.mean


@dataclass(frozen=True)
class BinaryRows(Rows):
    """Reads rows of zeros and ones for `n_components` components; refuses constant columns."""

    n_components: int

    def units(self, raw: Any, name: str = "data") -> Array:
        """Return rows of zeros and ones, shape (n, d)."""
        rows = as_matrix(raw, self.n_features, name)
        other = first(rows, lambda part: (part != 0) & (part != 1))
        if other is not None:
            raise ValueError(f"{name}: entry {list(other)} is {rows[other]:g}; binary answers are 0 or 1")
        return rows

    def measure(self, block: Data) -> Array:
        """Return how many rows have a one, and how many a zero, in each column, shape (2, d)."""
        seen = block.units if block.weights is None else block.units[block.weights > 0]
        ones: Array = np.count_nonzero(seen, axis=0)
        return np.stack([ones, len(seen) - ones])

    def scale(self, tally: Tally, measured: Array, data: Data) -> None:
        """Refuse too few rows, and columns whose probabilities are 0 or 1."""
        tally.enough(self.n_components, "components")
        constant = (measured == 0).any(axis=0)
        if constant.any():
            raise ValueError(f"data: column {int(constant.argmax())} is constant; its probability has no interior "
                             "estimate, drop it")
