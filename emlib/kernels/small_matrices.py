"""Compiled products and factorisations of matrices that are too small for the BLAS."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from emlib.kernels.blocks import exact  # sums of a few terms: vectors would only take time to compile

# For what is done for each row a call would be too slow; so are calls that pass tuples, whose arrays are counted.
inlined_exact: Any = numba.njit(fastmath={"contract"}, error_model="numpy", nogil=True, forceinline=True)


@exact
def copy(source: Any, target: Any) -> None:
    """Copy a matrix to another."""
    for i in range(source.shape[0]):
        for j in range(source.shape[1]):
            target[i, j] = source[i, j]


@exact
def add(source: Any, target: Any) -> None:
    """Add a matrix to another, in place."""
    for i in range(source.shape[0]):
        for j in range(source.shape[1]):
            target[i, j] += source[i, j]


@exact
def add_multiple(weight: float, source: Any, target: Any) -> None:
    """Add a multiple of a matrix to another, in place."""
    for i in range(source.shape[0]):
        for j in range(source.shape[1]):
            target[i, j] += weight * source[i, j]


@exact
def multiply_vector(matrix: Any, vector: Any, result: Any) -> None:
    """Write the product of a matrix with a vector."""
    for i in range(matrix.shape[0]):
        total = 0.0
        for j in range(matrix.shape[1]):
            total += matrix[i, j] * vector[j]
        result[i] = total


@exact
def multiply(left: Any, right: Any, rows: int, depth: int, columns: int, result: Any) -> None:
    """Write the product of the upper left `rows` x `depth` and `depth` x `columns` parts of two matrices."""
    for i in range(rows):
        for j in range(columns):
            total = 0.0
            for e in range(depth):
                total += left[i, e] * right[e, j]
            result[i, j] = total


@exact
def multiply_square(left: Any, right: Any, result: Any) -> None:
    """Write the product of two square matrices."""
    multiply(left, right, len(left), len(left), len(left), result)


@exact
def identity_minus_product(left: Any, right: Any, depth: int, result: Any) -> None:
    """Write I - A B, with A's first `depth` columns and B's first `depth` rows."""
    side = len(result)
    for i in range(side):
        for j in range(side):
            total = 1.0 if i == j else 0.0
            for e in range(depth):
                total -= left[i, e] * right[e, j]
            result[i, j] = total


@exact
def congruence(matrix: Any, spread: Any, result: Any, room: Any) -> None:
    """Write F S F' for square F and symmetric S, symmetric to the last bit."""
    side = len(matrix)
    multiply_square(matrix, spread, room)
    for i in range(side):
        for j in range(i + 1):
            total = 0.0
            for e in range(side):
                total += room[i, e] * matrix[j, e]
            result[i, j] = total
            result[j, i] = total


@exact
def cholesky(matrix: Any, size: int) -> tuple[float, float]:
    """Overwrite the lower triangle of the first rows by its Cholesky factor; return log|matrix| and the least pivot.

    A pivot is relative to its diagonal entry: the product of all is at most one over the condition number of the
    correlation matrix. One that is not positive, or not a number, ends the factorisation and is returned as zero.
    """
    log_det, least = 0.0, 1.0
    for i in range(size):
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


@exact
def invert_triangle(factor: Any, inverse: Any, size: int) -> None:
    """Write the inverse of a lower triangular matrix, lower triangle only."""
    for j in range(size):
        inverse[j, j] = 1.0 / factor[j, j]
        for i in range(j + 1, size):
            total = 0.0
            for e in range(j, i):
                total -= factor[i, e] * inverse[e, j]
            inverse[i, j] = total / factor[i, i]


@exact
def right_solve(inverse: Any, right: Any, size: int, room: Any, result: Any) -> None:
    """Write B' (L L')^-1 for a matrix B of `size` rows, given the inverse of L."""
    columns = right.shape[1]
    for i in range(size):
        for j in range(columns):
            total = 0.0
            for e in range(i + 1):
                total += inverse[i, e] * right[e, j]
            room[i, j] = total
    for i in range(columns):
        for j in range(size):
            total = 0.0
            for e in range(j, size):
                total += room[e, i] * inverse[e, j]
            result[i, j] = total
