"""Entries without a constraint, of which some may be known."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import scipy

from emlib.blocks.block import first_bad, not_finite
from emlib.blocks.elementwise import Elementwise
from emlib.numerics import Array

HELD_TOLERANCE = 1e-9  # largest rounding of an entry's held value, as a share of the largest held entry


@dataclass(frozen=True)
class Real(Elementwise):
    """Entries without a constraint; the chart is the identity.

    Parameters
    ----------
    known : tuple of int
        Positions, row by row, of entries that are known; they have no coordinate.
    values : tuple of float
        Their values; empty where all are zero.
    """

    known: tuple[int, ...] = ()
    values: tuple[float, ...] = ()

    @property
    def free_size(self) -> int:
        return self.size - len(self.known)

    @cached_property
    def _free(self) -> Array:
        return np.delete(np.arange(self.size), self.known)

    @property
    def free_mask(self) -> Array:
        """Mask of the entries that are estimated, of the block's shape."""
        mask = np.ones(self.size, dtype=bool)
        mask[list(self.known)] = False
        return mask.reshape(self.shape)

    def hold(self, value: Array) -> Array:
        """Return the entries with the known values put in."""
        if not self.known:
            return value
        kept = np.array(value, dtype=float)
        kept.flat[list(self.known)] = self.values or 0.0
        return kept

    def fault(self, value: Array) -> str | None:
        if (found := not_finite(value)) is not None or not self.known:
            return found
        known = self.hold(value)
        bad = np.abs(value - known) > HELD_TOLERANCE * np.abs(self.values).max(initial=0.0)
        if bad.any():
            needed = f"{known[bad].flat[0]:.6g}" if known[bad].flat[0] else "zero"
            return f"{first_bad(bad)} is {value[bad].flat[0]:.6g}; the model knows it to be {needed}"
        return None

    def to_free(self, value: Array) -> Array:
        return super().to_free(value)[self._free]

    def from_free(self, vector: Array) -> Array:
        full = np.zeros(self.size)
        full[list(self.known)] = self.values or 0.0
        full[self._free] = vector
        return full.reshape(self.shape)

    def pullback(self, value: Array, cotangent: Array) -> Array:
        return super().pullback(value, cotangent)[self._free]

    def jacobian(self, value: Array) -> Array:
        return np.eye(self.size)[:, self._free]

    def curvature(self, value: Array, cotangent: Array) -> Array:
        return np.zeros((self.free_size, self.free_size))

    def tangent_parts(self) -> list[Any]:
        return [scipy.sparse.eye_array(self.size, format="csc")[:, self._free]]
