"""Reader of repeated measurements: rows of responses with one design, entries of which may be missing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from emlib.data.reader import Tally
from emlib.data.rows import Rows
from emlib.data.units import Data
from emlib.data.validate import as_matrix
from emlib.numerics import Array


@dataclass(frozen=True)
class Repeats(Rows):
    """Reads rows of responses, not-a-number where one is missing; the scale is their mean square.

    Parameters
    ----------
    n_features : int
        Responses of a unit, k.
    design : tuple of tuple of float
        Their rows of the design, k of them with p entries.
    """

    design: tuple[tuple[float, ...], ...]

    def units(self, raw: Any, name: str = "data") -> Array:
        """Return rows, shape (n, k)."""
        return as_matrix(raw, self.n_features, name, missing=True, setting="prod(sizes)")

    def measure(self, block: Data) -> Array:
        """Return how often each response is seen, and the sum of its squares, shape (2, k)."""
        weights = block.frequencies
        there = ~np.isnan(block.units)
        return np.stack([weights @ there, weights @ np.where(there, block.units, 0.0) ** 2])

    def scale(self, tally: Tally, measured: Array, data: Data) -> float:
        """Return the mean square of the seen responses; refuses those that leave coefficients open."""
        seen, design = measured[0] > 0, np.array(self.design)
        rank = int(np.linalg.matrix_rank(design[seen])) if seen.any() else 0
        if rank < design.shape[1]:
            raise ValueError(f"data: the responses that are seen determine {rank} of {design.shape[1]} coefficients; "
                             "give units with other responses, or drop columns of the design")
        mean = float(measured[1].sum() / measured[0].sum())
        return mean if mean > 0 else 1.0
