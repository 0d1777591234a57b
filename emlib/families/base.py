"""The protocol of one factor of the complete-data likelihood."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from emlib.numerics import Array


class Family(Protocol):
    """One factor of the complete-data likelihood: some fields of theta and one part of the statistics.

    `moments` is the part of the statistics under `key`. Matrices are in standard entries, fields in order.
    """

    @property
    def key(self) -> str: ...
    @property
    def fields(self) -> tuple[str, ...]: ...
    def q_value(self, params: Any, moments: Any) -> float: ...
    def q_gradient(self, params: Any, moments: Any) -> dict[str, Array]: ...
    def q_hessian(self, params: Any, moments: Any) -> Array: ...
    def argmax(self, moments: Any) -> dict[str, Array]: ...
    def projection(self, params: Any, moments: Any) -> Array: ...
    def remainder(self, params: Any, moments: Any) -> dict[str, Array]: ...


class JointFamily(Family, Protocol):
    """A family with several fields, some of which may be held."""

    def argmax_given(self, moments: Any, held: Mapping[str, Array]) -> dict[str, Array] | None:
        """Return the argmax over the other fields given those held; None if all are only estimated together.

        P times their gradient must then be the whole EM step, since the remainder is taken as zero.
        """
