"""How far noise in the last place moves a stored path: the range over a table and its noisy copies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from embook.study import store
from emlib.numerics import Array

__all__ = ["NoiseRange", "noise_range"]


@dataclass(frozen=True, eq=False)
class NoiseRange:
    """Values along a path: as stored, and the least and largest over the table and its noisy copies.

    Attributes
    ----------
    stored, low, high : ndarray, shape (n,)
    """

    stored: Array
    low: Array
    high: Array

    def parts_at(self, width: float) -> int | None:
        """Return the first index at which the range is wider than a limit, or None."""
        wide = np.flatnonzero(self.high - self.low > width)
        return int(wide[0]) if len(wide) else None

    def keeps(self, values: Array, width: float) -> bool:
        """Return whether a path stays within this of the stored one, as far as the noisy copies do."""
        until = self.parts_at(width)
        return bool(np.all(np.abs(values - self.stored)[:until] <= width))


def noise_range(name: str, prefix: str, **key: Any) -> NoiseRange:
    """Return the range of the columns of a study that begin with a prefix, in the cell of this key."""
    tables = [store.load(name), *store.copies(name)]
    rows = [table.where(**key).rows()[0] for table in tables]
    values = np.array([[value for column, value in row.items() if column.startswith(prefix)] for row in rows])
    return NoiseRange(values[0], values.min(axis=0), values.max(axis=0))
