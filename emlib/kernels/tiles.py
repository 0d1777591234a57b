"""Two matrix products, tile by tile: the sums of a tile stay in registers, so that most loads feed several multipliers.

The compiler makes vectors of a loop over points but does not keep several rows of sums in registers at once. These
loops are therefore handed to LLVM as vector instructions. Vectors have four numbers; where the processor's are
shorter or longer, LLVM splits them or leaves room unused. Without a compiler (Numba's `DISABLE_JIT`) NumPy serves.
"""

from __future__ import annotations

from typing import Any

import numba
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from emlib.kernels.blocks import loop
from emlib.kernels.choice import BLOCK

WIDTH = 4  # numbers of a vector
ACROSS = 2  # vectors of points, or features, of a tile
VECTOR, WHOLE, SMALL = ir.VectorType(ir.DoubleType(), WIDTH), ir.IntType(64), ir.IntType(32)
ZERO, ANY = ir.Constant(VECTOR, [0.0] * WIDTH), ir.Constant(VECTOR, ir.Undefined)
FUSED = ("contract",)  # a product and a sum may be rounded once


class Matrix:
    """A matrix of doubles, its rows one after the other, as LLVM sees it."""

    def __init__(self, context: Any, builder: Any, kind: Any, value: Any) -> None:
        array = context.make_array(kind)(context, builder, value)
        self.builder, self.data, self.width = builder, array.data, builder.extract_value(array.shape, 1)

    def at(self, row: Any, column: Any) -> Any:
        """Return the address of an entry."""
        return self.builder.gep(self.data, [self.builder.add(self.builder.mul(row, self.width), column)])

    def vector(self, row: Any, column: Any) -> Any:
        """Return entries of a row, from a column on."""
        found = self.builder.load(self.builder.bitcast(self.at(row, column), VECTOR.as_pointer()))
        found.align = 8
        return found

    def put(self, value: Any, row: Any, column: Any) -> None:
        """Write entries of a row, from a column on."""
        self.builder.store(value, self.builder.bitcast(self.at(row, column), VECTOR.as_pointer())).align = 8

    def repeated(self, row: Any, column: Any) -> Any:
        """Return one entry, as often as a vector has numbers."""
        first = self.builder.insert_element(ANY, self.builder.load(self.at(row, column)), ir.Constant(SMALL, 0))
        return self.builder.shuffle_vector(first, ANY, ir.Constant(ir.VectorType(SMALL, WIDTH), [0] * WIDTH))


def steps(builder: Any, start: Any, count: int, stride: int = 1) -> list[Any]:
    """Return the indices start, start + stride, ..."""
    return [builder.add(start, ir.Constant(WHOLE, stride * place)) for place in range(count)]


def place(builder: Any, start: Any) -> Any:
    """Return a place for a sum that begins with some value; LLVM makes a register of it."""
    # Numba's helper says nothing of its types.
    return cgutils.alloca_once_value(builder, start)  # type: ignore[no-untyped-call]


def gain(builder: Any, spot: Any, left: Any, right: Any) -> None:
    """Add a product to the sum in a place."""
    product = builder.fmul(left, right, FUSED)
    builder.store(builder.fadd(product, builder.load(spot), FUSED), spot)


def total(builder: Any, vector: Any) -> Any:
    """Return the sum of a vector's numbers."""
    parts = [builder.extract_element(vector, ir.Constant(SMALL, lane)) for lane in range(WIDTH)]
    return builder.fadd(builder.fadd(parts[0], parts[1]), builder.fadd(parts[2], parts[3]))


def _weighed(context: Any, builder: Any, signature: Any, arguments: Any, height: int) -> Any:
    """Write the tile of `weigh`."""
    given = [Matrix(context, builder, *pair) for pair in zip(signature.args[:3], arguments[:3], strict=True)]
    (weights, features, sums), (low, row, point, depth) = given, arguments[3:]
    rows, points = steps(builder, row, height), steps(builder, point, ACROSS, WIDTH)
    places = [[place(builder, sums.vector(k, i)) for i in points] for k in rows]
    with cgutils.for_range(builder, depth) as loop:
        seen = [features.vector(loop.index, i) for i in points]
        for k, line in zip(rows, places, strict=True):
            weight = weights.repeated(k, builder.add(low, loop.index))
            for spot, value in zip(line, seen, strict=True):
                gain(builder, spot, weight, value)
    for k, line in zip(rows, places, strict=True):
        for spot, i in zip(line, points, strict=True):
            sums.put(builder.load(spot), k, i)
    return context.get_dummy_value()


def _gathered(context: Any, builder: Any, signature: Any, arguments: Any, height: int) -> Any:
    """Write the tile of `gather`."""
    given = [Matrix(context, builder, *pair) for pair in zip(signature.args[:3], arguments[:3], strict=True)]
    (shares, features, sums), (low, row, feature, points) = given, arguments[3:]
    rows, columns = steps(builder, row, height), steps(builder, feature, ACROSS)
    places = [[place(builder, ZERO) for _ in columns] for _ in rows]
    with cgutils.for_range_slice(builder, ir.Constant(WHOLE, 0), points, ir.Constant(WHOLE, WIDTH), WHOLE) as (i, _):
        seen = [features.vector(p, i) for p in columns]
        for k, line in zip(rows, places, strict=True):
            share = shares.vector(k, i)
            for spot, value in zip(line, seen, strict=True):
                gain(builder, spot, share, value)
    for k, line in zip(rows, places, strict=True):
        for spot, p in zip(line, columns, strict=True):
            target = sums.at(k, builder.add(low, p))
            builder.store(builder.fadd(builder.load(target), total(builder, builder.load(spot))), target)
    return context.get_dummy_value()


def _tile(write: Any, height: int) -> Any:
    """Return the loop of a tile of so many rows, for compiled functions to call."""

    @intrinsic
    def tile(typing: Any, left: Any, features: Any, sums: Any, low: Any, row: Any, at: Any, length: Any) -> Any:
        def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            return write(context, builder, signature, arguments, height)

        return types.void(left, features, sums, types.intp, types.intp, types.intp, types.intp), code

    return tile


@loop
def height(left: int) -> int:
    """Return how many of the rows that are left, an even number, the next tile takes; two would be slow."""
    if left == 2 or left == 4 or left == 8:
        return min(left, 4)
    return 6


def _column(write: Any) -> Any:
    """Return the loop over all rows, an even number, of the tiles at one place."""
    six, four, two = (_tile(write, rows) for rows in (6, 4, 2))

    @loop
    def column(left: Any, features: Any, sums: Any, low: int, at: int, length: int) -> None:
        row = 0
        while row < len(left):
            rows = height(len(left) - row)
            if rows == 6:
                six(left, features, sums, low, row, at, length)
            elif rows == 4:
                four(left, features, sums, low, row, at, length)
            else:
                two(left, features, sums, low, row, at, length)
            row += rows

    return column


weighed, gathered = _column(_weighed), _column(_gathered)


@loop
def weigh(weights: Any, low: int, features: Any, depth: int, sums: Any, points: int) -> None:
    """Add to each point's sums the products of its features with weights, from column `low` on.

    `weights` (K, P) with even K, `features` (at least depth, points), `sums` (K, at least points), points a multiple
    of 8.
    """
    for point in range(0, points, ACROSS * WIDTH):
        weighed(weights, features, sums, low, point, depth)


@loop
def gather(shares: Any, features: Any, depth: int, sums: Any, low: int) -> None:
    """Add a block's features, summed with each row of shares as weights, to `sums` from column `low` on.

    `shares` (K, at least BLOCK) with even K, `features` (at least depth, BLOCK), even depth, `sums` (K, P).
    """
    for feature in range(0, depth, ACROSS):
        gathered(shares, features, sums, low, feature, BLOCK)


def weigh_plainly(weights: Any, low: int, features: Any, depth: int, sums: Any, points: int) -> None:
    """Do as `weigh` does, by NumPy."""
    sums[:, :points] += weights[:, low:low + depth] @ features[:depth, :points]


def gather_plainly(shares: Any, features: Any, depth: int, sums: Any, low: int) -> None:
    """Do as `gather` does, by NumPy."""
    sums[:, low:low + depth] += shares[:, :BLOCK] @ features[:depth, :BLOCK].T


# Numba reads its settings from the environment as it is imported, out of sight of a type checker.
if numba.config.DISABLE_JIT:  # type: ignore[attr-defined]
    weigh, gather = weigh_plainly, gather_plainly
