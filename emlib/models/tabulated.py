"""Counts as a table: each value once, with how often it was seen."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from emlib.data import Data

PIECE = 1 << 16  # counts that are turned into integers at once


def tabulated(data: Data) -> Data:
    """Return counts, shape (n,), as their distinct values with weights, where these are fewer.

    An E-step sums over units, so that it yields the same but for rounding. Counts as large as there are units are left
    as they are: a table up to the largest would be no saving.
    """
    if not len(data) or (largest := int(data.units.max())) >= len(data):
        return data
    seen, weights = np.zeros((2, largest + 1))
    for piece in data.chunks(PIECE):
        counts = piece.units.astype(np.intp)
        found = np.bincount(counts, minlength=largest + 1)
        seen += found
        weights += found if piece.weights is None else np.bincount(counts, piece.weights, largest + 1)
    values = np.flatnonzero(seen)
    return replace(data, units=values.astype(float), weights=weights[values])
