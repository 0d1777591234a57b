"""The curvature in units of the complete information along a few dozen directions, without a matrix over parameters.

EM's map and the gradient, both of one E-step, change along v by DM v and -I_o v; and I_c (v - DM v) = I_o v. So two
E-steps on either side of a point give a new direction *and* what I_c makes of it: Lanczos's iteration needs no more.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from emlib.evaluation.differences import logarithms
from emlib.numerics import Array, symmetrise
from emlib.problem import Evaluation, Problem

FROM_GRADIENT, FROM_RANDOM = 8, 12  # most products from the EM step, which bounds the gain, and from a random direction
STEP = 1e-3  # of the differences, in standard deviations of complete data
SETTLED = 0.05  # relative change of the least value, over two products, below which the iteration has said what it can
LARGEST = 1.5  # value above which differences have failed: I_o is at most I_c
SMALLEST = 1e-20  # squared length of what counts as nothing
FEWEST = 6  # products from the random direction before it may settle: what it must find it has a small share of
CREEPING = 1e-3  # step of EM in a logarithm, or in log-odds, that goes to the boundary: the rest of the run is over
INSIDE = 1e-5  # least probability of a random start, so that it has log-odds
Pair = tuple[Array, Array]  # a direction v and I_c v


def cost() -> int:
    """Return how many E-steps `ritz` takes at most, unless a first try fails."""
    return 2 * (FROM_GRADIENT + FROM_RANDOM + 2)


def ritz(problem: Problem, here: Evaluation) -> tuple[Array, Array] | None:
    """Return Ritz values of I_c^-1 I_o, ascending, with their vectors, orthonormal in I_c, shape (p, m).

    None where the point, or a neighbour of it, has no EM step, or the differences are rounding, as near a boundary;
    logarithms that creep towards a boundary, far from linear over a step in their own units, are left out before that.
    A value below zero is proof of positive curvature; that all are above says so of the directions looked at, among
    which Lanczos's iteration soon has the extreme ones.
    """
    target = problem.m_step(here)
    if target.fault is not None:
        return None
    space = problem.model.space
    alive = ~space.vanished_mask(here.params, target.params)
    creeping = alive & logarithms(space) & (np.abs(target.x - here.x) > CREEPING)
    found = _along(problem, here, alive)
    if found is None and creeping.any():
        found = _along(problem, here, alive & ~creeping)
    problem.memo.last = here
    return found


def _along(problem: Problem, here: Evaluation, alive: Array) -> tuple[Array, Array] | None:
    """Return Ritz values and vectors over the coordinates that are alive; the others have no curvature to be seen."""
    kept: list[tuple[Array, Array, Array]] = []  # v, I_c v, I_o v
    product = partial(_product, problem, here, alive)
    step = alive * (problem.m_step(here).x - here.x)
    length = np.sqrt(abs(float(step @ here.gradient)))
    if length > 0:
        # The image of the step, not the step: of that the gradient is I_c's image to first order only, or rounding.
        start = product(step / length)
        if start is None or not _extended(product, kept, start, FROM_GRADIENT):
            return None
    sizes = np.sqrt(_units(problem, here) ** 2 + sum(v**2 for v, _, _ in kept))
    random = product(alive * sizes * np.random.default_rng(0).standard_normal(problem.size))
    if random is None or not _extended(product, kept, random, FROM_RANDOM, FEWEST):
        return None
    if not kept:
        return None
    values, turns = _values(kept)
    if values[-1] > LARGEST:
        return None
    return values, np.stack([v for v, _, _ in kept], axis=1) @ turns


def _units(problem: Problem, here: Evaluation) -> Array:
    """Return a scale of each coordinate in the data's units, above zero: how far a random start lies from the point.

    The directions from the EM step have none where it is zero, as by symmetry at many a saddle. One where these data
    have no random start.
    """
    space, data = problem.model.space, problem.data
    try:
        start = space.lifted(space.hold(problem.model.start(data.sample(), np.random.default_rng(0))), INSIDE)
        away = np.abs(space.pack(start) - here.x)
    except Exception:  # whatever it is, it must not end a run that has arrived
        away = np.zeros(problem.size)
    return np.asarray(np.where(away > 0, away, 1.0) / np.sqrt(data.n_units))


def _values(kept: list[tuple[Array, Array, Array]]) -> tuple[Array, Array]:
    directions = np.stack([v for v, _, _ in kept])
    found = np.linalg.eigh(symmetrise(directions @ np.stack([y for _, _, y in kept]).T))
    return found.eigenvalues, found.eigenvectors


def _extended(product: Callable[[Array], Pair | None], kept: list[tuple[Array, Array, Array]], start: Pair,
              most: int, fewest: int = 3) -> bool:
    """Add directions, in place, until they tell nothing new; return False where a product fails."""
    least, pair, first = [], start, len(kept)  # of the new ones alone: what the others had would hide what they find
    for _ in range(most):
        unit = _orthonormal(pair, kept)
        if unit is None:
            return True
        moved = product(unit[0])
        if moved is None:
            return False
        kept.append((*unit, moved[1]))
        pair = moved
        values = _values(kept[first:])[0]
        if values[-1] > LARGEST:
            return False
        least.append(float(values[0]))
        if len(least) >= fewest and abs(least[-1] - least[-3]) <= SETTLED * abs(least[-1]):
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
