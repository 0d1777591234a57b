"""Blocks whose value is known: they keep their place in the parameters and have no coordinates of their own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import scipy

from emlib.blocks.block import Block, TangentFromParts, as_block, first_bad
from emlib.blocks.positive_definite import Diagonal, PositiveDefinite
from emlib.blocks.real import HELD_TOLERANCE, Real
from emlib.blocks.simplex import Simplex
from emlib.numerics import Array


@dataclass(frozen=True, eq=False)
class Held(TangentFromParts):
    """A block held at a value: same shape, no free coordinate, no feasible direction.

    Parameters
    ----------
    block : Block
    value : ndarray
        Of the block's shape and inside it; the boundary is allowed.
    """

    block: Block
    value: Array

    @property
    def name(self) -> str:
        return self.block.name

    @property
    def shape(self) -> tuple[int, ...]:
        return self.block.shape

    @property
    def size(self) -> int:
        return self.block.size

    @property
    def free_size(self) -> int:
        return 0

    def hold(self, value: Array) -> Array:
        """Return the held value, whatever is there."""
        return self.value

    def validate(self, value: Any) -> Array:
        as_block(self, value)
        return self.value

    def fault(self, value: Array) -> str | None:
        bad = ~(np.abs(value - self.value) <= HELD_TOLERANCE * np.abs(self.value).max())
        if not np.any(bad):
            return None
        return f"{first_bad(bad)} is {value[bad].flat[0]:.6g}; the model holds it at {self.value[bad].flat[0]:.6g}"

    def to_free(self, value: Array) -> Array:
        return np.empty(0)

    def from_free(self, vector: Array) -> Array:
        return self.value

    def pullback(self, value: Array, cotangent: Array) -> Array:
        return np.empty(0)

    def jacobian(self, value: Array) -> Array:
        return np.empty((self.size, 0))

    def curvature(self, value: Array, cotangent: Array) -> Array:
        return np.empty((0, 0))

    def tangent_parts(self) -> list[Any]:
        return [scipy.sparse.csr_array((self.size, 0))]


class Fixed(Mapping[str, Array]):
    """Held values by field, compared and hashed by content, so that models can be."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = {name: np.array(value, dtype=float) for name, value in values.items()}
        for value in self._values.values():
            value.setflags(write=False)

    def __getitem__(self, name: str) -> Array:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def _content(self) -> tuple[tuple[str, bytes], ...]:
        return tuple((name, value.tobytes()) for name, value in sorted(self._values.items()))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Fixed) and self._content() == other._content()

    def __hash__(self) -> int:
        return hash(self._content())

    def __repr__(self) -> str:
        return repr({name: value.tolist() for name, value in self._values.items()})


def hold(blocks: tuple[Block, ...], fixed: Mapping[str, Any], by_entry: bool = False) -> tuple[Block, ...]:
    """Return the blocks, those named in `fixed` held at its values.

    Parameters
    ----------
    by_entry : bool
        Whether single entries of real blocks, and independence in a covariance, may be held, with NaN for the rest.

    Raises
    ------
    ValueError
        If a name is no block's, a value lies outside its block, or nothing is left to estimate.
    """
    names = [block.name for block in blocks]
    unknown = sorted(set(fixed) - set(names))
    if unknown:
        raise ValueError(f"fixed: {unknown[0]!r} is no field of the parameters; there are {names}")
    kept = tuple(_held(block, fixed[block.name], by_entry) if block.name in fixed else block for block in blocks)
    if not any(block.free_size for block in kept):
        raise ValueError("fixed: every field is held, nothing is left to estimate; leave one out")
    return kept


def _held(block: Block, value: Any, by_entry: bool) -> Block:
    """Return the block held at a value, or with the zeros in it held where the other entries are NaN."""
    known = _known(value)
    if by_entry and known.shape == block.shape and not known.all():
        if isinstance(block, Real):
            return _entries_held(block, np.asarray(value, dtype=float), known)
        if isinstance(block, PositiveDefinite):
            return _independent(block, np.asarray(value, dtype=float), known)
    if not isinstance(block, Simplex) and known.shape == block.shape and not known.all():
        raise ValueError(f"fixed: {block.name} has NaN for what is to be estimated, which only fields of probabilities "
                         "may have; hold the whole field, or leave it out")
    if not isinstance(block, Simplex) or known.shape != block.shape or known.all():
        return Held(block, block.validate(value))
    given = np.asarray(value, dtype=float)
    sure = known.all(axis=-1, keepdims=True) & (given == 1)  # the one in a row of zeros has no choice
    known = known & ~sure
    if np.any(given[known] != 0) or known.all(axis=-1).any():
        raise ValueError(f"fixed: {block.name} mixes NaN, for what is to be estimated, with numbers other than zero or "
                         "rows without NaN; hold zeros only, with NaN for the rest of their rows, or the whole field")
    return replace(block, zeros=tuple(int(i) for i in np.flatnonzero(known)))


def _entries_held(block: Real, value: Array, known: Array) -> Block:
    """Return the block with those entries held that are not NaN; the block itself where there are none."""
    bad = np.isinf(value)
    if bad.any():
        raise ValueError(f"fixed: {block.name} has {first_bad(bad)} {value[bad].flat[0]}; give finite numbers, and NaN "
                         "for what is to be estimated")
    where = np.flatnonzero(known)
    return replace(block, known=tuple(where.tolist()), values=tuple(value.flat[where].tolist()))


def _independent(block: PositiveDefinite, value: Array, known: Array) -> Block:
    """Return a diagonal block for NaN on the diagonal and zeros off it; the block itself for NaN everywhere."""
    if not known.any():
        return block
    if not (np.array_equal(known, ~np.eye(len(value), dtype=bool)) and (value[known] == 0).all()):
        raise ValueError(f"fixed: {block.name} has NaN for what is to be estimated beside other numbers than zeros off "
                         "the diagonal; give NaN on the diagonal and zeros off it for independent entries, the whole "
                         "matrix, or nothing")
    return Diagonal(block.name, block.shape)


def _known(value: Any) -> Array:
    """Return the mask of the entries that are not NaN; what is no array of numbers counts as known."""
    try:
        known: Array = np.logical_not(np.isnan(np.asarray(value, dtype=float)))
        return known
    except (TypeError, ValueError):
        return np.array(True)
