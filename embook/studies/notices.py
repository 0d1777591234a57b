"""The death notices from a hundred starts: accelerations of EM with their guard and without it.

The methods are written out here in standard coordinates, so that each can be run bare: the package's own keep a guard.
A run ends at the maximum (within 1e-6 nats), at rest elsewhere, where its point is no number, or after its budget.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from scipy.special import gammaln

from emlib import datasets
from emlib.numerics import Array

__all__ = ["METHODS", "N_STARTS", "SEED", "cell", "keys"]

SEED = 36
N_STARTS = 100
BUDGET, LONG_BUDGET = 600, 6000  # E-steps of an accelerated run, and of EM and its stretched form
HEIGHT = -1989.945859883  # log-likelihood at the maximum, nats
ONE_RATE = -2001.397847  # of a single Poisson distribution, a saddle of the mixture
CLOSE, REST = 1e-6, 1e-9  # nats below the maximum; length of a step that is none
NEVER = -1
LONG = ("EM", "stretched EM")  # methods with the long budget
VALUES, COUNTS = (np.asarray(part, dtype=float) for part in datasets.hasselblad())
CONSTANT = gammaln(VALUES + 1)

Path = Iterator[tuple[Array, int]]  # points, each with the E-steps that it cost


def joint(x: Array) -> Array:
    """Return the joint probabilities of values and components at x = (weight, rate, rate), shape (2, 10)."""
    weights = np.array([[x[0]], [1 - x[0]]])
    return np.asarray(weights * np.exp(VALUES * np.log(x[1:, None]) - x[1:, None] - CONSTANT))


def em(x: Array) -> Array:
    """Return the EM step."""
    each = joint(x)
    members = COUNTS * each / each.sum(axis=0)
    totals = members.sum(axis=1)
    return np.array([totals[0] / COUNTS.sum(), *(members @ VALUES / totals)])


def loglik(x: Array) -> float:
    """Return the log-likelihood; minus infinity outside the space."""
    if not (np.isfinite(x).all() and 0 < x[0] < 1 and x[1:].min() > 0):
        return -np.inf
    return float(COUNTS @ np.log(joint(x).sum(axis=0)))


def least_squares(matrix: Array, right: Array) -> Array:
    """Return the least-squares solution; not-a-number where an entry is not finite, which LAPACK would print about."""
    if not (np.isfinite(matrix).all() and np.isfinite(right).all()):
        return np.full(matrix.shape[1], np.nan)
    return np.asarray(np.linalg.lstsq(matrix, right, rcond=None)[0])


def plain(x: Array, guarded: bool) -> Path:
    """EM itself."""
    while True:
        x = em(x)
        yield x, 1


def stretched(x: Array, guarded: bool) -> Path:
    """Steps of EM, each twice as much stretched as the one before it until the log-likelihood falls."""
    stretch = 1.0
    while True:
        move = em(x) - x
        there = x + stretch * move
        failed = stretch > 1 and loglik(there) < loglik(x)
        x, stretch = (x + move, 1.0) if failed else (there, 2 * stretch)
        yield x, 1 + failed


def squarem(x: Array, guarded: bool, scheme: str) -> Path:
    """SQUAREM with Euclidean lengths, and its strict guard."""
    while True:
        first = em(x)
        second = em(first)
        r, v = first - x, second - 2 * first + x
        length = {"S1": -(r @ v) / (v @ v), "S2": -(r @ r) / (r @ v), "S3": np.sqrt((r @ r) / (v @ v))}[scheme]
        there, cost = x + 2 * length * r + length**2 * v, 2
        if not guarded or loglik(there) > -np.inf:
            there, cost = em(there), 3
        if guarded and loglik(there) < loglik(first):
            there, cost = second, cost + 1
        x = there
        yield x, cost


def anderson(x: Array, guarded: bool, memory: int = 2) -> Path:
    """Anderson's method with two differences, undamped; guarded it falls back to the EM step, and forgets."""
    points, moves = [x], []
    while True:
        moves.append(em(x) - x)
        points, moves = points[-memory - 1:], moves[-memory - 1:]
        there, cost = x + moves[-1], 1
        if len(moves) > 1:
            d_points, d_moves = np.diff(points, axis=0), np.diff(moves, axis=0)
            there = there - least_squares(d_moves.T, moves[-1]) @ (d_points + d_moves)
        if guarded and loglik(there) < loglik(x):
            there, cost, points, moves = x + moves[-1], 2, points[-1:], moves[-1:]
        x = there
        points.append(x)
        yield x, cost


def q_secant(x: Array, guarded: bool, q: int) -> Path:
    """Newton's method for the root of x - M(x) by q secants."""
    rows_u: list[Array] = []
    rows_v: list[Array] = []
    while True:
        first = em(x)
        second = em(first)
        rows_u, rows_v = [*rows_u, first - x][-q:], [*rows_v, second - first][-q:]
        u, v = np.array(rows_u), np.array(rows_v)
        there, cost = second, 2
        if len(u) == q:
            there = first + least_squares(u @ u.T - u @ v.T, u @ (first - x)) @ v
        if guarded and loglik(there) < loglik(second):
            there, cost = second, 3
        x = there
        yield x, cost


#: Methods by name; each takes a start and whether it is guarded.
METHODS: dict[str, Callable[[Array, bool], Path]] = {
    "EM": plain,
    "stretched EM": stretched,
    **{f"SQUAREM {s}": lambda x, guarded, s=s: squarem(x, guarded, s) for s in ("S1", "S2", "S3")},  # type: ignore[misc]
    "Anderson": anderson,
    **{f"{q} secant{'s' * (q > 1)}": lambda x, guarded, q=q: q_secant(x, guarded, q) for q in (1, 2)},  # type: ignore[misc]
}


def first_point(index: int) -> Array:
    """Return the start of this number: a uniform weight, and two uniform rates."""
    rng = np.random.default_rng([SEED, index])
    return np.array([rng.uniform(0.05, 0.95), *rng.uniform(0.1, 6.0, 2)])


def keys() -> list[dict[str, Any]]:
    """Return one cell for each method, with its guard and without, and each start.

    EM needs no guard, and its stretched form, whose steps double, is nothing without one.
    """
    return [{"method": name, "guard": guard, "start": index} for index in range(N_STARTS) for name in METHODS
            for guard in (("on",) if name in LONG else ("on", "off"))]


def cell(method: str, guard: str, start: int) -> dict[str, Any]:
    """Return the E-steps to within 1e-6 nats of the maximum, -1 if the run never is, and where it ended."""
    with np.errstate(all="ignore"):
        steps, end = follow(METHODS[method], guard == "on", first_point(start),
                            LONG_BUDGET if method in LONG else BUDGET)
    return {"steps": steps if end == "maximum" else NEVER, "end": end}



def follow(method: Callable[[Array, bool], Path], guarded: bool, x: Array, budget: int) -> tuple[int, str]:
    """Run a method and say after how many E-steps and where it ended."""
    spent = 0
    for there, cost in method(x, guarded):
        spent += cost
        height = loglik(there)
        if not np.isfinite(there).all():
            return spent, "no number"
        if height > HEIGHT - CLOSE:
            return spent, "maximum"
        if np.linalg.norm(there - x) < REST:
            return spent, "one rate" if abs(height - ONE_RATE) < CLOSE else "elsewhere"
        if spent >= budget:
            break
        x = there
    return spent, "unfinished"
