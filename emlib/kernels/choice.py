"""Which chunks the compiled loops serve: a rule of the sizes alone, so that equal chunks give equal bits."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec

import numpy as np

from emlib.numerics import Array

CHUNK = 8192  # units a chunk, so that a Louis matrix of a chunk stays small
LONG = 8 * CHUNK  # where the compiled loops serve, which keep nothing of a chunk but its sums
BLOCK = 256  # points a block: a row of a block is 2 KiB, what is summed over a block stays in the first cache
STRIDE = BLOCK + 8  # from one row of a block to the next: a power of two would crowd one corner of the cache
DEAR = 1.5e6  # nanoseconds that NumPy may take before the compiled loops serve: nobody waits for a compiler for less
DEAR_CHAIN = 2e7  # the same for hidden chains, whose loops take longer to compile


@cache
def numba_is_there() -> bool:
    """Say whether Numba is installed; looking costs as much as a small E-step, so it is done once."""
    return find_spec("numba") is not None


def cost(units: float, count: int, side: int) -> float:
    """Return about how many nanoseconds NumPy's E-step takes for K = `count` normal components in d = `side`."""
    return units * count * (100.0 + 8.0 * side + 0.1 * side**2)


def compiled(units: float, count: int, side: int) -> bool:
    """Say whether the compiled loops serve the chunks of so many units in all: they are many, and Numba is there."""
    return cost(units, count, side) > DEAR and numba_is_there()


def estep_chunk(count: int, side: int) -> int:
    """Return how many units an E-step takes at a time."""
    return LONG if compiled(CHUNK, count, side) else CHUNK


def chain_cost(lengths: Array, count: int) -> float:
    """Return about how many nanoseconds NumPy takes for sequences of these lengths and K = `count` states."""
    return float(25_000.0 * np.unique(lengths).sum() + 100.0 * lengths.sum() * count)


def compiled_chain(lengths: Array, count: int) -> bool:
    """Say whether the compiled loops serve a chunk of sequences: it is large, and Numba is there."""
    return chain_cost(lengths, count) > DEAR_CHAIN and numba_is_there()


def kalman_cost(lengths: Array) -> float:
    """Return about how many nanoseconds NumPy takes to filter and smooth sequences of these lengths, entries missing.

    Sequences of one length go side by side, each with matrices of its own.
    """
    return float(150_000.0 * np.unique(lengths).sum() + 10_000.0 * lengths.sum())


def compiled_kalman(lengths: Array) -> bool:
    """Say whether the compiled filter and smoother serve a chunk: it is large, and Numba is there."""
    return kalman_cost(lengths) > DEAR_CHAIN and numba_is_there()
