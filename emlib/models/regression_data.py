"""What regressions do with data (X, y): reading them, and the pooled least-squares fit that sets every scale."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from emlib.data import Data
from emlib.data.validate import as_floats, as_matrix
from emlib.numerics import Array

DEPENDENT = 1e-8  # smallest singular value of a design with columns of length one
EXACT = 1e-12  # residual of a response that is a linear function of the columns, relative to the response


@dataclass(frozen=True, eq=False)
class Pooled:
    """The least-squares fit of one regression to all units.

    Attributes
    ----------
    coefficients : ndarray, shape (p,)
    unit : ndarray, shape (p, p)
        Turns standard normals into coefficients whose predictions have mean square about one.
    variance : float
        Mean square of the residuals.
    """

    coefficients: Array
    unit: Array
    variance: float


@dataclass(frozen=True, eq=False)
class Squares:
    """Rows (x, y) of which only the sums of squares and products matter; those of two blocks add up to both.

    Attributes
    ----------
    rows : ndarray, shape (m, p + 1)
        A block's own rows; once blocks were added, the triangle of their QR decomposition, which has the same products.
    seen : ndarray, shape (m,)
        The weight of each of them.
    weight : float
        Total of the units' weights.
    """

    rows: Array
    seen: Array
    weight: float

    def __add__(self, other: Squares) -> Squares:
        both = np.concatenate([np.sqrt(part.seen)[:, None] * part.rows for part in (self, other)])
        triangle = np.asarray(np.linalg.qr(both, mode="r"))
        return Squares(triangle, np.ones(len(triangle)), self.weight + other.weight)


def survey(block: Data) -> Squares:
    """Return a block's rows and weights."""
    return Squares(block.units, np.ones(len(block)) if block.weights is None else block.weights, block.n_units)


def settled(found: Squares, *, exact: bool = False) -> Pooled:
    """Return the pooled fit.

    Parameters
    ----------
    exact : bool
        Whether the response may be an exact linear function of the columns.

    Raises
    ------
    ValueError
        If the design has dependent columns, or the response is what `exact` forbids.
    """
    pooled = _pooled(found)
    if not exact and pooled.variance <= EXACT**2 * float(found.seen @ found.rows[:, -1] ** 2 / found.weight):
        raise ValueError("y: an exact linear function of the columns of X; the noise variance has no estimate")
    return pooled


def rows(raw: Any, width: int, *, missing: bool = False) -> Array:
    """Return one row (x, y) for each unit of a tuple (X, y)."""
    return np.column_stack(pair(raw, width, missing=missing))


def pair(raw: Any, width: int, *, missing: bool = False) -> tuple[Array, Array]:
    """Return the design (n, p), with NaN only where entries may be `missing`, and the response (n,) of (X, y)."""
    if not isinstance(raw, tuple) or len(raw) != 2:
        raise ValueError(f"data: {type(raw).__name__} found; give the tuple (X, y), X of shape (n, {width})")
    design, response = as_matrix(raw[0], width, "X", missing=missing), as_floats(raw[1], "y")
    if response.ndim != 1:
        raise ValueError(f"y: shape {response.shape} found; a flat array of responses (n,) is needed")
    if len(design) != len(response):
        raise ValueError(f"y: {len(response)} entries found, X has {len(design)} rows; give one response a row")
    return design, response


def drawn_design(n: int, width: int, rng: np.random.Generator, given: Any) -> Array:
    """Return a design of standard normal entries, shape (n, p), or the given one."""
    return rng.standard_normal((n, width)) if given is None else as_matrix(given, width, "design")


def _pooled(found: Squares) -> Pooled:
    """Fit by singular values in columns of length one, which neither units nor shifts of the columns disturb."""
    design, response, seen, root = found.rows[:, :-1], found.rows[:, -1], found.seen, np.sqrt(found.seen)
    lengths = np.sqrt(seen @ design**2)
    refuse_zero(lengths)
    left, sizes, right = np.linalg.svd(root[:, None] * design / lengths, full_matrices=False)
    if sizes[-1] < DEPENDENT:
        raise ValueError(f"X: the columns are linearly dependent (smallest singular value {sizes[-1]:.1e} in columns "
                         "of length one); drop a column or give more rows")
    inverse = right.T / sizes / lengths[:, None]
    coefficients = inverse @ (left.T @ (root * response))
    variance = float(seen @ (response - design @ coefficients) ** 2 / found.weight)
    return Pooled(coefficients, inverse * np.sqrt(found.weight / len(lengths)), variance)


def refuse_zero(lengths: Array) -> None:
    """Refuse a design with a column of length zero."""
    if not lengths.all():
        raise ValueError(f"X: column {int(np.argmin(lengths))} is zero in every row; its coefficient has no estimate, "
                         "drop it")
