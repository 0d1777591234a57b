"""Disturb the last bits of arithmetic, as another processor or another library of linear algebra would.

With the environment variable ``EMLIB_NOISE`` set to a seed, what `emlib` and a notebook's cells get from the functions
listed here is off by up to two units in the last place:

- NumPy's transcendental functions, its matrix products (``@`` included), `numpy.linalg`, and powers;
- `scipy.linalg`, `scipy.special` and the distributions of `scipy.stats`;
- whatever a compiled loop of `emlib.kernels` writes or returns, and what comes back from JAX.

The disturbance is a hash of the number's own bits, without its sign, and of the seed. So equal numbers stay equal,
a symmetric matrix symmetric, a run repeatable; zeros, ones, infinities and NaN stay exact.

Out of its reach are the insides of other libraries: what SciPy's optimisers compute between two calls, sums, and draws.

Nothing in `emlib` knows of this: `noise_hook` leads its code, and that of cells, through the functions below.
"""

from __future__ import annotations

import importlib
import os
import sys
import types
from collections.abc import Callable, Iterator
from typing import Any

VARIABLE = "EMLIB_NOISE"
DOUBLES = ("d", "D")
NUMPY = {
    "exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "logaddexp", "logaddexp2", "power", "float_power", "sin",
    "cos", "tan", "arcsin", "arccos", "arctan", "arctan2", "sinh", "cosh", "tanh", "arcsinh", "arccosh", "arctanh",
    "geomspace", "logspace", "hypot", "cbrt", "matmul", "dot", "vdot", "inner", "tensordot", "einsum", "matvec",
    "vecmat", "vecdot", "cov", "corrcoef",
}  # fmt: skip
MATHS = {"exp", "expm1", "exp2", "log", "log2", "log10", "log1p", "sin", "cos", "tan", "tanh", "sinh", "cosh", "atan",
         "atan2", "pow", "gamma", "lgamma", "erf", "erfc"}
WHOLE = ("numpy.linalg", "scipy.linalg", "scipy.linalg.lapack", "scipy.linalg.blas", "scipy.special", "scipy.stats")
LAWS = {"pdf", "logpdf", "pmf", "logpmf", "cdf", "logcdf", "sf", "logsf", "ppf", "isf", "interval", "entropy"}
EXACT = (-1, 0, 0.5, 1, 2)  # powers that NumPy takes by correctly rounded operations


def seed() -> int | None:
    """Return the seed that the environment asks for, None for exact arithmetic."""
    given = os.environ.get(VARIABLE, "")
    if given and not given.isdigit():
        raise ValueError(f"{VARIABLE} is {given!r}: give a whole number from 1 upwards, or leave it unset")
    return int(given) if given and int(given) else None


def disturbed(value: Any) -> Any:
    """Return a result with its last bits disturbed; what holds no doubles is returned as it is."""
    if isinstance(value, float):
        return type(value)(disturb(sys.modules["numpy"].array([value]))[0])
    if isinstance(value, tuple):
        parts = [disturbed(part) for part in value]
        named = getattr(type(value), "_make", None)
        return tuple(parts) if type(value) is tuple else named(parts) if named else value
    if not isinstance(value, sys.modules["numpy"].ndarray) or value.dtype.char not in DOUBLES:
        return value
    return disturb(value.copy(order="K"))


def disturb(array: Any) -> Any:
    """Disturb an array of doubles, real or complex, in place, and return it."""
    import noise_loop  # Numba takes a second to import

    if array.size == 0:
        return array
    if array.flags.c_contiguous or array.flags.f_contiguous:
        noise_loop.move(array.ravel(order="K").view("u8"), SALT)
    else:
        array[...] = disturb(array.copy())
    return array


def product(left: Any, right: Any) -> Any:
    """Return ``left @ right``, disturbed."""
    return disturbed(left @ right)


def power(base: Any, exponent: Any) -> Any:
    """Return ``base ** exponent``, disturbed unless it is a root, a square, a reciprocal, or a whole number's power."""
    found = base**exponent
    plain = isinstance(exponent, int | float) and exponent in EXACT
    whole = isinstance(exponent, int) and (isinstance(base, int) or (isinstance(base, float) and base.is_integer()))
    return found if plain or whole else disturbed(found)


def wrapped(value: Any, name: str) -> Any:
    """Return what an import bound to a name in a form that disturbs its results, where there is anything to disturb."""
    home = name.rpartition(".")[0]
    if name in ("numpy", "math", "scipy", *WHOLE) and isinstance(value, types.ModuleType):
        return Module(value, name)
    if name.startswith("emlib.kernels.") and isinstance(value, types.ModuleType):
        return Compiled(value)
    if home in WHOLE or (home == "numpy" and name[6:] in NUMPY) or (home == "math" and name[5:] in MATHS):
        return _function(value)
    return value


def _function(value: Any) -> Any:
    if isinstance(value, type) or not (callable(value) or hasattr(value, "pdf") or hasattr(value, "pmf")):
        return value
    return Function(value)


class Function:
    """A function, ufunc or distribution whose results are disturbed; all else is as it was."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        found = self.inner(*arguments, **options)
        if options.get("out") is not None:
            return disturb(found) if found.dtype.char in DOUBLES else found
        base = getattr(found, "base", None)
        is_view = base is not None and any(base is part for part in arguments)
        if hasattr(found, "cdf"):  # a distribution with its parameters
            return Function(found)
        return found if is_view else disturbed(found)

    def __getattr__(self, name: str) -> Any:
        if name == "inner":  # asked for by pickle and copy before it is there
            raise AttributeError(name)
        found = getattr(self.inner, name)
        return Function(found) if name in LAWS else found


class Module:
    """A module whose names are looked up in the true one and wrapped."""

    def __init__(self, inner: types.ModuleType, name: str) -> None:
        self.__dict__.update(_inner=inner, _name=name, __name__=name)

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        if self._name == "numpy" and name in ("asarray", "array"):
            return self.__dict__.setdefault(name, _from_jax(found))
        return self.__dict__.setdefault(name, wrapped(found, f"{self._name}.{name}"))


def _from_jax(convert: Callable[..., Any]) -> Callable[..., Any]:
    """Return NumPy's `asarray` or `array`, which disturbs arrays that another library has computed."""

    def converted(value: Any, *arguments: Any, **options: Any) -> Any:
        found = convert(value, *arguments, **options)
        return disturbed(found) if type(value).__module__.startswith("jax") else found

    return converted


class Compiled:
    """A module of compiled loops: floats that a call has written into its arguments are disturbed, and its results."""

    def __init__(self, inner: types.ModuleType) -> None:
        self.inner = inner

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.inner, name)
        return _watched(found) if hasattr(found, "py_func") else found


def leaves(value: Any) -> Iterator[Any]:
    """Yield what a tuple of tuples holds, to any depth."""
    if isinstance(value, tuple):
        for part in value:
            yield from leaves(part)
    else:
        yield value


def _watched(function: Any) -> Callable[..., Any]:
    def called(*arguments: Any) -> Any:
        numpy = sys.modules["numpy"]
        floats = [a for a in leaves(arguments) if isinstance(a, numpy.ndarray) and a.dtype.char == "d"
                  and a.flags.writeable]
        before = [array.copy() for array in floats]
        found = function(*arguments)
        for array, old in zip(floats, before, strict=True):
            written = array != old
            array[written] = disturb(array[written])
        return disturbed(found)

    return called


def reseed(given: int) -> None:
    """Continue with another seed."""
    global SALT
    numpy = importlib.import_module("numpy")
    SALT = numpy.uint64(given * 0xD1B54A32D192ED03 & (2**63 - 1))


SALT: Any = None
