"""The curvature in units of the complete information along a few directions, of many parameters.

Some come from a random start, which has a share in every direction; some from the EM step, which has one in those
along which something is left to gain.
"""

from __future__ import annotations

from contextlib import suppress
from typing import NamedTuple

import numpy as np
from scipy.linalg import cholesky, solve_triangular

from emlib.algorithms.krylov import Directions, NoCurvatureError
from emlib.data import picks
from emlib.evaluation.differences import logarithms
from emlib.numerics import Array, symmetrise
from emlib.problem import Evaluation, Problem

FROM_RANDOM, FROM_GRADIENT = 12, 8  # most directions from a random one, and from the EM step; one E-step each
USUAL = 10  # of both
FEWEST = 6  # random directions before they may settle: what they must find they have a small share of
SETTLED = 0.05  # relative change, over two directions, below which they have said what they can
UNSETTLED = 5.0  # times the least value is that of the random directions, at most
LARGE, LARGEST_ROOT = 200, 2000  # parameters up to which I_c is factorised, and up to which it is where it must be
TRIED = 6  # directions by which it is seen whether it must
SURE = 100.0  # times the square root of p: how much a value below zero must have been magnified for an earlier end
UNLIKE = SURE**2  # ratio of squared lengths from which on a start's share in some direction may be too small for that
FLAT = 1e-10  # value that counts as zero
CREEPING = 1e-3  # step of EM in a logarithm, or in log-odds, that goes to the boundary: the rest of the run is over
SCALED_BY = 1000  # units by which a random start is made where it gives no more than scales
INSIDE = 1e-5  # least probability of a random start, so that it has log-odds


class Ritz(NamedTuple):
    """Ritz values of I_c^-1 I_o, ascending, their vectors, orthonormal in I_c, shape (p, m), and a bound of the gain.

    The bound, half s'g over the least value for an EM step s, is zero where directions from that step are among them.
    """

    values: Array
    vectors: Array
    bound: float


def ritz(problem: Problem, here: Evaluation, tol: float = 0.0) -> Ritz | None:
    """Return the curvature along a few directions; along those of the EM step, too, unless less is left than `tol`.

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
    try:
        for mask in (alive, alive & ~creeping) if creeping.any() else (alive,):
            with suppress(NoCurvatureError):
                return _along(problem, here, mask, tol)
        return None
    finally:
        problem.memo.last = here


def _along(problem: Problem, here: Evaluation, alive: Array, tol: float) -> Ritz | None:
    """Return the curvature over the coordinates that are alive; the others have none to be seen."""
    found = Directions(problem, here, alive)
    step = alive * (found.target.x - here.x)
    slope = abs(float(step @ here.gradient))
    unit = step / np.sqrt(slope) if slope > 0 else 0 * step
    _from_random(found, _random_start(found, unit))
    least = max(float(found.values()[0]), 0.0) if found.vectors else 0.0
    bound = UNSETTLED * 0.5 * slope / least if least > 0 else np.inf
    if bound > tol:
        _from_step(found, unit, alive * here.gradient)
        bound = 0.0
    if not found.vectors:
        return None
    values, vectors = found.ritz()
    return Ritz(values, vectors, bound)


def _from_random(found: Directions, start: Array) -> None:
    """Add directions until the least value has settled, or one below zero would have come out.

    A polynomial of degree m that is one at zero and small over all other values magnifies a random start's share of
    it, about one in the square root of p, so many times.
    """
    least: list[float] = []
    for values in found.grow(start, FROM_RANDOM):
        least.append(float(values[0]))
        if len(least) >= FEWEST and abs(least[-1] - least[-3]) <= SETTLED * abs(least[-1]):
            return
        if len(least) >= 3 and _magnified(values) > SURE * np.sqrt(len(start)):
            return


def _magnified(values: Array) -> float:
    """Return Chebyshev's polynomial of the values' interval at zero, of the degree that so many directions make."""
    if values[0] <= 0:
        return 0.0
    ratio = (values[-1] + values[0]) / max(values[-1] - values[0], FLAT)
    return float(np.exp(len(values) * np.arccosh(ratio)) / 2)


def _from_step(found: Directions, start: Array, gradient: Array) -> None:
    """Add directions until the gain along all of them has settled."""
    gains: list[float] = []
    for _ in found.grow(start, FROM_GRADIENT):
        values, vectors = found.ritz()
        gains.append(float(((vectors.T @ gradient) ** 2 / np.maximum(np.abs(values), FLAT)).sum()))
        if len(gains) >= 3 and abs(gains[-1] - gains[-3]) <= SETTLED * gains[-1]:
            return


def _random_start(found: Directions, unit: Array) -> Array:
    """Return a random direction, with a like share in every one that is of length one in I_c, and more of the EM step.

    By the triangular root of I_c, or above `LARGE` parameters by a scale of each coordinate, if that does.
    """
    rest = np.random.default_rng(0).standard_normal(len(unit)) / np.sqrt(len(unit))
    if len(unit) <= LARGE and (start := _by_root(found, rest)) is not None:
        return start + unit
    scale = np.hypot(_units(found.problem, found.here), unit)
    if LARGE < len(unit) <= LARGEST_ROOT and _spread(found, scale, rest) > UNLIKE and (
            start := _by_root(found, rest)) is not None:
        return start + unit
    return np.asarray(scale * rest)


def _by_root(found: Directions, rest: Array) -> Array | None:
    """Return the direction of which the root of I_c makes the given one, over what is alive; None where it has none."""
    alive = np.flatnonzero(found.alive)
    complete = found.problem.complete_information(found.here)[np.ix_(alive, alive)]
    start = rest.copy()
    try:
        start[alive] = solve_triangular(cholesky(complete, lower=True), rest[alive], lower=True, trans="T")
    except (np.linalg.LinAlgError, ValueError):  # singular, or not finite
        return None
    return start


def _spread(found: Directions, scale: Array, start: Array) -> float:
    """Return how much the lengths in I_c of directions differ that are alike in these units, or a lower limit of it."""
    basis, images = [start / np.linalg.norm(start)], []
    for _ in range(TRIED):
        image = scale * found.by_complete(scale * basis[-1])
        if not np.isfinite(image).all():
            raise NoCurvatureError
        images.append(image)
        new = image - np.stack(basis).T @ (np.stack(basis) @ image)
        if not np.linalg.norm(new) > 1e-10 * np.linalg.norm(image):
            break
        basis.append(new / np.linalg.norm(new))
    values = np.linalg.eigvalsh(symmetrise(np.stack(basis[:len(images)]) @ np.stack(images).T))
    return float(values[-1] / values[0]) if values[0] > 0 else np.inf


def _units(problem: Problem, here: Evaluation) -> Array:
    """Return a scale of each coordinate in the data's units, above zero: how far a random start lies from the point.

    The directions from the EM step have none where it is zero, as by symmetry at many a saddle. One where these data
    have no random start.
    """
    space, data = problem.model.space, problem.data
    try:
        few = data.sample()
        few = few.piece(picks(len(few), SCALED_BY))
        start = space.lifted(space.hold(problem.model.start(few, np.random.default_rng(0))), INSIDE)
        away = np.abs(space.pack(start) - here.x)
    except Exception:  # whatever it is, it must not end a run that has arrived
        away = np.zeros(problem.size)
    return np.asarray(np.where(away > 0, away, 1.0) / np.sqrt(data.n_units))
