"""Rows of probabilities; the chart is the reduced softmax."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Any, ClassVar

import numpy as np

from emlib.blocks.block import CERTAIN, TangentFromParts, as_block, first_bad, not_finite
from emlib.blocks.elementwise import CURVATURE_LOST
from emlib.numerics import Array, all_true, block_diagonal

SUM_TOLERANCE = 1e-8  # how far from one a user's row of probabilities may add up
VANISHED = 1e-20  # a probability so small that no sum of log-likelihoods tells it from zero
RIDGE = 1e-10  # information per unit to put in its place: above that rounding, and below what a gain can show


@dataclass(frozen=True)
class Simplex(TangentFromParts):
    """Rows (last axis) of probabilities; the chart is the reduced softmax, last entry as reference.

    Parameters
    ----------
    zeros : tuple of int
        Entries that are known to be zero, as positions in the flattened array: they have no coordinate, and the
        last of the others is the reference of its row.
    """

    name: str
    shape: tuple[int, ...]
    zeros: tuple[int, ...] = ()
    certain_within: ClassVar[float] = CERTAIN

    @property
    def size(self) -> int:
        return prod(self.shape)

    @property
    def free_size(self) -> int:
        return self.size - len(self.zeros) - self._rows

    @property
    def _rows(self) -> int:
        return prod(self.shape[:-1])

    @cached_property
    def support(self) -> Array:
        """Mask of the entries that may be positive, of the block's shape; read-only."""
        mask = np.ones(self.size, dtype=bool)
        mask[list(self.zeros)] = False
        mask.setflags(write=False)
        return mask.reshape(self.shape)

    @cached_property
    def _charted(self) -> Array:
        """Mask of the entries with a coordinate, shape (rows, width): the support without each row's last."""
        mask: Array = self.support.reshape(self._rows, -1).copy()
        mask[np.arange(self._rows), mask.shape[1] - 1 - mask[:, ::-1].argmax(axis=1)] = False
        mask.setflags(write=False)
        return mask

    def hold(self, value: Array) -> Array:
        """Return the rows with the known zeros put in and the rest scaled up."""
        if not self.zeros:
            return value
        kept = np.where(self.support, value, 0.0)
        rows: Array = kept / kept.sum(axis=-1, keepdims=True)
        return rows

    def validate(self, value: Any) -> Array:
        """Read rows of probabilities; those of fewer digits than float64 has are scaled to add up to one."""
        if isinstance(value, np.ndarray) and value.dtype in (np.float16, np.float32) and value.shape == self.shape:
            rows = value.astype(float)
            sums = rows.sum(axis=-1, keepdims=True)
            if (np.abs(sums - 1) <= rows.shape[-1] * np.finfo(value.dtype).eps).all():
                value = rows / sums
        return as_block(self, value)

    def fault(self, value: Array) -> str | None:
        sums = value.sum(axis=-1)
        if not self.zeros and all_true(value >= 0) and all_true(np.abs(sums - 1) <= SUM_TOLERANCE):
            return None
        if (found := not_finite(value)) is not None:
            return found
        if (value < 0).any():
            return f"{first_bad(value < 0)} is {value[value < 0].flat[0]:.6g}; probabilities cannot be negative"
        if self.zeros and (extra := (value > 0) & ~self.support).any():
            return f"{first_bad(extra)} is {value[extra].flat[0]:.6g}; the model holds it at zero"
        bad = np.abs(sums - 1) > SUM_TOLERANCE
        if bad.any():
            return (f"{first_bad(bad, 'row')} adds up to {np.atleast_1d(sums)[np.atleast_1d(bad)][0]:.10g}, not to 1; "
                    "divide by the sum")
        return None

    def to_free(self, value: Array) -> Array:
        bad = (value <= 0) & self.support
        if bad.any():
            raise ValueError(f"{self.name}: {first_bad(bad)} is zero, where the softmax coordinate is infinite; start "
                             "in the interior, use coordinates='standard', or give the model this zero as known: "
                             f"fixed={{'{self.name}': an array of NaN with 0 in its place}}")
        rows, charted = value.reshape(self._rows, -1), self._charted
        reference = self.support.reshape(rows.shape) & ~charted
        logs = np.log(rows, where=charted | reference, out=np.zeros(rows.shape))
        against: Array = logs - (logs * reference).sum(axis=1, keepdims=True)
        return against[charted]

    @cached_property
    def _reference_logits(self) -> Array:
        """Logits of the entries without a coordinate, shape (rows, width): zero, of known zeros minus infinity."""
        logits: Array = np.where(self.support, 0.0, -np.inf).reshape(self._rows, -1)
        logits.setflags(write=False)
        return logits

    def from_free(self, vector: Array) -> Array:
        logits = self._reference_logits.copy()
        logits[self._charted] = vector
        weights = np.exp(logits - logits.max(axis=1, keepdims=True))
        rows: Array = (weights / weights.sum(axis=1, keepdims=True)).reshape(self.shape)
        return rows

    def lifted(self, value: Array, share: float, least: float = 0.0) -> Array:
        """Return the rows with no probability below `share`; themselves where all are above `least`."""
        if not (self.support & (value <= least)).any():
            return value
        raised = np.where(self.support, np.maximum(value, share), 0.0)
        rows: Array = raised / raised.sum(axis=-1, keepdims=True)
        return rows

    def vanished_mask(self, value: Array) -> Array:
        """Return a mask of the coordinates that are log-odds of, or against, a probability as good as zero."""
        small, charted = value.reshape(self._rows, -1) < CURVATURE_LOST, self._charted
        reference = self.support.reshape(charted.shape) & ~charted
        mask: Array = (small | (small & reference).any(axis=1, keepdims=True))[charted]
        return mask

    def vanished_directions(self, value: Array) -> Array:
        """Return directions (columns) along which only a probability as good as zero moves: its log-odds, or all of a
        row where it is the reference.
        """
        small, charted = value.reshape(self._rows, -1) < CURVATURE_LOST, self._charted
        reference = self.support.reshape(charted.shape) & ~charted
        own = np.eye(self.free_size)[:, small[charted]]
        rows = np.repeat(np.arange(self._rows), charted.sum(axis=1))
        against = [rows == row for row in np.flatnonzero((small & reference).any(axis=1)) if (rows == row).any()]
        return np.column_stack([own, *against]).astype(float)

    def pullback(self, value: Array, cotangent: Array) -> Array:
        centred = cotangent - (value * cotangent).sum(axis=-1, keepdims=True)
        result: Array = (value * centred).reshape(self._rows, -1)[self._charted]
        return result

    def jacobian(self, value: Array) -> Array:
        rows = zip(value.reshape(self._rows, -1), self._charted, strict=True)
        return block_diagonal(*[(np.diag(p) - np.outer(p, p))[:, own] for p, own in rows])

    def curvature(self, value: Array, cotangent: Array) -> Array:
        rows = zip(value.reshape(self._rows, -1), cotangent.reshape(self._rows, -1), self._charted, strict=True)
        return block_diagonal(*[_softmax_curvature(p, g)[np.ix_(own, own)] for p, g, own in rows])

    def tangent_parts(self) -> list[Any]:
        return [_zero_sum_basis(row) for row in self.support.reshape(self._rows, -1)]


def _softmax_curvature(p: Array, g: Array) -> Array:
    """Second derivative of ``g . softmax(u)`` in the coordinates of all entries."""
    centred = p * (g - p @ g)
    full: Array = np.diag(centred) - np.outer(centred, p) - np.outer(p, centred)
    return full


def _zero_sum_basis(support: Array) -> Array:
    """Return an orthonormal basis (columns) of the vectors on the support that add up to zero."""
    width = int(support.sum())
    ones = np.ones((width, 1)) / np.sqrt(width)
    basis = np.zeros((len(support), width - 1))
    basis[support] = np.linalg.svd(np.eye(width) - ones @ ones.T)[0][:, : width - 1]
    return basis


@dataclass(frozen=True)
class StochasticMatrix(Simplex):
    """A matrix whose rows are probabilities, such as the transitions of a Markov chain."""
