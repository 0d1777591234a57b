"""Compiled loops over one block of `BLOCK` points, held as features x points so that each inner loop has stride one.

The compiler makes vector instructions of every loop over i. Functions are put in where they are called: what stays a
call is bound by its name, and two processes may then run different machine code.

Numba keeps what it compiled on disk and looks at the file of the outer function alone; `forget_stale`, called as
this file is imported, lets go of all that is older than any file here.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import numba
import numpy as np

from emlib.kernels.choice import BLOCK

# Sums over points may be reordered into vectors; infinities and not-a-number keep their meaning.
OPTIONS: dict[str, Any] = {"fastmath": {"reassoc", "contract", "nsz"}, "error_model": "numpy", "nogil": True}
# An inner function that is not inlined is called by its name, and the first copy that the process came by answers: that
# of a function compiled here is another than that of one read from disk, whose sums have another order.
loop: Any = numba.njit(forceinline=True, **OPTIONS)
# Rounding by adding a large number must not be simplified away.
exact: Any = numba.njit(fastmath={"contract"}, error_model="numpy", nogil=True)

FEW = 32  # rows that are transposed at a time: so many stay in the first cache, however long they are
LOWEST = -708.0  # exp of less is below the smallest normal number and counts as zero
LOG2_E, LN2_HIGH, LN2_LOW = 1.4426950408889634, 0.6931471803691238, 1.9082149292705877e-10
SHIFT = 6755399441055744.0 + 1023.0  # 1.5 2^52: what is added to it is rounded to an integer in the lowest bits
EXPONENT, ONE, MANTISSA = 0x4330000000000000, 0x3FF0000000000000, 0x000FFFFFFFFFFFFF
ROOT_2 = 1.4142135623730951
# What `exp` computes with: its reach; the powers of two; the coefficients of the polynomial, highest first; zero.
EXP = np.array([
    LOWEST, LOG2_E, SHIFT, LN2_HIGH, LN2_LOW,
    2.5110037605963777e-08, 2.763263963904103e-07, 2.755724091857897e-06, 2.4801485482328494e-05,
    0.00019841269890047113, 0.0013888888952314775, 0.008333333333319601, 0.0416666666664881,
    0.1666666666666668, 0.5000000000000019, 1.0,
    0.0,
])  # fmt: skip


def kept(signature: tuple[Any, ...]) -> Any:
    """Return the decorator of an outer function: compiled for one signature, once a machine, and kept on disk."""
    return numba.njit(signature, cache=True, **OPTIONS)


def forget_stale(folder: Path) -> None:
    """Delete compiled functions that are older than some source in the folder, where that is allowed."""
    newest = max(path.stat().st_mtime for path in folder.glob("*.py"))
    for path in folder.glob("__pycache__/*.nb[ci]"):
        with suppress(OSError):
            if path.stat().st_mtime < newest:
                path.unlink()


forget_stale(Path(__file__).parent)


@exact
def constants(table: Any) -> Any:
    """Return the numbers of EXP as the loops take them.

    Written out in `exp` they would be loaded anew, and by an address of eight bytes each, for every vector.
    """
    return (table[0], table[1], table[2], table[3], table[4], table[5], table[6], table[7], table[8], table[9],
            table[10], table[11], table[12], table[13], table[14], table[15], table[16])


@exact
def exp(x: Any, c: Any) -> Any:
    """Return e^x for x <= 0: a polynomial of degree 11 within ln(2)/2 of zero, times a power of two.

    The polynomial interpolates e^x at Chebyshev's points there; it is off by less than 1e-16. `c` is `constants(EXP)`.
    """
    x = max(x, c[0])
    shifted = x * c[1] + c[2]
    power = shifted - c[2]
    r = (x - power * c[3]) - power * c[4]
    # Even and odd powers apart: two chains of dependent products are over sooner than one.
    s, odd, even = r * r, c[5], c[6]
    odd, even = odd * s + c[7], even * s + c[8]
    odd, even = odd * s + c[9], even * s + c[10]
    odd, even = odd * s + c[11], even * s + c[12]
    odd, even = odd * s + c[13], even * s + c[14]
    odd, even = odd * s + c[15], even * s + c[15]
    p = odd * r + even
    value = p * np.int64(np.float64(shifted).view(np.int64) << 52).view(np.float64)
    return value if x > c[0] else c[16]


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


@loop
def load(rows: Any, low: int, seen: Any, x: Any, weight: Any) -> None:
    """Copy a block of points, transposed; what is missing of the last block repeats its last point at weight 0."""
    there = min(len(rows) - low, BLOCK)
    for start in range(0, there, FEW):
        stop = min(start + FEW, there)
        for j in range(rows.shape[1]):
            column, part = rows[low + start:low + stop, j], x[j, start:]
            for i in range(len(column)):
                part[i] = column[i]
    for i in range(there):
        weight[i] = seen[low + i] if len(seen) else 1.0
    for i in range(there, BLOCK):
        weight[i] = 0.0
        for j in range(rows.shape[1]):
            x[j, i] = rows[low + there - 1, j]


@loop
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
            subtract(factor[e, j], y[j], factor[e, j + 1], y[j + 1], row)
        if e % 2:
            subtract(factor[e, e - 1], y[e - 1], 0.0, y[e - 1], row)
        for i in range(BLOCK):
            value = row[i] * scale
            row[i] = value
            distance[i] += value * value


@loop
def subtract(first: float, a: Any, second: float, b: Any, row: Any) -> None:
    """Take multiples of two rows out of another."""
    for i in range(BLOCK):
        row[i] -= first * a[i] + second * b[i]


@loop
def product(a: Any, b: Any) -> float:
    """Return the inner product of two rows."""
    total = 0.0
    for i in range(BLOCK):
        total += a[i] * b[i]
    return total


@loop
def lengthen(x: Any, mean: float, reciprocal: float, distance: Any) -> None:
    """Add one feature's share to the squared distances."""
    for i in range(BLOCK):
        value = (x[i] - mean) * reciprocal
        distance[i] += value * value
