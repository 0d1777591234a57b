"""Small numerical helpers: log-sum-exp, ``x log y`` with its limits, packed triangles, a fixed-order sum."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any, TypeVar

import numpy as np
import scipy
from numpy.typing import NDArray
from scipy.linalg.lapack import dtrtrs

DENSE_JACOBIAN = 100  # rows up to which a dense product is the quicker one
Array = NDArray[Any]
Addable = TypeVar("Addable", bound=Any)


def log_sum_exp(values: Array) -> Array:
    """Return ``log(sum(exp(values)))`` along the last axis without overflow.

    `scipy.special.logsumexp` takes 2 to 18 times as long (8192 rows of 3 and 10; SciPy 1.17) and rounds otherwise.

    Parameters
    ----------
    values : ndarray, shape (..., K)
        Logarithms; ``-inf`` stands for a zero term.

    Returns
    -------
    ndarray, shape (...)
        ``-inf`` where every term is zero.
    """
    top = values.max(axis=-1, keepdims=True)
    top = np.where(np.isfinite(top), top, 0.0)
    with np.errstate(divide="ignore"):
        total: Array = np.log(np.exp(values - top).sum(axis=-1)) + top[..., 0]
    return total


def x_log_y(x: Array, y: Array) -> Array:
    """Return ``x * log(y)`` entry by entry, with the limit 0 where ``x`` is 0.

    `scipy.special.xlogy` takes 2.6 times as long on 8192 rows of 3 (SciPy 1.17) and rounds otherwise.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(x == 0.0, 0.0, x * np.log(y))


def ratio(x: Array, y: Array) -> Array:
    """Return ``x / y`` entry by entry, with 0 where ``x`` is 0 (a starved component has no slope)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        found: Array = x / y
    return found if all_true(x) else np.where(x == 0.0, 0.0, found)


def all_true(values: Array) -> bool:
    """Return whether no entry is false, or zero; `values.all()` takes five times as long on a few (NumPy 2.4)."""
    return bool(np.count_nonzero(values) == np.size(values))


def symmetrise(matrix: Array) -> Array:
    """Return the symmetric part over the last two axes."""
    half: Array = 0.5 * (matrix + np.swapaxes(matrix, -1, -2))
    return half


def forward(factor: Array, columns: Array) -> Array:
    """Return L^-1 of columns; LAPACK, which sees L as L', is called directly: SciPy's checks take longer on a few."""
    solved: Array = dtrtrs(factor.T, columns, lower=0, trans=1)[0]
    return solved


def backward(factor: Array, columns: Array) -> Array:
    """Return L'^-1 of columns."""
    solved: Array = dtrtrs(factor.T, columns, lower=0, trans=0)[0]
    return solved


def squared_lengths(factor: Array, rows: Array) -> Array:
    """Return r' (L L')^-1 r of each row r by forward substitution, shape (n,); `factor` is Cholesky's L.

    Without columns (rows with no entry seen) there is nothing to solve, which LAPACK calls an illegal value, on
    standard output.
    """
    if not len(factor):
        return np.zeros(len(rows))
    white = forward(factor, rows.T)
    found: Array = np.einsum("in,in->n", white, white)
    return found


def eigenvalues_exceed(matrices: Array, floor: Array | float) -> bool:
    """Return whether all eigenvalues of symmetric matrices lie above `floor`, one for each matrix or one for all.

    By Cholesky's factorisation, which takes a tenth of the time of the eigenvalues; near the floor the answer may be
    no where these say yes.
    """
    try:
        np.linalg.cholesky(matrices - np.asarray(floor)[..., None, None] * _identity(matrices.shape[-1]))
    except np.linalg.LinAlgError:
        return False
    return True


def block_diagonal(*matrices: Array) -> Array:
    """Return the block-diagonal matrix of the given ones, each of two dimensions.

    `scipy.linalg.block_diag` takes 18 times as long on three small blocks (SciPy 1.17).
    """
    shapes = [matrix.shape for matrix in matrices]
    full = np.zeros((sum(rows for rows, _ in shapes), sum(columns for _, columns in shapes)))
    row = column = 0
    for matrix, (rows, columns) in zip(matrices, shapes, strict=True):
        full[row:row + rows, column:column + columns] = matrix
        row, column = row + rows, column + columns
    return full


def kron(left: Array, right: Array) -> Array:
    """Return the Kronecker products of matrices, the last two axes.

    `np.kron` takes ten times as long on two small ones (NumPy 2.4), and knows no stacks.
    """
    rows, columns = left.shape[-2] * right.shape[-2], left.shape[-1] * right.shape[-1]
    product = left[..., :, None, :, None] * right[..., None, :, None, :]
    return product.reshape(*product.shape[:-4], rows, columns)


def sparse_if_large(jacobian: Array) -> Any:
    """Return a matrix with few entries, as most maps of parameters are, as it is multiplied most quickly."""
    return scipy.sparse.csr_array(jacobian) if len(jacobian) > DENSE_JACOBIAN else jacobian


def congruence(jacobian: Any, matrix: Array) -> Array:
    """Return J' A J for a J with few entries, dense or sparse."""
    few = jacobian if scipy.sparse.issparse(jacobian) else sparse_if_large(jacobian)
    pulled: Array = few.T @ matrix @ few
    return pulled


@lru_cache(maxsize=64)
def _identity(size: int) -> Array:
    """Return the identity matrix; read-only, since each size is made once."""
    made = np.eye(size)
    made.setflags(write=False)
    return made


@lru_cache(maxsize=64)
def lower_indices(size: int) -> tuple[Array, Array]:
    """Return the row and column indices of the lower triangle, row by row; read-only, since each size is made once."""
    rows, columns = np.tril_indices(size)
    rows.setflags(write=False)
    columns.setflags(write=False)
    return rows, columns


def tree_sum(terms: Iterable[Addable]) -> Addable:
    """Add the terms pairwise in a fixed order, so that the bits depend on the chunks alone.

    Raises
    ------
    ValueError
        If there is nothing to add.

    Notes
    -----
    Neighbours are added, then neighbouring pairs, and so on. Each term is asked for once and let go at once: no more
    than log2(n) sums of 1, 2, 4, ... terms stand at any time, as the ones in the binary digits of the count.
    """
    sums: list[Addable] = []
    for count, term in enumerate(terms):
        while count & 1:  # as many carries as the count before this term has ones at its end
            term, count = sums.pop() + term, count >> 1
        sums.append(term)
    if not sums:
        raise ValueError("tree_sum: no terms to add; the data hold no chunk")
    total = sums.pop()
    while sums:
        total = sums.pop() + total
    return total
