"""Compiled loops over one block of `BLOCK` points, held as features x points so that each inner loop has stride one.

The compiler vectorises every loop over i. Functions are inlined where they are called: Numba binds a call that stays
by its name, and two processes may then run different machine code.

Numba keeps compiled code on disk and checks the file of the outer function alone; `delete_stale_caches`, called as
this file is imported, deletes all that is older than any file here.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, get_origin, get_type_hints

import numba
import numpy as np

from emlib.kernels.dispatch import BLOCK

# Sums over points may be reordered into vectors; infinities and not-a-number keep their meaning.
OPTIONS: dict[str, Any] = {"fastmath": {"reassoc", "contract", "nsz"}, "error_model": "numpy", "nogil": True}
# An inner function that is not inlined is called by its name, and the first copy that the process has loaded answers:
# one compiled here may sum in another order than one read from disk.
inlined: Any = numba.njit(forceinline=True, **OPTIONS)
# Rounding by adding a large number must not be simplified away.
exact: Any = numba.njit(fastmath={"contract"}, error_model="numpy", nogil=True)

TRANSPOSED_ROWS = 32  # rows that are transposed at a time: so many stay in the first cache, however long they are
EXPONENT, ONE, MANTISSA = 0x4330000000000000, 0x3FF0000000000000, 0x000FFFFFFFFFFFFF
LN2_HIGH, LN2_LOW, ROOT_2 = 0.6931471803691238, 1.9082149292705877e-10, 1.4142135623730951


def numba_type(hint: Any) -> Any:
    """Return the Numba type of an annotation from `arguments`."""
    if hint in (int, float, bool):
        return {int: numba.int64, float: numba.float64, bool: numba.boolean}[hint]
    if get_origin(hint) is Annotated:
        kind, dimensions, layout, readonly = (*hint.__metadata__, "C", False)[:4]
        return numba.types.Array(getattr(numba.types, kind), dimensions, layout, readonly)
    parts = [numba_type(field) for field in fields(hint)]
    return numba.types.BaseTuple.from_types(parts, hint)  # type: ignore[no-untyped-call]


def fields(annotated: Any) -> list[Any]:
    """Return the annotations of a named tuple's fields, or of a function's arguments."""
    hints = get_type_hints(annotated, include_extras=True)
    hints.pop("return", None)
    return list(hints.values())


def cached(function: Callable[..., Any]) -> Any:
    """Compile an outer function for the types of its annotations, once a machine: the code is kept on disk."""
    return numba.njit(tuple(numba_type(hint) for hint in fields(function)), cache=True, **OPTIONS)(function)


def delete_stale_caches(folder: Path) -> None:
    """Delete compiled functions that are older than some source in the folder, where that is allowed."""
    newest = max(path.stat().st_mtime for path in folder.glob("*.py"))
    for path in folder.glob("__pycache__/*.nb[ci]"):
        with suppress(OSError):
            if path.stat().st_mtime < newest:
                path.unlink()


delete_stale_caches(Path(__file__).parent)


@exact
def exp(x: Any, c: Any) -> Any:
    """Return e^x for x <= 0: a polynomial of degree 11 within ln(2)/2 of zero, times a power of two.

    The polynomial interpolates e^x at Chebyshev's points there; its error is below 1e-16. `c` is `arguments.EXP`.
    """
    x = max(x, c.lowest)
    shifted = x * c.log2_e + c.shift
    power = shifted - c.shift
    r = (x - power * c.ln2_high) - power * c.ln2_low
    # Even and odd powers apart: two chains of dependent products are over sooner than one.
    s, odd, even = r * r, c.c11, c.c10
    odd, even = odd * s + c.c9, even * s + c.c8
    odd, even = odd * s + c.c7, even * s + c.c6
    odd, even = odd * s + c.c5, even * s + c.c4
    odd, even = odd * s + c.c3, even * s + c.c2
    odd, even = odd * s + c.c1, even * s + c.c1
    p = odd * r + even
    value = p * np.int64(np.float64(shifted).view(np.int64) << 52).view(np.float64)
    return value if x > c.lowest else c.zero


@exact
def log(x: Any) -> Any:
    """Return ln x for a normal x > 0: 2 artanh((m - 1) / (m + 1)) of its mantissa m, to 1e-16."""
    bits = np.float64(x).view(np.int64)
    power = np.int64((bits >> 52) | EXPONENT).view(np.float64) - (4503599627370496.0 + 1023.0)
    m = np.int64((bits & MANTISSA) | ONE).view(np.float64)
    large = m > ROOT_2
    m = 0.5 * m if large else m
    power = power + 1.0 if large else power
    f = (m - 1.0) / (m + 1.0)
    g = f * f
    p = 1.0 / 21.0
    p = p * g + 1.0 / 19.0
    p = p * g + 1.0 / 17.0
    p = p * g + 1.0 / 15.0
    p = p * g + 1.0 / 13.0
    p = p * g + 1.0 / 11.0
    p = p * g + 1.0 / 9.0
    p = p * g + 1.0 / 7.0
    p = p * g + 1.0 / 5.0
    p = p * g + 1.0 / 3.0
    return power * LN2_HIGH + (2.0 * f + (2.0 * f * g * p + power * LN2_LOW))


@inlined
def load_block(rows: Any, low: int, weights: Any, x: Any, weight: Any) -> None:
    """Copy a block of points, transposed; the last block is filled up with copies of its last point at weight 0."""
    present = min(len(rows) - low, BLOCK)
    for start in range(0, present, TRANSPOSED_ROWS):
        stop = min(start + TRANSPOSED_ROWS, present)
        for j in range(rows.shape[1]):
            column, part = rows[low + start:low + stop, j], x[j, start:]
            for i in range(len(column)):
                part[i] = column[i]
    for i in range(present):
        weight[i] = weights[low + i] if len(weights) else 1.0
    for i in range(present, BLOCK):
        weight[i] = 0.0
        for j in range(rows.shape[1]):
            x[j, i] = rows[low + present - 1, j]


@inlined
def whiten(factor: Any, x: Any, mean: Any, y: Any, distance: Any) -> None:
    """Solve L y = x - mean by forward substitution and write the squared lengths of y's columns.

    `factor` is lower triangular with the reciprocals of L's diagonal on its own.
    """
    for i in range(BLOCK):
        distance[i] = 0.0
    for e in range(len(factor)):
        row, given, centre, scale = y[e], x[e], mean[e], factor[e, e]
        for i in range(BLOCK):
            row[i] = given[i] - centre
        for j in range(0, e - 1, 2):
            subtract_rows(factor[e, j], y[j], factor[e, j + 1], y[j + 1], row)
        if e % 2:
            subtract_rows(factor[e, e - 1], y[e - 1], 0.0, y[e - 1], row)
        for i in range(BLOCK):
            value = row[i] * scale
            row[i] = value
            distance[i] += value * value


@inlined
def subtract_rows(first: float, a: Any, second: float, b: Any, row: Any) -> None:
    """Subtract multiples of two rows from another."""
    for i in range(BLOCK):
        row[i] -= first * a[i] + second * b[i]


@inlined
def inner_product(a: Any, b: Any) -> float:
    """Return the inner product of two rows."""
    total = 0.0
    for i in range(BLOCK):
        total += a[i] * b[i]
    return total


@inlined
def row_sum(row: Any) -> float:
    """Return the sum of a row."""
    total = 0.0
    for i in range(BLOCK):
        total += row[i]
    return total


@inlined
def add_squares(x: Any, mean: float, reciprocal: float, distance: Any) -> None:
    """Add the squares of one standardised feature to the squared distances."""
    for i in range(BLOCK):
        value = (x[i] - mean) * reciprocal
        distance[i] += value * value
