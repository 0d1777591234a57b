"""Counts as a table: each value once, with how often it was seen."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from emlib.data import Data


def tabulated(data: Data) -> Data:
    """Return a chunk of counts, shape (n,), as its distinct values with weights, where these are fewer.

    An E-step sums over units, so that it yields the same but for rounding. Counts as large as there are units are left
    as they are: a table up to the largest would be no saving.
    """
    if not len(data) or data.units.max() >= len(data):
        return data
    counts = data.units.astype(np.intp)
    seen = np.flatnonzero(np.bincount(counts))
    return replace(data, units=seen.astype(float), weights=np.bincount(counts, data.weights)[seen].astype(float))
