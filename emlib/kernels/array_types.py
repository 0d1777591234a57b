"""Arrays that compiled passes take, as annotations that `blocks.numba_type` turns into Numba types."""

from __future__ import annotations

from typing import Annotated

from emlib.numerics import Array

Vector = Annotated[Array, "float64", 1]
Matrix = Annotated[Array, "float64", 2]
Cube = Annotated[Array, "float64", 3]
Integers = Annotated[Array, "int64", 1]
IntegerMatrix = Annotated[Array, "int64", 2]
Marks = Annotated[Array, "uint8", 1]
ReadOnlyMatrix = Annotated[Array, "float64", 2, "C", True]
ReadOnlyIntegers = Annotated[Array, "int64", 1, "C", True]
# The caller's own arrays, of any layout and perhaps read-only: Numba converts arguments to this, not their fields.
AnyVector = Annotated[Array, "float64", 1, "A", True]
AnyMatrix = Annotated[Array, "float64", 2, "A", True]
AnyCube = Annotated[Array, "float64", 3, "A", True]
