"""Weighted sums over points of products of two rows, tile by tile; see `tiles`.

To write the products first, as `quadratic.fill_panel` does, takes as long as the sums where these are few.
"""

from __future__ import annotations

from typing import Any

import numba
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from emlib.kernels.blocks import inlined
from emlib.kernels.dispatch import STRIDE
from emlib.kernels.tiles import (
    INT64,
    WIDTH,
    ZERO,
    Matrix,
    accumulator,
    add_sums,
    indices,
    multiply_add,
)


def _emit(context: Any, builder: Any, signature: Any, arguments: Any, height: int) -> Any:
    """Emit a tile: some rows of weights, two products."""
    matrices = [Matrix(context, builder, *pair) for pair in zip(signature.args[:3], arguments[:3], strict=True)]
    (weights, features, sums), (row, place, points, *factors) = matrices, arguments[3:]
    weights.width = features.width = ir.Constant(INT64, STRIDE)  # else each row takes a register for its address
    rows, places = indices(builder, row, height), indices(builder, place, 2)
    totals = [[accumulator(builder, ZERO) for _ in places] for _ in rows]
    with cgutils.for_range_slice(builder, ir.Constant(INT64, 0), points, ir.Constant(INT64, WIDTH), INT64) as (i, _):
        a, b, c, d = (features.load(factor, i) for factor in factors)
        products = builder.fmul(a, b), builder.fmul(c, d)
        for k, line in zip(rows, totals, strict=True):
            weight = weights.load(k, i)
            for total, product in zip(line, products, strict=True):
                multiply_add(builder, total, weight, product)
    add_sums(builder, sums, rows, places, totals)
    return context.get_dummy_value()


def _tile(height: int) -> Any:
    """Return a function that compiled code can call, for a tile of so many rows."""

    @intrinsic
    def tile(typing: Any, weights: Any, features: Any, sums: Any, row: Any, place: Any, points: Any, a: Any, b: Any,
             c: Any, d: Any) -> Any:
        def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            return _emit(context, builder, signature, arguments, height)

        return types.void(weights, features, sums, *[types.intp] * 7), code

    return tile


six, four, three, one = (_tile(height) for height in (6, 4, 3, 1))


@inlined
def add_products(weights: Any, features: Any, pairs: Any, sums: Any, points: int) -> None:
    """Add sum_i weights[k, i] features[a, i] features[b, i] to ``sums[k, p]`` for each pair (a, b) in row p of `pairs`.

    `weights` (W, STRIDE), `features` (m, STRIDE), `pairs` (P, 2) with even P, `sums` (W, P), points a multiple of 4.
    There are tiles for what the numbers of pairs of components, W = 1, 3, 6, 10, 15, ..., leave when divided by six.
    """
    for p in range(0, len(pairs), 2):
        a, b, c, d = pairs[p, 0], pairs[p, 1], pairs[p + 1, 0], pairs[p + 1, 1]
        row, left = 0, len(weights)
        while left > 0:
            if left >= 6:
                six(weights, features, sums, row, p, points, a, b, c, d)
                row += 6
            elif left >= 4:
                four(weights, features, sums, row, p, points, a, b, c, d)
                row += 4
            elif left == 3:
                three(weights, features, sums, row, p, points, a, b, c, d)
                row += 3
            else:
                one(weights, features, sums, row, p, points, a, b, c, d)
                row += 1
            left = len(weights) - row


def numpy_add_products(weights: Any, features: Any, pairs: Any, sums: Any, points: int) -> None:
    """Do as `add_products` does, by NumPy."""
    products = features[pairs[:, 0], :points] * features[pairs[:, 1], :points]
    sums += weights[:, :points] @ products.T


# Numba reads its settings from the environment as it is imported, out of sight of a type checker.
if numba.config.DISABLE_JIT:  # type: ignore[attr-defined]
    add_products = numpy_add_products
