"""JAX for the independent densities; where it is not installed, its first use raises an error that names it.

So a case is built, and passes every check that does not ask for its witness, without JAX.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any


class NotInstalled:
    """Raise ModuleNotFoundError at the first use of JAX."""

    def __getattr__(self, name: str) -> Any:
        raise ModuleNotFoundError(f"jax.{name}: the witness needs JAX; install it by: pip install jax", name="jax")


if find_spec("jax") is None:
    jax = jnp = NotInstalled()
else:
    import jax
    import jax.numpy
    import jax.scipy.linalg
    import jax.scipy.special

    jnp = jax.numpy
    jax.config.update("jax_enable_x64", True)
    jax.config.update("jax_disable_most_optimizations", True)  # small arrays: compiling is what costs
