"""Numbers in wide range: each is a fraction times a power of two of its own, so that products do not underflow.

A number is an entry of `fractions` (zero, or of size one) and the same entry of `powers`; a zero has the power NOWHERE.
`halves` are the powers of two from 2^ROUNDING downwards, see `powers_of_two`.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from emlib.kernels.blocks import inlined

NOWHERE = -(2**60)  # far below every power, and far from overflow when some of them are added
VANISHES = 1080  # two to the minus this is zero
ROUNDING = 64  # powers by which a sum may fall short of its largest term's, or exceed it
BIASED, MANTISSA, HALF = 1022, 0x000FFFFFFFFFFFFF, 0x3FE0000000000000  # of a float64: exponent of 1/2, other bits, 1/2


class Wide(NamedTuple):
    """Numbers in wide range, a vector or a matrix of them."""

    fractions: Any
    powers: Any


@inlined
def powers_of_two() -> Any:
    """Return 2^ROUNDING and what halving it gives, down to zero."""
    halves = np.zeros(ROUNDING + VANISHES + 1)
    for i in range(ROUNDING + VANISHES):
        halves[i] = math.ldexp(1.0, ROUNDING - i)
    return halves


@inlined
def halved(fraction: float, number: int, halves: Any) -> float:
    """Return a fraction over two to a power of -ROUNDING or more."""
    value: float = fraction * halves[min(number, VANISHES) + ROUNDING]
    return value


@inlined
def to_common_power(numbers: Any, halves: Any, scaled: Any) -> int:
    """Write numbers over the largest power of two among them, and return that."""
    top, powers = NOWHERE, numbers.powers
    for k in range(len(powers)):
        top = max(top, powers[k])
    for k in range(len(powers)):
        scaled[k] = halved(numbers.fractions[k], top - powers[k], halves)
    return top


@inlined
def keep(value: float, power: int, k: int, numbers: Any) -> None:
    """Store value times two to a power."""
    bits: Any = np.float64(value).view(np.int64)
    more: Any = (bits >> 52) - BIASED
    if more > -BIASED:
        numbers.fractions[k] = np.int64((bits & MANTISSA) | HALF).view(np.float64)
        numbers.powers[k] = power + more
    else:  # zero, or too small for a normal number
        numbers.fractions[k], more = math.frexp(value)
        numbers.powers[k] = power + more if value > 0.0 else NOWHERE


@inlined
def row(numbers: Any, t: int) -> Any:
    """Return a row of a matrix of numbers."""
    return Wide(numbers.fractions[t], numbers.powers[t])


@inlined
def empty(rows: int, count: int) -> Any:
    """Return room for a matrix of numbers."""
    return Wide(np.empty((rows, count)), np.empty((rows, count), np.int64))


@inlined
def inner_product(a: Any, b: Any, halves: Any) -> tuple[float, int]:
    """Return the inner product of two vectors of numbers over a power of two, and the power."""
    top, total = NOWHERE, 0.0
    for i in range(len(a.powers)):
        top = max(top, a.powers[i] + b.powers[i])
    if top > NOWHERE // 2:
        for i in range(len(a.powers)):
            total += halved(a.fractions[i] * b.fractions[i], top - (a.powers[i] + b.powers[i]), halves)
    return total, top


@inlined
def times_density(numbers: Any, density: Any, product: Any) -> None:
    """Write the products of two vectors of numbers, entry by entry."""
    for k in range(len(numbers.powers)):
        power = max(numbers.powers[k] + density.powers[k], NOWHERE)
        keep(numbers.fractions[k] * density.fractions[k], power, k, product)
