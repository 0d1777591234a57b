"""Rows of probabilities; the chart is the reduced softmax."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from emlib.blocks.block import as_block, first_bad, not_finite
from emlib.numerics import Array, block_diagonal

SUM_TOLERANCE = 1e-8  # how far from one a user's row of probabilities may add up


@dataclass(frozen=True)
class Simplex:
    """Rows (last axis) of probabilities; the chart is the reduced softmax, last entry as reference."""

    name: str
    shape: tuple[int, ...]

    @property
    def size(self) -> int:
        return int(np.prod(self.shape))

    @property
    def free_size(self) -> int:
        return self._rows * (self.shape[-1] - 1)

    @property
    def _rows(self) -> int:
        return int(np.prod(self.shape[:-1], dtype=int))

    def validate(self, value: Any) -> Array:
        return as_block(self, value)

    def fault(self, value: Array) -> str | None:
        if (found := not_finite(value)) is not None:
            return found
        if np.any(value < 0):
            return f"{first_bad(value < 0)} is {value[value < 0].flat[0]:.6g}; probabilities cannot be negative"
        sums = value.sum(axis=-1)
        bad = np.abs(sums - 1) > SUM_TOLERANCE
        if np.any(bad):
            return (f"{first_bad(bad, 'row')} adds up to {np.atleast_1d(sums)[np.atleast_1d(bad)][0]:.10g}, not to 1; "
                    "divide by the sum")
        return None

    def to_free(self, value: Array) -> Array:
        if np.any(value <= 0):
            raise ValueError(f"{self.name}: {first_bad(value <= 0)} is zero, where the softmax coordinate is "
                             "infinite; start in the interior or use coordinates='standard'")
        return (np.log(value[..., :-1]) - np.log(value[..., -1:])).ravel()

    def from_free(self, vector: Array) -> Array:
        logits = np.concatenate([vector.reshape(self._rows, -1), np.zeros((self._rows, 1))], axis=1)
        weights = np.exp(logits - logits.max(axis=1, keepdims=True))
        rows: Array = (weights / weights.sum(axis=1, keepdims=True)).reshape(self.shape)
        return rows

    def pullback(self, value: Array, cotangent: Array) -> Array:
        centred = cotangent - (value * cotangent).sum(axis=-1, keepdims=True)
        result: Array = (value * centred)[..., :-1].ravel()
        return result

    def jacobian(self, value: Array) -> Array:
        return block_diagonal(*[(np.diag(p) - np.outer(p, p))[:, :-1] for p in value.reshape(self._rows, -1)])

    def curvature(self, value: Array, cotangent: Array) -> Array:
        rows = zip(value.reshape(self._rows, -1), cotangent.reshape(self._rows, -1), strict=True)
        return block_diagonal(*[_softmax_curvature(p, g) for p, g in rows])

    def tangent(self) -> Array:
        width = self.shape[-1]
        ones = np.ones((width, 1)) / np.sqrt(width)
        basis = np.linalg.svd(np.eye(width) - ones @ ones.T)[0][:, : width - 1]
        return block_diagonal(*[basis] * self._rows)


def _softmax_curvature(p: Array, g: Array) -> Array:
    """Second derivative of ``g . softmax(u)`` in the reduced coordinates."""
    centred = p * (g - p @ g)
    full = np.diag(centred) - np.outer(centred, p) - np.outer(p, centred)
    return full[:-1, :-1]


@dataclass(frozen=True)
class StochasticMatrix(Simplex):
    """A matrix whose rows are probabilities, such as the transitions of a Markov chain."""
