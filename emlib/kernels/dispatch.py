"""Rules for which chunks the compiled loops serve: they depend on sizes alone, so that equal chunks give equal bits."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec

import numpy as np

from emlib.numerics import Array

CHUNK = 8192  # units a chunk, so that a Louis matrix of a chunk stays small
LONG = 8 * CHUNK  # units a chunk of the compiled loops, which keep nothing of it but its sums
BLOCK = 256  # points a block: a row of a block is 2 KiB, what is summed over a block stays in the first cache
LANES = 32  # stretches of hidden chains that are followed side by side
# Least density of a state over the largest one: less is taken for this, but not what is impossible. Its products with
# probabilities are still normal numbers: with others a processor takes ten times as long.
LEAST_DENSITY = 1e-200
STRIDE = BLOCK + 8  # from one row of a block to the next: a power of two would crowd one corner of the cache
# Nanoseconds that NumPy may take before the compiled loops serve: nobody waits for a compiler for less.
MIXTURE_COST = 1.5e6
CHAIN_COST = 2e7  # more, since these loops take longer to compile
STEPS_COST = 1e7  # a pass over mini-batches, of which a fit makes some tens
SCORES_COST = 5e6  # more, since a fit needs few of these matrices
MOST_SCORES = 512  # of all components together
MOST_FEATURES = 16  # of one component, up to which plain loops are quicker than LAPACK


@cache
def numba_is_installed() -> bool:
    """Return whether Numba is installed; looking costs as much as a small E-step, so it is done once."""
    return find_spec("numba") is not None


def use_compiled_mixture(units: float, count: int, side: int) -> bool:
    """Return whether the compiled loops serve the chunks of so many units of K = `count` normals in d = `side`."""
    numpy_cost = units * count * (100.0 + 8.0 * side + 0.1 * side**2)
    return numpy_cost > MIXTURE_COST and numba_is_installed()


def use_compiled_scores(units: float, count: int, length: int) -> bool:
    """Return whether the compiled loops serve the Louis matrix of so many units, K = `count`, of `length` scores each.
    """
    width = count * length
    return units * width * (18.0 + 0.04 * width) > SCORES_COST and width <= MOST_SCORES and numba_is_installed()


def use_compiled_steps(batches: int, side: int, compiled: bool = False) -> bool:
    """Return whether compiled loops serve the steps after so many mini-batches a pass, of normals in d = `side`.

    Where E-steps are `compiled` nobody waits for the compiler once more.
    """
    return (compiled or batches * 120_000.0 > STEPS_COST) and side <= MOST_FEATURES and numba_is_installed()


def estep_chunk(count: int, side: int) -> int:
    """Return how many units an E-step takes at a time."""
    return LONG if use_compiled_mixture(CHUNK, count, side) else CHUNK


def use_compiled_chain(lengths: Array, count: int) -> bool:
    """Return whether the compiled loops serve a chunk of sequences of these lengths and K = `count` states."""
    numpy_cost = 25_000.0 * np.unique(lengths).sum() + 100.0 * lengths.sum() * count
    return bool(numpy_cost > CHAIN_COST) and numba_is_installed()


def use_compiled_kalman(lengths: Array) -> bool:
    """Return whether the compiled filter and smoother serve a chunk of sequences of these lengths."""
    # Sequences of one length go side by side in NumPy, each with matrices of its own.
    numpy_cost = 150_000.0 * np.unique(lengths).sum() + 10_000.0 * lengths.sum()
    return bool(numpy_cost > CHAIN_COST) and numba_is_installed()


def use_compiled_missing(units: int, side: int) -> bool:
    """Return whether the compiled pass serves so many rows of d = `side` entries, some of which may be missing."""
    # Rows may have as many patterns, each with a covariance to factorise.
    return units * (100.0 + side**3) > MIXTURE_COST and numba_is_installed()
