"""Blocks whose chart acts on each entry alone: positive, not negative, in an interval."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any, ClassVar

import numpy as np
import scipy

from emlib.blocks.block import CERTAIN, TangentFromParts, as_block, first_bad, not_finite
from emlib.numerics import Array, all_true

CURVATURE_LOST = 1e-10  # a rate or probability along whose logarithm rounding decides the curvature, even its sign


@dataclass(frozen=True)
class Elementwise(TangentFromParts):
    """Common part of the blocks whose chart acts on each entry alone; here the identity."""

    name: str
    shape: tuple[int, ...] = ()
    certain_within: ClassVar[float] = np.inf

    @property
    def size(self) -> int:
        return prod(self.shape)

    @property
    def free_size(self) -> int:
        return self.size

    def validate(self, value: Any) -> Array:
        return as_block(self, value)

    def fault(self, value: Array) -> str | None:
        return not_finite(value)

    def to_free(self, value: Array) -> Array:
        return np.ravel(value).astype(float)

    def from_free(self, vector: Array) -> Array:
        return vector.reshape(self.shape)

    def slope(self, value: Array) -> Array:
        return np.ones(self.size)

    def bend(self, value: Array) -> Array:
        return np.zeros(self.size)

    def pullback(self, value: Array, cotangent: Array) -> Array:
        result: Array = self.slope(value) * cotangent.ravel()
        return result

    def jacobian(self, value: Array) -> Array:
        return np.diag(self.slope(value))

    def curvature(self, value: Array, cotangent: Array) -> Array:
        return np.diag(self.bend(value) * np.ravel(cotangent))

    def tangent_parts(self) -> list[Any]:
        return [scipy.sparse.eye_array(self.size)]


@dataclass(frozen=True)
class Positive(Elementwise):
    """Positive entries; the chart is the logarithm."""

    certain_within: ClassVar[float] = CERTAIN

    def fault(self, value: Array) -> str | None:
        bad = value <= 0
        if np.any(bad):
            return f"{first_bad(bad)} is {value[bad].flat[0]:.6g}; it must be positive"
        return not_finite(value)

    def to_free(self, value: Array) -> Array:
        if np.any(value <= 0):
            raise ValueError(f"{self.name}: {first_bad(value <= 0)} is on the boundary, where the logarithm is "
                             "infinite; start in the interior or use coordinates='standard'")
        result: Array = np.log(np.ravel(value))
        return result

    def from_free(self, vector: Array) -> Array:
        with np.errstate(over="ignore"):
            return np.exp(vector).reshape(self.shape)

    def slope(self, value: Array) -> Array:
        return value.ravel()

    def bend(self, value: Array) -> Array:
        return np.ravel(value)


@dataclass(frozen=True)
class Rate(Positive):
    """Entries that may be zero, such as expected counts; the chart is the logarithm, of the interior."""

    def fault(self, value: Array) -> str | None:
        if all_true((value >= 0) & (value < np.inf)):
            return None
        bad = value < 0
        if np.any(bad):
            return f"{first_bad(bad)} is {value[bad].flat[0]:.6g}; it cannot be negative"
        return not_finite(value)

    def lifted(self, value: Array, share: float, least: float = 0.0) -> Array:
        """Return the entries with none below `share`; themselves where all are above `least`."""
        return np.maximum(value, share) if (value <= least).any() else value

    def vanished_mask(self, value: Array) -> Array:
        """Return a mask of the coordinates that are logarithms of what is as good as zero."""
        return np.asarray(np.ravel(value < CURVATURE_LOST))

    def vanished_directions(self, value: Array) -> Array:
        """Return the unit vectors (columns) of these coordinates."""
        return np.eye(self.size)[:, self.vanished_mask(value)]


@dataclass(frozen=True)
class Interval(Elementwise):
    """Entries between `low` and `high`; the chart is the logit."""

    low: float = 0.0
    high: float = 1.0
    certain_within: ClassVar[float] = CERTAIN

    def fault(self, value: Array) -> str | None:
        bad = ~((value >= self.low) & (value <= self.high))
        if np.any(bad):
            return f"{first_bad(bad)} is {value[bad].flat[0]:.6g}; it must lie in [{self.low}, {self.high}]"
        return None

    def to_free(self, value: Array) -> Array:
        share = (np.ravel(value) - self.low) / (self.high - self.low)
        if np.any((share <= 0) | (share >= 1)):
            raise ValueError(f"{self.name}: the value is on the boundary, where the logit is infinite; "
                             "start in the interior or use coordinates='standard'")
        return np.log(share) - np.log1p(-share)

    def from_free(self, vector: Array) -> Array:
        inside: Array = self.low + (self.high - self.low) * scipy.special.expit(vector)
        return inside.reshape(self.shape)

    def lifted(self, value: Array, share: float, least: float = 0.0) -> Array:
        """Return the entries with those nearer to an end than this share of the interval, or rounding, kept off it."""
        margin = max(share, np.finfo(float).eps) * (self.high - self.low)
        return np.clip(value, self.low + margin, self.high - margin)

    def slope(self, value: Array) -> Array:
        share = (np.ravel(value) - self.low) / (self.high - self.low)
        return (self.high - self.low) * share * (1 - share)

    def bend(self, value: Array) -> Array:
        share = (np.ravel(value) - self.low) / (self.high - self.low)
        result: Array = (self.high - self.low) * share * (1 - share) * (1 - 2 * share)
        return result
