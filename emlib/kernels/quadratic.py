"""Normal densities and moments as matrix products, for blocks of points that allow it.

With z = (y - centre, 1), the logarithm of a normal density is linear in the products z_j z_e, and expected moments are
weighted sums of the same products. That makes two matrix products of an E-step, the fastest thing a processor does.
The price: digits. A term of the sum may be as large as |y - centre|^2 over the smallest variance, however small the
sum is, so a block serves only if this is below a limit; the others take the exact way, point by point.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from emlib.kernels import tiles
from emlib.kernels.blocks import loop
from emlib.kernels.choice import BLOCK

PANEL = 192  # features that are made at a time: they stay in the second cache


class Quadratic(NamedTuple):
    """What `emlib.models.gaussian_products` sets up.

    The centre (d,); one over the deviations about it (d,); the largest squared length of (y - centre) in these units
    up to which the products serve; the pairs (P, 2) of entries of z to multiply, even P; the densities' weights of
    these products (K or K + 1, P), even, and their constants.
    """

    centre: Any
    scale: Any
    room: Any
    pairs: Any
    weights: Any
    constants: Any


@loop
def near(given: Any, x: Any, z: Any, length: Any) -> bool:
    """Write z, and say whether the products serve this block."""
    for i in range(BLOCK):
        length[i] = 0.0
    for j in range(len(x)):
        row, part, centre, scale = x[j], z[j], given.centre[j], given.scale[j]
        for i in range(BLOCK):
            value = row[i] - centre
            part[i] = value
            value *= scale
            length[i] += value * value
    largest = 0.0
    for i in range(BLOCK):
        largest = max(largest, length[i])
    return bool(largest <= given.room[0])


@loop
def fill(given: Any, z: Any, low: int, features: Any) -> int:
    """Write the products from pair `low` on, as many as a panel holds; return their number."""
    depth = min(PANEL, len(given.pairs) - low)
    for p in range(depth):
        left, right, feature = z[given.pairs[low + p, 0]], z[given.pairs[low + p, 1]], features[p]
        for i in range(BLOCK):
            feature[i] = left[i] * right[i]
    return depth


@loop
def densities(given: Any, z: Any, features: Any, joint: Any) -> None:
    """Write the logarithms of the joint densities; `features` holds the last panel afterwards."""
    for k in range(len(joint)):
        row, constant = joint[k], given.constants[k]
        for i in range(BLOCK):
            row[i] = constant
    for low in range(0, len(given.pairs), PANEL):
        depth = fill(given, z, low, features)
        tiles.weigh(given.weights, low, features, depth, joint, BLOCK)


@loop
def gather(given: Any, z: Any, features: Any, shares: Any, sums: Any) -> None:
    """Add the weighted sums of the products, from the last panel, which `features` holds, to the first."""
    last = (len(given.pairs) - 1) // PANEL * PANEL
    for low in range(last, -1, -PANEL):
        depth = len(given.pairs) - low if low == last else fill(given, z, low, features)
        tiles.gather(shares, features, depth, sums, low)
