"""Mini-batches: their units, the gradients that they estimate, and steps that stay inside the space.

What overflows far out is a gradient that is not finite, or a point outside: callers ignore NumPy's warnings of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from emlib.algorithms.base import is_integer, is_number
from emlib.data import Data
from emlib.evaluation.steps import Steps
from emlib.evaluation.threads import one_blas_thread
from emlib.numerics import Array, all_true
from emlib.problem import Problem

HALVINGS = 30
ORDERS = ("random", "given")


def batches(data: Data, size: int, seed: int, epoch: int, order: str = "random") -> Iterator[tuple[Data, float]]:
    """Yield all units, `size` at a time, each with the factor from its sums to the whole's.

    Parameters
    ----------
    seed, epoch : int
        They alone fix a random order, so that a run which goes on from a checkpoint meets the same batches.
    order : {"random", "given"}
        As the units lie, or drawn anew for each pass.
    """
    total = len(data)
    shuffled = np.random.default_rng((seed, epoch)).permutation(total) if order == "random" else None
    with one_blas_thread():  # several would wait for each other longer than they work on a few units
        for low in range(0, total, size):
            high = min(low + size, total)
            rows = slice(low, high) if shuffled is None else shuffled[low:high]
            yield data.piece(rows), total / (high - low)


def mean_slope(problem: Problem, steps: Steps, params: Any, batch: Data, factor: float) -> Array | None:
    """Return a batch's estimate of the gradient per unit, along the feasible directions; None if it is not finite."""
    slope = factor / problem.data.n_units * steps.gradient(params, problem.model.e_step(params, batch).stats)
    return problem.lift(problem.reduce(slope)) if all_true(np.isfinite(slope)) else None


def kept_inside(problem: Problem, steps: Steps, x: Array, move: Array) -> tuple[Array, Any]:
    """Return x + move along the feasible directions, halved until the point lies in the space, and its parameters.

    If it never does, the point is x.
    """
    move = problem.lift(problem.reduce(move))
    for _ in range(HALVINGS):
        there = x + move
        if (params := steps.inside(there)) is not None:
            return there, params
        move = 0.5 * move
    return x, problem.model.space.unpack(x, problem.coordinates)


def check_batches(size: Any, seed: Any, order: Any) -> None:
    """Raise ValueError unless the batch size is a positive integer, the seed a non-negative one, the order known."""
    if order not in ORDERS:
        raise ValueError(f"order: {order!r} is unknown; choose one of {ORDERS}")
    if not is_integer(size, 1):
        raise ValueError(f"batch_size: {size!r} found; a batch holds at least one unit")
    if not is_integer(seed, 0):
        raise ValueError(f"seed: {seed!r} found; a whole number from 0 is needed, which fixes the order of the units")


def check_average_after(late: Any) -> None:
    """Raise ValueError unless this is a number of passes, or None."""
    if late is not None and (not is_number(late) or late < 0):
        raise ValueError(f"average_after: {late!r} found; a number of passes from 0 is needed, or None")
