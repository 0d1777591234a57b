"""Rows sorted by which of their entries are seen, some patterns at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from emlib.families.linear_gaussian import LOG_2PI
from emlib.models.partial import Laws, sorted_by_kind
from emlib.numerics import Array

ENTRIES = 500_000  # of matrices d x d, one for each pattern or each row, that are held at a time
MANY = 32  # rows of a pattern for which a matrix product of their own pays


@dataclass(frozen=True, eq=False)
class Group:
    """G patterns of seen entries with their n rows, pattern after pattern.

    Attributes
    ----------
    kinds : ndarray of bool, shape (G, d)
    sizes : ndarray of int, shape (G,)
        How many rows have each pattern.
    rows : ndarray of int, shape (n,)
        Their indices in the data.
    """

    kinds: Array
    sizes: Array
    rows: Array

    @property
    def seen(self) -> Array:
        """Which entries of each row are seen, shape (n, d)."""
        return np.repeat(self.kinds, self.sizes, axis=0)

    def _pieces(self) -> Iterator[tuple[int, slice]]:
        ends = np.cumsum(self.sizes)
        return ((g, slice(end - size, end)) for g, (size, end) in enumerate(zip(self.sizes, ends, strict=True)))

    @property
    def _many(self) -> bool:
        return len(self.rows) > MANY * len(self.kinds)

    def log_densities(self, law: Laws, residual: Array) -> Array:
        """Return the log-densities of the rows' seen entries, shape (n,); residuals (n, d) are zero elsewhere."""
        if self._many:
            white = np.concatenate([residual[piece] @ law.whitening[g].T for g, piece in self._pieces()])
        else:
            white = (np.repeat(law.whitening, self.sizes, axis=0) @ residual[:, :, None])[:, :, 0]
        constant = self.kinds.sum(axis=1) * LOG_2PI + law.log_det
        return np.asarray(-0.5 * (np.repeat(constant, self.sizes) + np.einsum("ni,ni->n", white, white)))

    def sums(self, weights: Array, residual: Array) -> tuple[Array, Array, Array]:
        """Return, for each pattern, the weighted sums of 1, r and r r' over its rows r: (G,), (G, d), (G, d, d)."""
        weighted = weights[:, None] * residual
        if self._many:
            second = np.stack([weighted[piece].T @ residual[piece] for _, piece in self._pieces()])
        else:
            second = np.add.reduceat(weighted[:, :, None] * residual[:, None, :], self._starts, axis=0)
        return np.add.reduceat(weights, self._starts), np.add.reduceat(weighted, self._starts, axis=0), second

    @property
    def _starts(self) -> Array:
        starts: Array = np.cumsum(self.sizes) - self.sizes
        return starts


def groups(rows: Array) -> Iterator[Group]:
    """Yield rows (n, d), not-a-number where an entry is missing, by their patterns, in bounded memory."""
    kinds, order, sizes = sorted_by_kind(~np.isnan(rows))
    ends, most = np.cumsum(sizes), max(ENTRIES // rows.shape[1] ** 2, 1)
    low = 0
    while low < len(kinds):
        past = ends[low] - sizes[low]
        high = max(low + 1, min(low + most, int(np.searchsorted(ends, past + most, side="right"))))
        yield Group(kinds[low:high], sizes[low:high], order[past:ends[high - 1]])
        low = high
