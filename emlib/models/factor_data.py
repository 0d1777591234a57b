"""Rows of data together with their first two moments, which are all that a linear factor model asks of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from emlib.data import Data
from emlib.data.rows import NormalRows
from emlib.data.validate import as_floats
from emlib.numerics import Array, symmetrise


@dataclass(frozen=True, eq=False)
class Sample(Data):
    """Rows that remember their moments, and their chunks: after the first E-step none goes through the rows again."""

    def chunks(self, size: int) -> Iterator[Data]:
        """Yield consecutive pieces of at most `size` units; the same objects every time."""
        if size not in self._pieces:
            self._pieces[size] = list(super().chunks(size))
        yield from self._pieces[size]

    @cached_property
    def _pieces(self) -> dict[int, list[Data]]:
        return {}

    @cached_property
    def _moments(self) -> tuple[Array, Array]:
        """The rows' mean, and the sum of (1, r)(1, r)' about it (its first moments are what rounding left)."""
        centre = np.average(self.units, axis=0, weights=self.weights)
        design = np.column_stack([np.ones(len(self)), self.units - centre])
        weighted = design if self.weights is None else design * self.weights[:, None]
        return centre, symmetrise(weighted.T @ design)

    def about(self, origin: Array) -> Array:
        """Return the sum of (1, r)(1, r)' over the rows, r = row - origin, shape (1 + d, 1 + d).

        The moments are taken about the rows' own mean and then moved, so that data far from zero lose nothing.
        """
        centre, full = self._moments
        move = np.eye(len(full))
        move[1:, 0] = centre - origin
        result: Array = move @ full @ move.T
        return result


@dataclass(frozen=True)
class FactorRows(NormalRows):
    """Reads rows for factor models."""

    data_type: ClassVar[type[Data]] = Sample


def from_covariance(covariance: Any, n_units: float, mean: Any, side: int) -> Sample:
    """Return 2 d weighted rows with exactly these first two moments: the likelihood depends on nothing else.

    Raises
    ------
    ValueError
        If the matrix is not a covariance of this size with positive diagonal, or fewer than two units are given.
    """
    matrix, centre = as_floats(covariance, "covariance"), as_floats(mean, "mean")
    count = float(as_floats(n_units, "n_units").reshape(()))
    if matrix.shape != (side, side) or centre.shape != (side,):
        raise ValueError(f"covariance: shape {matrix.shape} with a mean of shape {centre.shape} found; "
                         f"({side}, {side}) and ({side},) needed")
    deviations = np.sqrt(np.maximum(np.diag(matrix), 0.0))
    if not (deviations > 0).all():
        raise ValueError(f"covariance: entry [{int(np.argmin(deviations))}] of the diagonal is not positive; "
                         "drop the variable")
    if np.abs(matrix - matrix.T).max() > 1e-10 * np.abs(matrix).max():
        raise ValueError("covariance: the matrix is not symmetric; give 0.5 * (a + a.T)")
    values, vectors = np.linalg.eigh(symmetrise(matrix) / np.outer(deviations, deviations))
    if values[0] < -1e-10 * values[-1]:
        raise ValueError(f"covariance: smallest eigenvalue {values[0]:.3g} (as correlations); none may be negative")
    if not count >= 2:
        raise ValueError(f"n_units: {n_units!r} found; a covariance needs two units or more")
    half = (vectors * np.sqrt(np.maximum(values, 0.0) * side)).T * deviations
    rows = np.concatenate([centre + half, centre - half])
    weights = np.full(2 * side, count / (2 * side))
    return Sample(rows, weights, np.diag(deviations**2))
