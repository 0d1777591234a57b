"""The curvature in units of the complete information along a few dozen directions, without a matrix over parameters.

EM's map and the gradient, both of one E-step, change along v by DM v and -I_o v; and I_c (v - DM v) = I_o v. So two
E-steps on either side of a point give a new direction *and* what I_c makes of it: Lanczos's iteration needs no more.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from emlib.numerics import Array, symmetrise
from emlib.problem import Evaluation, Problem

FROM_GRADIENT, FROM_RANDOM = 8, 12  # most products from the EM step, which bounds the gain, and from a random direction
STEP = 1e-3  # of the differences, in standard deviations of complete data
SETTLED = 0.05  # relative change of the least value, over two products, below which the iteration has said what it can
LARGEST = 1.5  # value above which differences have failed: I_o is at most I_c
SMALLEST = 1e-20  # squared length of what counts as nothing
Pair = tuple[Array, Array]  # a direction v and I_c v


def cost() -> int:
    """Return how many E-steps `ritz` takes at most."""
    return 2 * (FROM_GRADIENT + FROM_RANDOM + 1)


def ritz(problem: Problem, here: Evaluation) -> tuple[Array, Array] | None:
    """Return Ritz values of I_c^-1 I_o, ascending, with their vectors, orthonormal in I_c, shape (p, m).

    None where the point, or a neighbour of it, has no EM step, or the differences are rounding, as near a boundary.
    A value below zero is proof of positive curvature; that all are above says so of the directions looked at, among
    which Lanczos's iteration soon has the extreme ones.
    """
    target = problem.m_step(here)
    if target.fault is not None:
        return None
    kept: list[tuple[Array, Array, Array]] = []  # v, I_c v, I_o v
    alive = ~problem.model.space.vanished_mask(here.params, target.params)  # the others have no curvature to be seen
    product = partial(_product, problem, here, alive)
    if not _extended(product, kept, (alive * (target.x - here.x), alive * here.gradient), FROM_GRADIENT) or not kept:
        return None
    sizes = np.sqrt(sum(v**2 for v, _, _ in kept))  # in the units of each coordinate
    random = product(sizes * np.random.default_rng(0).standard_normal(problem.size))
    if random is None or not _extended(product, kept, random, FROM_RANDOM):
        return None
    values, turns = _values(kept)
    problem.memo.last = here
    if values[-1] > LARGEST:
        return None
    return values, np.stack([v for v, _, _ in kept], axis=1) @ turns


def _values(kept: list[tuple[Array, Array, Array]]) -> tuple[Array, Array]:
    directions = np.stack([v for v, _, _ in kept])
    found = np.linalg.eigh(symmetrise(directions @ np.stack([y for _, _, y in kept]).T))
    return found.eigenvalues, found.eigenvectors


def _extended(product: Callable[[Array], Pair | None], kept: list[tuple[Array, Array, Array]], start: Pair,
              most: int) -> bool:
    """Add directions, in place, until they tell nothing new; return False where a product cannot be had."""
    least, pair = [], start
    for _ in range(most):
        unit = _orthonormal(pair, kept)
        if unit is None:
            return True
        moved = product(unit[0])
        if moved is None:
            return False
        kept.append((*unit, moved[1]))
        pair = moved
        least.append(float(_values(kept)[0][0]))
        if len(least) > 2 and abs(least[-1] - least[-3]) <= SETTLED * abs(least[-1]):
            return True
    return True


def _orthonormal(pair: Pair, kept: list[tuple[Array, Array, Array]]) -> Pair | None:
    """Return the pair without its parts along the others, of length one; None where nothing is left."""
    v, w = pair
    before = float(v @ w)
    for _ in range(2):  # once more takes off what rounding has left
        for direction, image, _ in kept:
            share = float(direction @ w)
            v, w = v - share * direction, w - share * image
    left = float(v @ w)
    if not left > SMALLEST + 1e-6 * abs(before):
        return None
    length = np.sqrt(left)
    return v / length, w / length


def _product(problem: Problem, here: Evaluation, alive: Array, direction: Array) -> Pair | None:
    """Return (I - DM) v and I_o v by central differences; None where a point has no EM step."""
    ends = []
    for sign in (1, -1):
        there = problem.evaluate(here.x + sign * STEP * direction)
        target = problem.m_step(there)
        if target.fault is not None:
            return None
        ends.append((target.x, there.gradient))
    (ahead, slope), (behind, rise) = ends
    return alive * (direction - (ahead - behind) / (2 * STEP)), alive * (rise - slope) / (2 * STEP)
