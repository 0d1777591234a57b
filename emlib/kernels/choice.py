"""Which chunks the compiled loops serve: a rule of the sizes alone, so that equal chunks give equal bits."""

from __future__ import annotations

from importlib.util import find_spec

BLOCK = 256  # points a block: a row of a block is 2 KiB, what is summed over a block stays in the first cache
DEAR = 1.5e6  # nanoseconds that NumPy may take before the compiled loops serve: nobody waits for a compiler for less


def cost(units: int, count: int, side: int) -> float:
    """Return about how many nanoseconds NumPy's E-step takes for K = `count` normal components in d = `side`."""
    return units * count * (100.0 + 8.0 * side + 0.1 * side**2)


def compiled(units: int, count: int, side: int) -> bool:
    """Say whether the compiled loops serve a chunk: it is large, and Numba is there."""
    return cost(units, count, side) > DEAR and find_spec("numba") is not None
