"""The maps from free coordinates to the entries of a field, written a second time in JAX, with their derivatives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from tests.contract.autodiff import jax, jnp

Shape = tuple[int, ...]
Chart = Callable[[Any, Shape], Any]


def simplex(free: Any, shape: Shape) -> Any:
    """Reduced softmax of each row, last entry as reference."""
    rows = free.reshape(-1, shape[-1] - 1)
    return jax.nn.softmax(jnp.concatenate([rows, jnp.zeros((len(rows), 1))], axis=1), axis=1).reshape(shape)


def positive(free: Any, shape: Shape) -> Any:
    """Exponential."""
    return jnp.exp(free).reshape(shape)


def real(free: Any, shape: Shape) -> Any:
    """Identity."""
    return free.reshape(shape)


def interval(free: Any, shape: Shape) -> Any:
    """Logistic function onto (0, 1)."""
    return jax.nn.sigmoid(free).reshape(shape)


def log_cholesky(free: Any, shape: Shape) -> Any:
    """L L' with the lower triangle row by row and the diagonal as logarithms."""
    side = shape[-1]

    def one(entries: Any) -> Any:
        lower = jnp.zeros((side, side)).at[np.tril_indices(side)].set(entries)
        factor = jnp.tril(lower, -1) + jnp.diag(jnp.exp(jnp.diag(lower)))
        return factor @ factor.T

    return jax.vmap(one)(free.reshape(-1, side * (side + 1) // 2)).reshape(shape)


@dataclass(frozen=True, eq=False)
class Constant:
    """A held value, without coordinates."""

    value: np.ndarray

    def __call__(self, free: Any, shape: Shape) -> Any:
        return jnp.asarray(self.value).reshape(shape)


def free_size(chart: Chart, shape: Shape) -> int:
    """How many free coordinates a field has."""
    size = int(np.prod(shape, dtype=int))
    if isinstance(chart, Constant):
        return 0
    if chart is simplex:
        return size // shape[-1] * (shape[-1] - 1)
    return size // shape[-1] * (shape[-1] + 1) // 2 if chart is log_cholesky else size


@cache
def compiled(chart: Chart, shape: Shape) -> tuple[Any, Any, Any]:
    """The chart, its Jacobian and the second derivative of a cotangent's product with it."""
    def value(free: Any) -> Any:
        return chart(free, shape).ravel()

    def paired(free: Any, cotangent: Any) -> Any:
        return cotangent @ value(free)

    return jax.jit(value), jax.jit(jax.jacobian(value)), jax.jit(jax.hessian(paired))
