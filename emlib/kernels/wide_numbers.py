"""Numbers in wide range: each is a fraction times a power of two of its own, so that products do not underflow.

A number is an entry of `fractions` (zero, or of size one) and the same entry of `powers`; a zero has the power NOWHERE.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from emlib.kernels import blocks
from emlib.kernels.blocks import exact, inlined

NOWHERE = -(2**60)  # far below every power, and far from overflow when some of them are added
LARGEST_POWER, TO_INTEGER = 2.0**50, 1.5 * 2.0**52  # of a logarithm; what is added to the second is rounded
BIASED, MANTISSA, HALF = 1022, 0x000FFFFFFFFFFFFF, 0x3FE0000000000000  # of a float64: exponent of 1/2, other bits, 1/2


class Wide(NamedTuple):
    """Numbers in wide range, a vector or a matrix of them."""

    fractions: Any
    powers: Any


@inlined
def power_of_two(power: int) -> Any:
    """Return two to a power of less than 1024; zero where no normal number is so small."""
    return np.int64((max(power, -BIASED - 1) + (BIASED + 1)) << 52).view(np.float64)


@inlined
def to_common_power(numbers: Any, scaled: Any) -> int:
    """Write numbers over the largest power of two among them, and return that."""
    top, powers = NOWHERE, numbers.powers
    for k in range(len(powers)):
        top = max(top, powers[k])
    for k in range(len(powers)):
        scaled[k] = numbers.fractions[k] * power_of_two(powers[k] - top)
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


@exact
def exponentiate(log: Any, c: Any) -> Any:
    """Return fraction and power of e^log, log <= 0; `c` is `arguments.EXP`."""
    shifted = max(log * c.log2_e, -LARGEST_POWER) + TO_INTEGER
    rounded = shifted - TO_INTEGER
    fraction = blocks.exp((log - rounded * blocks.LN2_HIGH) - rounded * blocks.LN2_LOW, c)
    power = np.float64(shifted).view(np.int64) - np.float64(TO_INTEGER).view(np.int64)
    return fraction, power if fraction > 0.0 else NOWHERE


@inlined
def empty(count: int) -> Any:
    """Return room for a vector of numbers."""
    return Wide(np.empty(count), np.empty(count, np.int64))


@inlined
def empty_rows(count: int, length: int) -> Any:
    """Return room for a matrix of numbers."""
    return Wide(np.empty((count, length)), np.empty((count, length), np.int64))


@inlined
def inner_product(matrix: Any, k: int, vector: Any) -> tuple[float, int]:
    """Return the inner product of a matrix's row with a vector over a power of two, and the power."""
    top, total = NOWHERE, 0.0
    for i in range(len(vector.powers)):
        top = max(top, matrix.powers[k, i] + vector.powers[i])
    if top > NOWHERE // 2:
        for i in range(len(vector.powers)):
            part = matrix.fractions[k, i] * vector.fractions[i]
            total += part * power_of_two(matrix.powers[k, i] + vector.powers[i] - top)
    return total, top
