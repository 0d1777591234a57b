"""Readers of regression data (X, y), and the pooled least-squares fit that sets every scale."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from emlib.data.moments import SMALLEST as SMALLEST_DEVIATION
from emlib.data.moments import refuse_extreme
from emlib.data.reader import Reader, Tally
from emlib.data.units import Data
from emlib.data.validate import as_floats, as_matrix
from emlib.numerics import Array

DEPENDENT = 1e-8  # smallest singular value of a design with columns of length one
SMALLEST = 1e-12  # the same, for the smallest eigenvalue of the expected moments of rows with missing entries
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


@dataclass(frozen=True)
class Pairs(Reader):
    """Reads tuples (X, y), one row (x, y) a unit, for a regression on `n_features` columns; the scale is `Pooled`.

    Parameters
    ----------
    n_features, needed : int
        Columns of X; units that the model needs, and `what` of it they are.
    what : str
    exact : bool
        Whether the response may be an exact linear function of the columns.
    """

    n_features: int
    needed: int
    what: str = "columns of X"
    exact: bool = False

    def units(self, raw: Any, name: str = "data") -> Array:
        """Return rows (x, y), shape (n, p + 1)."""
        return rows(raw, self.n_features, name)

    def measure(self, block: Data) -> Squares:
        """Return a block's rows and weights, of which only sums of squares and products matter."""
        return Squares(block.units, block.frequencies, block.n_units)

    def scale(self, tally: Tally, measured: Squares, data: Data) -> Pooled:
        """Return the pooled fit; refuses too few units, dependent columns and what `exact` forbids."""
        tally.enough(self.needed, self.what)
        sizes = np.abs(measured.rows[measured.seen > 0]).max(axis=0)
        least = SMALLEST_DEVIATION if self.exact else 0.0  # a response without a noise variance may be nearly zero
        response = np.maximum(sizes[-1:], least)
        refuse_extreme(sizes[:-1], sizes[:-1], "X: column {}")
        refuse_extreme(response, response, "y: the response")
        pooled = _pooled(measured)
        size = float(measured.seen @ measured.rows[:, -1] ** 2 / measured.weight)
        if not self.exact and pooled.variance <= EXACT**2 * size:
            raise ValueError("y: an exact linear function of the columns of X; the noise variance has no estimate")
        return pooled


@dataclass(frozen=True)
class PairsWithMissing(Reader):
    """Reads tuples (X, y), not-a-number where an entry of X is missing."""

    n_features: int

    def units(self, raw: Any, name: str = "data") -> Array:
        """Return rows (x, y), shape (n, p + 1)."""
        return rows(raw, self.n_features, name, missing=True)

    def measure(self, block: Data) -> Array:
        """Return the weights of the seen entries, and the expected moments of X at coefficients of zero."""
        design, seen = block.units[:, :-1], block.frequencies
        gone = np.isnan(design)
        filled = np.where(gone, 0.0, design)
        return np.vstack([seen @ ~gone, filled.T @ (seen[:, None] * filled) + np.diag(seen @ gone)])

    def scale(self, tally: Tally, measured: Array, data: Data) -> None:
        """Refuse too few units, columns without a seen entry, and dependent columns."""
        tally.enough(self.n_features, "columns of X")
        blank = measured[0] == 0
        if blank.any():
            raise ValueError(f"X: column {int(blank.argmax())} has no seen entry; the sign of its coefficient has no "
                             "estimate, drop it")
        second = measured[1:]
        lengths = np.sqrt(np.diag(second))
        _refuse_zero(lengths)
        smallest = float(np.linalg.eigvalsh(second / np.outer(lengths, lengths))[0])
        if smallest < SMALLEST:
            raise ValueError(f"X: the columns are linearly dependent (smallest eigenvalue {smallest:.1e} in columns of "
                             "length one); drop a column or give more rows")


def rows(raw: Any, width: int, name: str = "data", *, missing: bool = False) -> Array:
    """Return one row (x, y) for each unit of a tuple (X, y), with NaN only where entries of X may be `missing`."""
    if not isinstance(raw, tuple) or len(raw) != 2:
        raise ValueError(f"{name}: {type(raw).__name__} found; give the tuple (X, y), X of shape (n, {width})")
    design, response = as_matrix(raw[0], width, "X", missing=missing), as_floats(raw[1], "y")
    if response.ndim != 1:
        raise ValueError(f"y: shape {response.shape} found; a flat array of responses (n,) is needed")
    if len(design) != len(response):
        raise ValueError(f"y: {len(response)} entries found, X has {len(design)} rows; give one response a row")
    return np.column_stack((design, response))


def drawn_design(n: int, width: int, rng: np.random.Generator, given: Any) -> Array:
    """Return a design of standard normal entries, shape (n, p), or the given one."""
    return rng.standard_normal((n, width)) if given is None else as_matrix(given, width, "design")


def _pooled(found: Squares) -> Pooled:
    """Fit by singular values in columns of length one, which neither units nor shifts of the columns disturb."""
    design, response, seen, root = found.rows[:, :-1], found.rows[:, -1], found.seen, np.sqrt(found.seen)
    lengths = np.sqrt(seen @ design**2)
    _refuse_zero(lengths)
    left, sizes, right = np.linalg.svd(root[:, None] * design / lengths, full_matrices=False)
    if sizes[-1] < DEPENDENT:
        raise ValueError(f"X: the columns are linearly dependent (smallest singular value {sizes[-1]:.1e} in columns "
                         "of length one); drop a column or give more rows")
    inverse = right.T / sizes / lengths[:, None]
    coefficients = inverse @ (left.T @ (root * response))
    variance = float(seen @ (response - design @ coefficients) ** 2 / found.weight)
    return Pooled(coefficients, inverse * np.sqrt(found.weight / len(lengths)), variance)


def _refuse_zero(lengths: Array) -> None:
    """Refuse a design with a column of length zero."""
    if not lengths.all():
        raise ValueError(f"X: column {int(np.argmin(lengths))} is zero in every row, or so small that its squares are; "
                         "its coefficient has no estimate, drop it or give it in other units")
