"""The loop that moves doubles by units in the last place, compiled, because most of the arrays concerned are tiny."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

MAGNITUDE = np.uint64(2**63 - 1)
MIX = np.uint64(0x9E3779B97F4A7C15)  # an odd number near 2^64 over the golden ratio
TOP = np.uint64(61)  # leaves three bits of the hash
ONE = np.float64(1.0).view(np.uint64)
LEAST, MOST = np.uint64(2**53), np.float64(np.inf).view(np.uint64) - np.uint64(4)  # normal numbers, before and after
OFFSETS = np.array([-2, -1, -1, 0, 0, 1, 1, 2], dtype=np.int64).view(np.uint64)


@numba.njit(cache=True)
def move(bits: Any, salt: Any) -> None:
    """Move each number, given by its bits, shape (n,), in place; zeros, ones, infinities, NaN and subnormals stay."""
    for k in range(bits.size):
        magnitude = bits[k] & MAGNITUDE
        if LEAST <= magnitude < MOST and magnitude != ONE:
            bits[k] += OFFSETS[((magnitude ^ salt) * MIX) >> TOP]
