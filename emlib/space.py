"""The space in which a model's parameters live, and the only place that knows its charts.

Coordinates
-----------
``"free"``      unconstrained: reduced softmax, log, logit, log-Cholesky.
``"standard"``  the entries of the parameters; `tangent` gives a basis of the feasible directions.
``"mean"``      expected complete-data statistics per unit; only for full families.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Protocol, TypeVar

import numpy as np
import scipy

from emlib.blocks import Block, Diagonal, Held, Interval, Rate, Real, Simplex
from emlib.blocks.held import hold
from emlib.numerics import Array, all_true, block_diagonal, congruence, symmetrise

Params = TypeVar("Params", bound=Any)
DENSE_BASIS = 2000  # entries above which the basis of the feasible directions is not held as a dense matrix
COORDINATES = ("free", "standard", "mean")


class MeanChart(Protocol):
    """What a full family supplies for its mean coordinates."""

    def expected(self, params: Any) -> Array: ...
    def solve(self, vector: Array) -> Any: ...
    def jacobian(self, params: Any) -> Array: ...


@dataclass(frozen=True)
class ParameterSpace:
    """A product of blocks, one for each field of the parameter dataclass.

    Parameters
    ----------
    params_type : type
        The frozen dataclass whose fields carry the blocks' names.
    blocks : sequence of Block
        In the order of the flat vector.
    mean_chart : MeanChart, optional
        Given by full exponential families only; dropped where a block is held.
    fixed : mapping of str to array_like, optional
        Blocks held at a value: they have no free coordinate and no feasible direction. In blocks of probabilities
        NaN stands for entries to be estimated, the others must then be zero.
    by_entry : bool
        Whether NaN may also stand in real blocks, beside any numbers, and on the diagonal of covariances, beside zeros:
        for models whose M-step knows what to do then.
    """

    params_type: type
    blocks: Sequence[Block]
    mean_chart: MeanChart | None = field(default=None, repr=False)
    fixed: Mapping[str, Any] | None = None
    by_entry: bool = False

    def __post_init__(self) -> None:
        if self.fixed:
            object.__setattr__(self, "blocks", hold(tuple(self.blocks), self.fixed, self.by_entry))
            object.__setattr__(self, "mean_chart", None)

    @cached_property
    def held(self) -> Mapping[str, Array]:
        """The held values by field."""
        return {block.name: block.value for block in self.blocks if isinstance(block, Held)}

    @cached_property
    def _lengths(self) -> dict[str, list[int]]:
        """How many coordinates each block has."""
        return {"free": [block.free_size for block in self.blocks], "standard": [block.size for block in self.blocks]}

    @cached_property
    def _sizes(self) -> dict[str, int]:
        """How many coordinates all blocks have."""
        return {name: sum(lengths) for name, lengths in self._lengths.items()}

    def hold(self, params: Params) -> Params:
        """Return the parameters with the held values in their fields, and known zeros in theirs."""
        blocks = (block for block in self.blocks if isinstance(block, Diagonal | Held | Real | Simplex))
        kept = {block.name: block.hold(getattr(params, block.name)) for block in blocks}
        moved: Params = replace(params, **kept)
        return moved

    def build(self, **fields: Any) -> Any:
        """Validate the fields and return the parameters; held fields may be left out.

        Raises
        ------
        TypeError
            If a field is missing or unknown.
        ValueError
            If a field has the wrong shape or lies outside its block; names field, finding and remedy.
        """
        fields = {**self.held, **fields}
        names = [block.name for block in self.blocks]
        if sorted(names) != sorted(fields):
            raise TypeError(f"params: expected the fields {names}, got {sorted(fields)}")
        values = {block.name: block.validate(fields[block.name]) for block in self.blocks}
        return self.params_type(**values)

    def accepted(self, given: Any) -> Any:
        """Return the parameters that a caller means: themselves, those of a result, or those of a mapping of fields.

        Raises
        ------
        TypeError, ValueError
            For anything else, and for parameters of other shapes.
        """
        if isinstance(given, Mapping):
            return self.build(**given)
        if not isinstance(given, self.params_type) and "params" in dir(given):
            given = given.params  # of a result
        if not isinstance(given, self.params_type):
            names = ", ".join(block.name for block in self.blocks)
            raise TypeError(f"params: {type(given).__name__} found; give model.params({names})")
        for block in self.blocks:
            if (shape := np.shape(getattr(given, block.name))) != block.shape:
                raise ValueError(f"params: {block.name} has shape {shape}, the model needs {block.shape}; they are of "
                                 "another model")
        return given

    def fault(self, params: Any) -> str | None:
        """Return what is wrong with the parameters, naming block and entry; None if nothing is."""
        for block in self.blocks:
            problem = block.fault(np.asarray(getattr(params, block.name), dtype=float))
            if problem is not None:
                return f"{block.name}: {problem}"
        return None

    @cached_property
    def _certain_within(self) -> Array:
        """The size up to which each free coordinate surely is one of a point inside."""
        return np.concatenate([np.full(block.free_size, block.certain_within) for block in self.blocks])

    def is_certainly_inside(self, vector: Array, coordinates: str = "free") -> bool:
        """Return whether a flat vector's size alone shows that its point has no fault; if not, `fault` must say."""
        return coordinates == "free" and all_true(np.abs(vector) < self._certain_within)

    def size(self, coordinates: str = "free") -> int:
        """Return the length of the flat vector."""
        _check(coordinates)
        return self._sizes["standard" if coordinates == "standard" else "free"]

    def pack(self, params: Any, coordinates: str = "free") -> Array:
        """Return the parameters as one flat vector.

        Raises
        ------
        ValueError
            For ``"free"`` if an entry lies on the boundary (the chart would give infinity), and for
            ``"mean"`` if the model is not a full family.
        """
        _check(coordinates)
        if coordinates == "mean":
            return self.require_mean().expected(params)
        values = [np.asarray(getattr(params, b.name), dtype=float) for b in self.blocks]
        if coordinates == "standard":
            return np.concatenate([v.ravel() for v in values])
        return np.concatenate([b.to_free(v) for b, v in zip(self.blocks, values, strict=True)])

    def unpack(self, vector: Array, coordinates: str = "free") -> Any:
        """Return the parameters at a flat vector; they are not validated (see `fault`).

        Raises
        ------
        ValueError
            If the vector has the wrong length for these coordinates.
        """
        vector = np.asarray(vector, dtype=float)
        if vector.shape != (self.size(coordinates),):
            raise ValueError(
                f"vector: shape {vector.shape} does not fit {coordinates!r} coordinates, "
                f"which need ({self.size(coordinates)},); do not mix coordinates"
            )
        if coordinates == "mean":
            return self.require_mean().solve(vector)
        fields, position = {}, 0
        for block, length in zip(self.blocks, self._lengths[coordinates], strict=True):
            piece = vector[position:position + length]
            position += length
            fields[block.name] = block.from_free(piece) if coordinates == "free" else piece.reshape(block.shape)
        return self.params_type(**fields)

    def pullback(self, params: Any, cotangent: Any, coordinates: str = "free") -> Array:
        """Return the gradient of the flat vector from one per field (entries taken as free).

        Parameters
        ----------
        cotangent : mapping of str to ndarray
            One array per field, of the field's shape.
        """
        _check(coordinates)
        pairs = [(b, np.asarray(getattr(params, b.name)), np.asarray(cotangent[b.name])) for b in self.blocks]
        if coordinates == "free":
            return np.concatenate([b.pullback(value, slope) for b, value, slope in pairs])
        flat = np.concatenate([slope.ravel() for _, _, slope in pairs])
        if coordinates == "standard":
            return flat
        basis = self.tangent()
        along = basis.T @ self.require_mean().jacobian(params).T
        solution: Array = np.linalg.solve(along, basis.T @ flat)
        return solution

    def jacobian(self, params: Any) -> Array:
        """Return d(standard)/d(free), shape (size("standard"), size("free"))."""
        return block_diagonal(*[b.jacobian(np.asarray(getattr(params, b.name))) for b in self.blocks])

    def pull_hessian(self, params: Any, hessian: Array, cotangent: Any) -> Array:
        """Return the Hessian in free coordinates from one in standard entries, chart curvature included."""
        bends = [b.curvature(np.asarray(getattr(params, b.name)), np.asarray(cotangent[b.name])) for b in self.blocks]
        return symmetrise(self.pull_matrix(params, hessian) + block_diagonal(*bends))

    def pull_matrix(self, params: Any, matrix: Array) -> Array:
        """Return J' A J for a matrix A over standard entries, J the Jacobian of the free chart."""
        return congruence(self.jacobian(params), matrix)

    def lifted(self, params: Params, share: float, least: float = 0.0) -> Params:
        """Return the parameters with probabilities, rates and intervals kept off their boundary by a share.

        Where no probability or rate is `least` or below, and nothing else lies on the boundary, they are the very same.
        """
        blocks = [block for block in self.blocks if isinstance(block, Interval | Rate | Simplex)]
        values = {block.name: np.asarray(getattr(params, block.name)) for block in blocks}
        raised = {block.name: block.lifted(values[block.name], share, least) for block in blocks}
        moved = {name: value for name, value in raised.items() if not np.array_equal(value, values[name])}
        return replace(params, **moved) if moved else params

    def probabilities(self) -> list[str]:
        """Return the names of the fields of probabilities and rates, which may vanish."""
        return [block.name for block in self.blocks if isinstance(block, Rate | Simplex)]

    def raised(self, params: Params, masks: Mapping[str, Array], share: float) -> Params:
        """Return the parameters with the masked probabilities and rates at `share` at least; known zeros stay."""
        moved = {}
        for block in self.blocks:
            if block.name in masks and isinstance(block, Rate | Simplex):
                value = np.asarray(getattr(params, block.name))
                kept = block.support if isinstance(block, Simplex) else np.ones(value.shape, dtype=bool)
                value = np.where(masks[block.name] & kept, np.maximum(value, share), value)
                moved[block.name] = value / value.sum(axis=-1, keepdims=True) if isinstance(block, Simplex) else value
        raised: Params = replace(params, **moved)
        return raised

    def vanished_mask(self, *points: Any) -> Array:
        """Return a mask of the free coordinates whose rate or probability, or its reference, has vanished somewhere."""
        masks = [[b.vanished_mask(np.asarray(getattr(params, b.name))) if isinstance(b, Rate | Simplex)
                  else np.zeros(b.free_size, dtype=bool) for b in self.blocks] for params in points]
        return np.asarray(np.any([np.concatenate(mask) for mask in masks], axis=0))

    def vanished_directions(self, *points: Any) -> Array:
        """Return directions of the free coordinates along which only a vanished rate or probability moves, (p, m)."""
        columns, low = [], 0
        for block in self.blocks:
            if isinstance(block, Rate | Simplex):
                for params in points:
                    inner = block.vanished_directions(np.asarray(getattr(params, block.name)))
                    columns.append(np.pad(inner, ((low, self.size("free") - low - block.free_size), (0, 0))))
            low += block.free_size
        found: Array = np.concatenate(columns, axis=1) if columns else np.empty((low, 0))
        return np.unique(found, axis=1) if found.size else found

    def tangent(self) -> Array:
        """Return an orthonormal basis (columns) of {row sums 0} x {symmetric} x R^k in standard entries."""
        return block_diagonal(*[b.tangent() for b in self.blocks])

    def tangent_map(self) -> Any:
        """Return `tangent` as a sparse array where there are many entries: nearly all of the matrix is zero."""
        if self.size("standard") <= DENSE_BASIS:
            return self.tangent()
        parts = [scipy.sparse.csr_array(part) for block in self.blocks for part in block.tangent_parts()]
        return scipy.sparse.block_diag(parts, format="csr")

    def split(self, vector: Array) -> dict[str, Array]:
        """Return a vector of standard entries as one array per field."""
        cuts = np.cumsum([b.size for b in self.blocks])[:-1]
        pieces = np.split(np.asarray(vector), cuts)
        return {b.name: piece.reshape(b.shape) for b, piece in zip(self.blocks, pieces, strict=True)}

    def entry_names(self) -> list[str]:
        """Return the names of the standard entries, in order: "weights[1]", "covariances[0, 1, 1]", "theta"."""
        return [block.name + (str(list(index)) if block.shape else "")
                for block in self.blocks for index in np.ndindex(block.shape)]

    def require_mean(self) -> MeanChart:
        """Return the mean chart; raise ValueError if the model has none."""
        if self.mean_chart is None:
            raise ValueError("coordinates: 'mean' needs a full exponential family with no field held; "
                             "use 'free' or 'standard'")
        return self.mean_chart


def _check(coordinates: str) -> None:
    if coordinates not in COORDINATES:
        raise ValueError(f"coordinates: {coordinates!r} is unknown; choose one of {COORDINATES}")
