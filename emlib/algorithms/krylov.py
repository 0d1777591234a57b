"""Directions orthonormal in the complete information, of which the curvature is known without a matrix.

EM's map and the gradient, both of one E-step, change along v by DM v and -I_o v, and I_c (v - DM v) = I_o v: one E-step
beside the point tells how the log-likelihood bends along v, and gives Lanczos's next direction. What I_c makes of it
is seen in the gradient of Q, without a pass over the data.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from emlib.numerics import Array, symmetrise
from emlib.problem import Evaluation, Problem

STEP, LONG_STEP = 1e-5, 1e-3  # of differences over an E-step and of the gradient of Q, in its standard deviations
LARGEST = 1.5  # value above which differences have failed: I_o is at most I_c
SMALLEST = 1e-20  # squared length of what counts as nothing
LEFT = 1e-6  # share of a direction's squared length below which what is new in it is mostly rounding


class NoCurvatureError(ArithmeticError):
    """A neighbour lies outside the space or has no EM step, differences are rounding, or the budget is spent."""


class Directions:
    """Directions orthonormal in I_c, with what I_c and I_o make of each, over the coordinates that are alive."""

    def __init__(self, problem: Problem, here: Evaluation, alive: Array) -> None:
        self.problem, self.here, self.alive = problem, here, alive
        self.target = problem.m_step(here)  # made once: the problem remembers the last one only
        self.vectors: list[Array] = []
        self.complete: list[Array] = []
        self.observed: list[Array] = []

    def grow(self, start: Array, most: int) -> Iterator[Array]:
        """Add Lanczos's directions from a start until nothing is new, and yield the values along them alone.

        What the others had would hide what these find.
        """
        first, direction = len(self.vectors), start
        for _ in range(most):
            new = self._orthonormal(self.alive * direction)
            if new is None:
                return
            direction, bend = self._moved(new[0])
            for kept, one in zip((self.vectors, self.complete, self.observed), (*new, bend), strict=True):
                kept.append(one)
            values = self.values(first)
            if values[-1] > LARGEST:
                raise NoCurvatureError
            yield values

    def values(self, first: int = 0) -> Array:
        """Return the Ritz values of the directions from the given one on, ascending."""
        return np.linalg.eigvalsh(self._matrix(first))

    def ritz(self) -> tuple[Array, Array]:
        """Return the Ritz values of all directions, ascending, and their vectors, shape (p, m)."""
        values, turns = np.linalg.eigh(self._matrix(0))
        return values, np.stack(self.vectors, axis=1) @ turns

    def _matrix(self, first: int) -> Array:
        return symmetrise(np.stack(self.vectors[first:]) @ np.stack(self.observed[first:]).T)

    def _orthonormal(self, v: Array) -> tuple[Array, Array] | None:
        """Return v without its parts along the others, of length one, and I_c v; None where nothing is left."""
        w = self.by_complete(v)
        before = float(v @ w)
        if not np.isfinite(before):
            raise NoCurvatureError
        for _ in range(2):  # once more takes off what rounding has left
            for direction, image in zip(self.vectors, self.complete, strict=True):
                share = float(direction @ w)
                v, w = v - share * direction, w - share * image
        left = float(v @ w)
        if not left > SMALLEST + LEFT * abs(before):
            return None
        length = np.sqrt(left)
        return v / length, w / length

    def by_complete(self, v: Array) -> Array:
        """Return I_c v by differences of the gradient of Q about its maximum."""
        model, centre, ends = self.problem.model, self.target.x, []
        for step in (LONG_STEP, -LONG_STEP):
            there = model.space.unpack(centre + step * v, self.problem.coordinates)
            with np.errstate(over="ignore", invalid="ignore", divide="ignore"):  # along what is not alive
                slopes = model.q_gradient(there, self.here.stats)
                ends.append(model.space.pullback(there, slopes, self.problem.coordinates))
        return np.where(self.alive, ends[1] - ends[0], 0.0) / (2 * LONG_STEP)

    def _moved(self, v: Array) -> tuple[Array, Array]:
        """Return (I - DM) v and I_o v by differences to one side, for one E-step."""
        if not self.problem.allows(1):
            raise NoCurvatureError
        there = self.problem.evaluate(self.here.x + STEP * v)
        target = self.problem.m_step(there)
        if target.fault is not None:
            raise NoCurvatureError
        moved = (target.x - self.target.x) / STEP
        return v - moved, self.alive * (self.here.gradient - there.gradient) / STEP
