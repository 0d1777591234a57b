"""Two matrix products, tile by tile: the sums of a tile stay in registers, so that most loads feed several multipliers.

The compiler vectorises a loop over points but does not keep several rows of sums in registers at once. These loops are
therefore handed to LLVM as vector instructions. Vectors have four numbers; where the processor's are shorter or
longer, LLVM splits them or leaves room unused. Without a compiler (Numba's `DISABLE_JIT`) NumPy serves.

Numba's `np.dot`, which calls SciPy's BLAS, was measured in place of these loops at (W, P) = (6, 6) to (16, 192). It
takes 0.6 to 0.75 of their time where OpenBLAS has kernels for small matrices (AVX-512, one thread), but 1.5 to 5
times as long with its kernels for AVX2 (Haswell, Zen). From 2^18 multiplications on it also starts threads of its own,
up to a hundred times as slow on a busy machine, and its sums then depend on their number.
"""

from __future__ import annotations

from typing import Any

import numba
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from emlib.kernels.blocks import inlined

WIDTH = 4  # numbers of a vector
ACROSS = 2  # vectors of points, or features, of a tile
VECTOR, INT64, INT32 = ir.VectorType(ir.DoubleType(), WIDTH), ir.IntType(64), ir.IntType(32)
ZERO, UNDEFINED = ir.Constant(VECTOR, [0.0] * WIDTH), ir.Constant(VECTOR, ir.Undefined)
FUSED = ("contract",)  # a product and a sum may be rounded once


class Matrix:
    """A matrix of doubles in row-major order, as LLVM sees it."""

    def __init__(self, context: Any, builder: Any, kind: Any, value: Any) -> None:
        array = context.make_array(kind)(context, builder, value)
        self.builder, self.data, self.width = builder, array.data, builder.extract_value(array.shape, 1)

    def address(self, row: Any, column: Any) -> Any:
        """Return the address of an entry."""
        return self.builder.gep(self.data, [self.builder.add(self.builder.mul(row, self.width), column)])

    def load(self, row: Any, column: Any) -> Any:
        """Return a vector of entries of a row, from a column on."""
        found = self.builder.load(self.builder.bitcast(self.address(row, column), VECTOR.as_pointer()))
        found.align = 8
        return found

    def store(self, value: Any, row: Any, column: Any) -> None:
        """Write a vector to a row, from a column on."""
        self.builder.store(value, self.builder.bitcast(self.address(row, column), VECTOR.as_pointer())).align = 8

    def broadcast(self, row: Any, column: Any) -> Any:
        """Return a vector of copies of one entry."""
        entry = self.builder.load(self.address(row, column))
        first = self.builder.insert_element(UNDEFINED, entry, ir.Constant(INT32, 0))
        return self.builder.shuffle_vector(first, UNDEFINED, ir.Constant(ir.VectorType(INT32, WIDTH), [0] * WIDTH))


def indices(builder: Any, start: Any, count: int, stride: int = 1) -> list[Any]:
    """Return the indices start, start + stride, ..."""
    return [builder.add(start, ir.Constant(INT64, stride * step)) for step in range(count)]


def accumulator(builder: Any, start: Any) -> Any:
    """Return memory for a sum, with its first value; LLVM makes a register of it."""
    # Numba's helper is not annotated.
    return cgutils.alloca_once_value(builder, start)  # type: ignore[no-untyped-call]


def multiply_add(builder: Any, total: Any, left: Any, right: Any) -> None:
    """Add the product of two vectors to an accumulator."""
    product = builder.fmul(left, right, FUSED)
    builder.store(builder.fadd(product, builder.load(total), FUSED), total)


def horizontal_sum(builder: Any, vector: Any) -> Any:
    """Return the sum of a vector's numbers."""
    parts = [builder.extract_element(vector, ir.Constant(INT32, lane)) for lane in range(WIDTH)]
    return builder.fadd(builder.fadd(parts[0], parts[1]), builder.fadd(parts[2], parts[3]))


def add_sums(builder: Any, sums: Any, rows: list[Any], columns: list[Any], totals: list[list[Any]]) -> None:
    """Add the numbers in each accumulator to the entry of a matrix that it belongs to."""
    for k, line in zip(rows, totals, strict=True):
        for total, p in zip(line, columns, strict=True):
            target = sums.address(k, p)
            builder.store(builder.fadd(builder.load(target), horizontal_sum(builder, builder.load(total))), target)


def _emit_product(context: Any, builder: Any, signature: Any, arguments: Any, height: int) -> Any:
    """Emit a tile of `add_product`."""
    matrices = [Matrix(context, builder, *pair) for pair in zip(signature.args[:3], arguments[:3], strict=True)]
    (weights, features, sums), (low, row, point, depth) = matrices, arguments[3:]
    rows, points = indices(builder, row, height), indices(builder, point, ACROSS, WIDTH)
    totals = [[accumulator(builder, sums.load(k, i)) for i in points] for k in rows]
    with cgutils.for_range(builder, depth) as loop:
        values = [features.load(loop.index, i) for i in points]
        for k, line in zip(rows, totals, strict=True):
            weight = weights.broadcast(k, builder.add(low, loop.index))
            for total, value in zip(line, values, strict=True):
                multiply_add(builder, total, weight, value)
    for k, line in zip(rows, totals, strict=True):
        for total, i in zip(line, points, strict=True):
            sums.store(builder.load(total), k, i)
    return context.get_dummy_value()


def _emit_transposed(context: Any, builder: Any, signature: Any, arguments: Any, height: int) -> Any:
    """Emit a tile of `add_product_transposed`."""
    matrices = [Matrix(context, builder, *pair) for pair in zip(signature.args[:3], arguments[:3], strict=True)]
    (weights, features, sums), (low, row, feature, points) = matrices, arguments[3:]
    rows, columns = indices(builder, row, height), indices(builder, feature, ACROSS)
    totals = [[accumulator(builder, ZERO) for _ in columns] for _ in rows]
    with cgutils.for_range_slice(builder, ir.Constant(INT64, 0), points, ir.Constant(INT64, WIDTH), INT64) as (i, _):
        values = [features.load(p, i) for p in columns]
        for k, line in zip(rows, totals, strict=True):
            weight = weights.load(k, i)
            for total, value in zip(line, values, strict=True):
                multiply_add(builder, total, weight, value)
    add_sums(builder, sums, rows, [builder.add(low, p) for p in columns], totals)
    return context.get_dummy_value()


def _tile(emit: Any, height: int) -> Any:
    """Return a function that compiled code can call, for a tile of so many rows."""

    @intrinsic
    def tile(typing: Any, left: Any, features: Any, sums: Any, low: Any, row: Any, at: Any, length: Any) -> Any:
        def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            return emit(context, builder, signature, arguments, height)

        return types.void(left, features, sums, types.intp, types.intp, types.intp, types.intp), code

    return tile


@inlined
def tile_height(left: int) -> int:
    """Return how many of the remaining rows, an even number, the next tile takes; a tile of two would be slow."""
    if left == 2 or left == 4 or left == 8:
        return min(left, 4)
    return 6


def _column(emit: Any) -> Any:
    """Return the loop over all rows, an even number, of the tiles at one place."""
    six, four, two = (_tile(emit, rows) for rows in (6, 4, 2))

    @inlined
    def column(left: Any, features: Any, sums: Any, low: int, at: int, length: int) -> None:
        row = 0
        while row < len(left):
            height = tile_height(len(left) - row)
            if height == 6:
                six(left, features, sums, low, row, at, length)
            elif height == 4:
                four(left, features, sums, low, row, at, length)
            else:
                two(left, features, sums, low, row, at, length)
            row += height

    return column


product_column, transposed_column = _column(_emit_product), _column(_emit_transposed)


@inlined
def add_product(weights: Any, low: int, features: Any, depth: int, sums: Any, points: int) -> None:
    """Add weights @ features to `sums`, with the columns of `weights` from `low` on.

    `weights` (W, P) with even W, `features` (at least depth, points), `sums` (W, at least points), points a multiple
    of 8.
    """
    for point in range(0, points, ACROSS * WIDTH):
        product_column(weights, features, sums, low, point, depth)


@inlined
def add_product_transposed(weights: Any, features: Any, depth: int, sums: Any, low: int, points: int) -> None:
    """Add weights @ features' to `sums`, from column `low` on.

    `weights` (W, at least points) with even W, `features` (at least depth, points), even depth, `sums` (W, P), points a
    multiple of 4.
    """
    for feature in range(0, depth, ACROSS):
        transposed_column(weights, features, sums, low, feature, points)


def numpy_add_product(weights: Any, low: int, features: Any, depth: int, sums: Any, points: int) -> None:
    """Do as `add_product` does, by NumPy."""
    sums[:, :points] += weights[:, low:low + depth] @ features[:depth, :points]


def numpy_add_product_transposed(weights: Any, features: Any, depth: int, sums: Any, low: int, points: int) -> None:
    """Do as `add_product_transposed` does, by NumPy."""
    sums[:, low:low + depth] += weights[:, :points] @ features[:depth, :points].T


# Numba reads its settings from the environment as it is imported, out of sight of a type checker.
if numba.config.DISABLE_JIT:  # type: ignore[attr-defined]
    add_product, add_product_transposed = numpy_add_product, numpy_add_product_transposed
