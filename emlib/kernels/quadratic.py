"""Normal densities and moments as matrix products, for blocks of points that allow it.

With z = (y - centre, 1), the logarithm of a normal density is linear in the products z_j z_e, and expected moments are
weighted sums of the same products: an E-step becomes two matrix products. The price is digits. A term of the sum may
be as large as |y - centre|^2 over the smallest variance, however small the sum is, so this serves only blocks where
that is below a limit; the others are taken point by point.
"""

from __future__ import annotations

from typing import Any

from emlib.kernels import tiles
from emlib.kernels.blocks import inlined
from emlib.kernels.dispatch import BLOCK

PANEL = 192  # products that are made at a time: they stay in the second cache


@inlined
def centre_block(quadratic: Any, x: Any, z: Any, length: Any) -> bool:
    """Write z = (x - centre, 1); return whether the products are accurate enough for this block."""
    for i in range(BLOCK):
        length[i] = 0.0
    for j in range(len(x)):
        row, part, centre, scale = x[j], z[j], quadratic.centre[j], quadratic.scale[j]
        for i in range(BLOCK):
            value = row[i] - centre
            part[i] = value
            value *= scale
            length[i] += value * value
    largest = 0.0
    for i in range(BLOCK):
        largest = max(largest, length[i])
    return bool(largest <= quadratic.limit)


@inlined
def fill_panel(pairs: Any, z: Any, low: int, panel: Any) -> int:
    """Write the products from pair `low` on, as many as the panel holds; return their number."""
    depth = min(len(panel), len(pairs) - low)
    for p in range(depth):
        left, right, product = z[pairs[low + p, 0]], z[pairs[low + p, 1]], panel[p]
        for i in range(BLOCK):
            product[i] = left[i] * right[i]
    return depth


@inlined
def log_densities(quadratic: Any, z: Any, panel: Any, joint: Any) -> None:
    """Write the log-densities, shape (W, BLOCK); `panel` holds the last panel afterwards."""
    for k in range(len(joint)):
        row, constant = joint[k], quadratic.constants[k]
        for i in range(BLOCK):
            row[i] = constant
    for low in range(0, len(quadratic.pairs), PANEL):
        depth = fill_panel(quadratic.pairs, z, low, panel)
        tiles.add_product(quadratic.weights, low, panel, depth, joint, BLOCK)


@inlined
def add_weighted_products(pairs: Any, z: Any, panel: Any, weights: Any, sums: Any) -> None:
    """Add the weighted sums of the products, from the last panel, which `panel` holds, to the first."""
    last = (len(pairs) - 1) // PANEL * PANEL
    for low in range(last, -1, -PANEL):
        depth = len(pairs) - low if low == last else fill_panel(pairs, z, low, panel)
        tiles.add_product_transposed(weights, panel, depth, sums, low, BLOCK)
