"""The protocol of a block of a parameter space, and the checks of a user's value.

A block maps its value (an array of `shape`) to unconstrained coordinates and back, gives the Jacobian and
the second derivative of that map, and a basis of its feasible directions. Leading axes are a batch.
"""

from __future__ import annotations

from typing import Any, ClassVar, Protocol

import numpy as np
import scipy

from emlib.data.arrays import numbers
from emlib.numerics import Array, all_true, block_diagonal

CERTAIN = 30.0  # logarithms and log-odds of up to this size are those of ordinary numbers, away from every boundary


class Block(Protocol):
    """One field of the parameters: its name, its shape and its chart."""

    @property
    def name(self) -> str: ...
    @property
    def shape(self) -> tuple[int, ...]: ...
    @property
    def size(self) -> int: ...
    @property
    def free_size(self) -> int: ...
    @property
    def certain_within(self) -> float: ...
    def validate(self, value: Any) -> Array: ...
    def fault(self, value: Array) -> str | None: ...
    def to_free(self, value: Array) -> Array: ...
    def from_free(self, vector: Array) -> Array: ...
    def pullback(self, value: Array, cotangent: Array) -> Array: ...
    def jacobian(self, value: Array) -> Array: ...
    def curvature(self, value: Array, cotangent: Array) -> Array: ...
    def tangent(self) -> Array: ...
    def tangent_parts(self) -> list[Any]: ...


class TangentFromParts:
    """A block whose `tangent_parts` are bases, dense or sparse, of the feasible directions of its entries in turn.

    Attributes
    ----------
    certain_within : float
        Free coordinates of smaller size all lie inside the block, whatever is rounded; 0 where that says nothing.
    """

    certain_within: ClassVar[float] = 0.0

    def tangent(self: Block) -> Array:
        parts = self.tangent_parts()
        return block_diagonal(*[part.toarray() if scipy.sparse.issparse(part) else part for part in parts])


def first_bad(mask: Array, word: str = "entry") -> str:
    """Name the first true entry of a mask: ``entry [2, 0]``, or ``the entry`` for a scalar."""
    if mask.ndim == 0:
        return f"the {word}"
    return f"{word} [" + ", ".join(str(int(i)) for i in np.argwhere(mask)[0]) + "]"


def as_block(block: Block, value: Any) -> Array:
    """Return a user's value as an array of the block's shape; raise ValueError if it is no such value."""
    array = numbers(value, block.name).astype(float)
    if array.shape != block.shape:
        raise ValueError(f"{block.name}: shape {array.shape} found, {block.shape} needed")
    found = block.fault(array)
    if found is not None:
        raise ValueError(f"{block.name}: {found}")
    array.setflags(write=False)
    return array


def not_finite(value: Array) -> str | None:
    """Name the first entry that is not finite."""
    if all_true(np.isfinite(value)):
        return None
    bad = ~np.isfinite(value)
    return f"{first_bad(bad)} is {value[bad].flat[0]}; parameters must be finite"
