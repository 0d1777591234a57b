"""What regressions do with data (X, y): reading them, and the pooled least-squares fit that sets every scale."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from emlib.model import Data
from emlib.numerics import Array
from emlib.validate import as_floats, as_matrix, as_weights, enough_units, reweighted

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


def read(raw: Any, sample_weight: Any, width: int, needed: int, what: str, *, exact: bool = False) -> Data:
    """Return validated units, one row (x, y) each; a `Data` passes through.

    Parameters
    ----------
    exact : bool
        Whether the response may be an exact linear function of the columns.

    Raises
    ------
    ValueError
        If the data are not a tuple (X, y) of as many rows, the design has dependent columns, or the response
        is what `exact` forbids.
    """
    if isinstance(raw, Data):
        return reweighted(raw, sample_weight)
    design, response = pair(raw, width)
    weights = as_weights(sample_weight, len(design))
    enough_units(Data(design, weights), needed, what)
    seen = np.ones(len(design)) if weights is None else weights
    pooled = _pooled(design, response, seen)
    if not exact and pooled.variance <= EXACT**2 * float(seen @ response**2 / seen.sum()):
        raise ValueError("y: an exact linear function of the columns of X; the noise variance has no estimate")
    return Data(np.column_stack([design, response]), weights, pooled)


def units(raw: Any, width: int, *, missing: bool = False) -> Data:
    """Return units to be told about, however few and whatever their columns; a `Data` passes through."""
    return raw if isinstance(raw, Data) else Data(np.column_stack(pair(raw, width, missing=missing)))


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


def _pooled(design: Array, response: Array, seen: Array) -> Pooled:
    """Fit by singular values in columns of length one, which neither units nor shifts of the columns disturb."""
    root = np.sqrt(seen)
    lengths = np.sqrt(seen @ design**2)
    refuse_zero(lengths)
    left, sizes, right = np.linalg.svd(root[:, None] * design / lengths, full_matrices=False)
    if sizes[-1] < DEPENDENT:
        raise ValueError(f"X: the columns are linearly dependent (smallest singular value {sizes[-1]:.1e} in columns "
                         "of length one); drop a column or give more rows")
    inverse = right.T / sizes / lengths[:, None]
    coefficients = inverse @ (left.T @ (root * response))
    variance = float(seen @ (response - design @ coefficients) ** 2 / seen.sum())
    return Pooled(coefficients, inverse * np.sqrt(seen.sum() / len(lengths)), variance)


def refuse_zero(lengths: Array) -> None:
    """Refuse a design with a column of length zero."""
    if not lengths.all():
        raise ValueError(f"X: column {int(np.argmin(lengths))} is zero in every row; its coefficient has no estimate, "
                         "drop it")
