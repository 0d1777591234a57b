"""Compiled products and factorisations of matrices that are too small for the BLAS.

Sizes are arguments, and everything is inlined: where a caller was compiled for one size, its loops are unrolled.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

# Sums of a few terms: to reorder them into vectors would only take time to compile.
inlined_exact: Any = numba.njit(fastmath={"contract"}, error_model="numpy", nogil=True, forceinline=True)


@inlined_exact
def copy(source: Any, side: int, target: Any) -> None:
    """Copy a square matrix to another."""
    for i in range(side):
        for j in range(side):
            target[i, j] = source[i, j]


@inlined_exact
def add_multiple(weight: float, source: Any, side: int, target: Any) -> None:
    """Add a multiple of a square matrix to another, in place."""
    for i in range(side):
        for j in range(side):
            target[i, j] += weight * source[i, j]


@inlined_exact
def add_outer(weight: float, vector: Any, side: int, total: Any) -> None:
    """Add the weighted outer product of a vector with itself, lower triangle only."""
    for i in range(side):
        scaled = weight * vector[i]
        for j in range(i + 1):
            total[i, j] += scaled * vector[j]


@inlined_exact
def mirror(matrix: Any) -> None:
    """Copy the lower triangle of a matrix to the upper one."""
    for i in range(len(matrix)):
        for j in range(i):
            matrix[j, i] = matrix[i, j]


@inlined_exact
def multiply_vector(matrix: Any, vector: Any, side: int, result: Any) -> None:
    """Write the product of a square matrix with a vector."""
    for i in range(side):
        total = 0.0
        for j in range(side):
            total += matrix[i, j] * vector[j]
        result[i] = total


@inlined_exact
def multiply(left: Any, right: Any, side: int, result: Any) -> None:
    """Write the product of two square matrices."""
    for i in range(side):
        for j in range(side):
            total = 0.0
            for e in range(side):
                total += left[i, e] * right[e, j]
            result[i, j] = total


@inlined_exact
def identity_minus_product(left: Any, right: Any, side: int, result: Any) -> None:
    """Write I - A B."""
    for i in range(side):
        for j in range(side):
            total = 1.0 if i == j else 0.0
            for e in range(side):
                total -= left[i, e] * right[e, j]
            result[i, j] = total


@inlined_exact
def add_congruence(matrix: Any, spread: Any, side: int, room: Any, result: Any) -> None:
    """Add F S F' for symmetric S to a symmetric matrix, which stays symmetric to the last bit."""
    multiply(matrix, spread, side, room)
    for i in range(side):
        for j in range(i + 1):
            total = result[i, j]
            for e in range(side):
                total += room[i, e] * matrix[j, e]
            result[i, j] = total
            result[j, i] = total


@inlined_exact
def cholesky(matrix: Any, side: int) -> tuple[float, float]:
    """Overwrite the lower triangle of the first rows by its Cholesky factor; return log|matrix| and the least pivot.

    A pivot is relative to its diagonal entry: the product of all is at most one over the condition number of the
    correlation matrix. One that is not positive, or not a number, ends the factorisation and is returned as zero.
    """
    found: tuple[float, float] = cholesky_rows(matrix, 0, side)
    return found


@inlined_exact
def cholesky_rows(matrix: Any, low: int, high: int) -> tuple[float, float]:
    """Do as `cholesky` does, for some rows, where the ones before are factorised already."""
    log_det, least = 0.0, 1.0
    for i in range(low, high):
        for j in range(i + 1):
            total = matrix[i, j]
            for e in range(j):
                total -= matrix[i, e] * matrix[j, e]
            if i > j:
                matrix[i, j] = total / matrix[j, j]
                continue
            if not total > 0.0:
                return log_det, 0.0
            least = min(least, total / matrix[i, i])
            matrix[i, i] = np.sqrt(total)
            log_det += np.log(total)
    return log_det, least


@inlined_exact
def invert_triangle(factor: Any, side: int, inverse: Any) -> None:
    """Write the inverse of a lower triangular matrix, lower triangle only."""
    for j in range(side):
        inverse[j, j] = 1.0 / factor[j, j]
        for i in range(j + 1, side):
            total = 0.0
            for e in range(j, i):
                total -= factor[i, e] * inverse[e, j]
            inverse[i, j] = total / factor[i, i]


@inlined_exact
def right_solve(inverse: Any, right: Any, side: int, room: Any, result: Any) -> None:
    """Write B' (L L')^-1 for a square matrix B, given the inverse of L."""
    for i in range(side):
        for j in range(side):
            total = 0.0
            for e in range(i + 1):
                total += inverse[i, e] * right[e, j]
            room[i, j] = total
    for i in range(side):
        for j in range(side):
            total = 0.0
            for e in range(j, side):
                total += room[e, i] * inverse[e, j]
            result[i, j] = total
