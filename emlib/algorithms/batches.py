"""Mini-batches: their units, the gradients that they estimate, and steps that stay inside the space."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from emlib.algorithms.base import is_integer
from emlib.data import Data
from emlib.numerics import Array
from emlib.problem import Problem

HALVINGS = 30


def batches(data: Data, size: int, seed: int, epoch: int) -> Iterator[tuple[Data, float]]:
    """Yield all units in a random order, `size` at a time, each with the factor from its sums to the whole's.

    Parameters
    ----------
    seed, epoch : int
        They alone fix the order, so that a run which goes on from a checkpoint meets the same batches.
    """
    order = np.random.default_rng((seed, epoch)).permutation(len(data))
    for low in range(0, len(order), size):
        rows = order[low:low + size]
        yield data.piece(rows), len(order) / len(rows)


def mean_slope(problem: Problem, x: Array, batch: Data, factor: float) -> Array | None:
    """Return a batch's estimate of the gradient per unit, along the feasible directions; None if it is not finite."""
    params = problem.model.space.unpack(x, problem.coordinates)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        found = problem.model.e_step(params, batch)
        slopes = problem.model.q_gradient(params, found.stats)
        whole = factor * problem.model.space.pullback(params, slopes, problem.coordinates)
    return problem.lift(problem.reduce(whole / problem.data.n_units)) if np.isfinite(whole).all() else None


def kept_inside(problem: Problem, x: Array, move: Array) -> Array:
    """Return x + move along the feasible directions, halved until the point lies in the space; x if it never does."""
    move = problem.lift(problem.reduce(move))
    with np.errstate(over="ignore", invalid="ignore"):
        for _ in range(HALVINGS):
            if problem.model.space.fault(problem.model.space.unpack(x + move, problem.coordinates)) is None:
                return x + move
            move = 0.5 * move
    return x


def check_batches(size: Any, seed: Any) -> None:
    """Raise ValueError unless the batch size is a positive integer and the seed a non-negative one."""
    if not is_integer(size, 1):
        raise ValueError(f"batch_size: {size!r} found; a batch holds at least one unit")
    if not is_integer(seed, 0):
        raise ValueError(f"seed: {seed!r} found; a whole number from 0 is needed, which fixes the order of the units")
