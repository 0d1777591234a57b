"""Symmetric positive definite matrices; the chart is log-Cholesky."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
import scipy

from emlib.blocks.block import TangentFromParts, as_block, first_bad, not_finite
from emlib.numerics import Array, all_true, block_diagonal, eigenvalues_exceed, lower_indices

EPS = float(np.finfo(float).eps)
SKEW = 1e-10  # largest difference of two mirrored entries, in units of the deviations


@dataclass(frozen=True)
class PositiveDefinite(TangentFromParts):
    """Symmetric positive definite matrices (last two axes); the chart is log-Cholesky."""

    name: str
    shape: tuple[int, ...]

    @property
    def size(self) -> int:
        return prod(self.shape)

    @property
    def free_size(self) -> int:
        return self._count * self._side * (self._side + 1) // 2

    @property
    def _side(self) -> int:
        return self.shape[-1]

    @property
    def _count(self) -> int:
        return prod(self.shape[:-2])

    def _each(self, value: Array) -> Array:
        return value.reshape(self._count, self._side, self._side)

    def validate(self, value: Any) -> Array:
        return as_block(self, value)

    def fault(self, value: Array) -> str | None:
        if (found := not_finite(value)) is not None:
            return found
        matrices = self._each(value)
        variances = matrices.diagonal(axis1=1, axis2=2)
        positive = variances > 0
        valid = all_true(positive)
        units = np.sqrt(variances if valid else np.where(positive, variances, 1.0))  # rows may be in units of any size
        scaled = matrices / (units[:, :, None] * units[:, None, :])
        turned = np.swapaxes(scaled, 1, 2)
        if not all_true(scaled == turned) and (skew := np.abs(scaled - turned)).max() > SKEW:
            return f"{self._which(skew.max(axis=(1, 2)) > SKEW)} is not symmetric; give 0.5 * (a + a.T)"
        floor = self._side * EPS
        if valid and eigenvalues_exceed(scaled, floor):
            return None
        bad = ~positive.all(axis=1) | (np.linalg.eigvalsh(scaled)[:, 0] <= floor)
        if bad.any():
            smallest = np.linalg.eigvalsh(matrices)[bad][0, 0]
            return (f"{self._which(bad)} is not positive definite (smallest eigenvalue {smallest:.3g}); "
                    "a covariance has positive eigenvalues only")
        return None

    def _which(self, bad: Array) -> str:
        return f"matrix {int(bad.argmax())}" if self._count > 1 else "the matrix"

    def to_free(self, value: Array) -> Array:
        rows, columns = lower_indices(self._side)
        try:
            factors = np.linalg.cholesky(self._each(value))
        except np.linalg.LinAlgError:
            raise ValueError(f"{self.name}: {self.fault(value) or 'not positive definite'}; "
                             "log-Cholesky coordinates need the interior") from None
        diagonal = rows == columns
        entries = factors[:, rows, columns]
        entries[:, diagonal] = np.log(entries[:, diagonal])
        return entries.ravel()

    def from_free(self, vector: Array) -> Array:
        rows, columns = lower_indices(self._side)
        factors = np.zeros((self._count, self._side, self._side))
        factors[:, rows, columns] = vector.reshape(self._count, -1)
        diagonal = np.einsum("kii->ki", factors)
        with np.errstate(over="ignore", invalid="ignore"):
            np.exp(diagonal, out=diagonal)
            return (factors @ np.swapaxes(factors, 1, 2)).reshape(self.shape)

    def pullback(self, value: Array, cotangent: Array) -> Array:
        rows, columns = lower_indices(self._side)
        factors = np.linalg.cholesky(self._each(value))
        slopes = self._each(np.asarray(cotangent))
        slopes = (slopes + np.swapaxes(slopes, 1, 2)) @ factors
        np.einsum("kii->ki", slopes)[:] *= np.einsum("kii->ki", factors)
        return slopes[:, rows, columns].ravel()

    def jacobian(self, value: Array) -> Array:
        return block_diagonal(*_log_cholesky_jacobians(self._each(value)))

    def curvature(self, value: Array, cotangent: Array) -> Array:
        return block_diagonal(*_log_cholesky_curvatures(self._each(value), self._each(np.asarray(cotangent))))

    def tangent_parts(self) -> list[Any]:
        return [symmetric_basis(self._side)] * self._count  # one array, however many matrices


@dataclass(frozen=True)
class Diagonal(PositiveDefinite):
    """Diagonal covariances, shape (d, d): independent entries; the chart is the log of the deviations."""

    @property
    def free_size(self) -> int:
        return self._side

    def hold(self, value: Array) -> Array:
        """Return the matrix without what is off its diagonal."""
        return np.diag(np.diag(value))

    def fault(self, value: Array) -> str | None:
        bad = (value != 0) & ~np.eye(self._side, dtype=bool)
        if bad.any() and np.isfinite(value).all():
            return f"{first_bad(bad)} is {value[bad].flat[0]:.6g}; the model holds it at zero"
        return super().fault(value)

    def to_free(self, value: Array) -> Array:
        if not (np.diag(value) > 0).all():
            raise ValueError(f"{self.name}: {self.fault(value)}; logarithms need the interior")
        return np.asarray(0.5 * np.log(np.diag(value)))

    def from_free(self, vector: Array) -> Array:
        with np.errstate(over="ignore"):
            return np.diag(np.exp(2.0 * vector))

    def pullback(self, value: Array, cotangent: Array) -> Array:
        return np.asarray(2.0 * np.diag(value) * np.diag(cotangent))

    def jacobian(self, value: Array) -> Array:
        chart = np.zeros((self.size, self._side))
        chart[np.arange(self._side) * (self._side + 1), np.arange(self._side)] = 2.0 * np.diag(value)
        return chart

    def curvature(self, value: Array, cotangent: Array) -> Array:
        return np.diag(4.0 * np.diag(value) * np.diag(cotangent))

    def tangent_parts(self) -> list[Any]:
        places = np.arange(self._side)
        return [scipy.sparse.csr_array((np.ones(self._side), (places * (self._side + 1), places)),
                                       (self.size, self._side))]


def _log_cholesky_entries(matrices: Array) -> tuple[Array, Array]:
    """Return the factors L, (K, d, d), and what each free coordinate moves its one entry of L by, (K, d(d + 1)/2)."""
    rows, columns = lower_indices(matrices.shape[-1])
    factors = np.linalg.cholesky(matrices)
    return factors, np.where(rows == columns, factors[:, rows, columns], 1.0)


def _log_cholesky_jacobians(matrices: Array) -> Array:
    """Return d vec(L L') / d(free) of each matrix, shape (K, d d, d(d + 1)/2)."""
    count, side = matrices.shape[:2]
    rows, columns = lower_indices(side)
    factors, entries = _log_cholesky_entries(matrices)
    moved = np.zeros((count, len(rows), side, side))
    moved[:, np.arange(len(rows)), rows] = entries[:, :, None] * np.swapaxes(factors, 1, 2)[:, columns]
    result: Array = np.swapaxes((moved + np.swapaxes(moved, 2, 3)).reshape(count, len(rows), -1), 1, 2)
    return result


def _log_cholesky_curvatures(matrices: Array, cotangents: Array) -> Array:
    """Second derivatives of ``<G, L L'>``: 2 <G dL, dL> + 2 <G L, d2L>, d2L only on the diagonal.

    Each dL has one entry, so that two of them meet where they have the column in common.
    """
    rows, columns = lower_indices(matrices.shape[-1])
    factors, entries = _log_cholesky_entries(matrices)
    slopes = 0.5 * (cotangents + np.swapaxes(cotangents, 1, 2))
    products = entries[:, :, None] * slopes[:, rows[:, None], rows] * entries[:, None]
    full: Array = 2 * np.where(columns[:, None] == columns, products, 0.0)
    diagonal = np.flatnonzero(rows == columns)
    full[:, diagonal, diagonal] += 2 * np.einsum("kij,kji,kii->ki", slopes, factors, factors)
    return full


def symmetric_basis(side: int) -> Any:
    """Return an orthonormal basis (columns, vec) of the symmetric matrices, as a sparse array."""
    rows, columns = lower_indices(side)
    scale = np.where(rows == columns, 0.5, np.sqrt(0.5))  # an entry of the diagonal is met twice, and added up
    places = np.concatenate([rows * side + columns, columns * side + rows])
    return scipy.sparse.csr_array((np.tile(scale, 2), (places, np.tile(np.arange(len(rows)), 2))), (side**2, len(rows)))
