"""Disturb the last bits of arithmetic, as another processor or another library of linear algebra would.

With the environment variable ``EMLIB_NOISE`` set to a seed, what `emlib` and a notebook's cells get from the functions
below is off by up to two units in the last place:

- NumPy's transcendental functions, its matrix products (``@`` included), `numpy.linalg`, and powers;
- `scipy.linalg`, `scipy.special` and the distributions of `scipy.stats`;
- whatever a compiled loop of `emlib.kernels` writes or returns, and what comes back from JAX.

The disturbance is a hash of the number's own bits, without its sign, and of the seed. So equal numbers stay equal,
a symmetric matrix symmetric, a run repeatable; zeros, ones, infinities and NaN stay exact.

Nothing in `emlib` knows of this. A hook rewrites the code of its modules, and of cells, as they are imported: ``a @ b``
becomes a call of `product`, ``a ** b`` of `power`, and each name that an import binds is passed through `wrapped`.
"""

from __future__ import annotations

import ast
import builtins
import importlib
import importlib.abc
import importlib.machinery
import os
import sys
import types
from collections.abc import Callable
from typing import Any

VARIABLE, NAME = "EMLIB_NOISE", "__arithmetic_noise__"
DOUBLES = ("d", "D")
NUMPY = {
    "exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "logaddexp", "logaddexp2", "power", "float_power", "sin",
    "cos", "tan", "arcsin", "arccos", "arctan", "arctan2", "sinh", "cosh", "tanh", "arcsinh", "arccosh", "arctanh",
    "hypot", "cbrt", "matmul", "dot", "vdot", "inner", "tensordot", "einsum", "matvec", "vecmat", "vecdot", "cov",
    "corrcoef",
}  # fmt: skip
MATHS = {"exp", "expm1", "exp2", "log", "log2", "log10", "log1p", "sin", "cos", "tan", "tanh", "sinh", "cosh", "atan",
         "atan2", "pow", "gamma", "lgamma", "erf", "erfc"}
WHOLE = ("numpy.linalg", "scipy.linalg", "scipy.linalg.lapack", "scipy.linalg.blas", "scipy.special", "scipy.stats")
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
        return tuple(parts) if type(value) is tuple else type(value)(*parts)
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
    whole = isinstance(base, int) or (isinstance(base, float) and base.is_integer() and isinstance(exponent, int))
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
        is_view = any(getattr(found, "base", None) is part for part in arguments) and found is not None
        return found if is_view and isinstance(found, sys.modules["numpy"].ndarray) else disturbed(found)

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.inner, name)
        return Function(found) if name in ("pdf", "logpdf", "pmf", "logpmf", "cdf", "sf", "ppf", "isf") else found


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


def _watched(function: Any) -> Callable[..., Any]:
    def called(*arguments: Any) -> Any:
        numpy = sys.modules["numpy"]
        floats = [a for a in arguments if isinstance(a, numpy.ndarray) and a.dtype.char == "d" and a.flags.writeable]
        before = [array.copy() for array in floats]
        found = function(*arguments)
        for array, old in zip(floats, before, strict=True):
            written = array != old
            array[written] = disturb(array[written])
        return disturbed(found)

    return called


class Rewriter(ast.NodeTransformer):
    """Lead products, powers and imported names through the functions above."""

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        self.generic_visit(node)
        name = {ast.MatMult: "product", ast.Pow: "power"}.get(type(node.op))
        return _call(name, [node.left, node.right], node) if name else node

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.op, ast.MatMult | ast.Pow):
            raise SyntaxError(f"line {node.lineno}: write a = a @ b in full: {VARIABLE} does not follow a @= b")
        return node

    def visit_Import(self, node: ast.Import) -> Any:
        return [node, *(_rebound(alias.asname or alias.name.partition(".")[0],
                                 alias.name if alias.asname else alias.name.partition(".")[0], node)
                        for alias in node.names)]

    def visit_ImportFrom(self, node: ast.ImportFrom) -> Any:
        if node.level or node.module == "__future__":
            return node
        return [node, *(_rebound(alias.asname or alias.name, f"{node.module}.{alias.name}", node)
                        for alias in node.names if alias.name != "*")]


def _call(name: str, arguments: list[ast.expr], at: ast.AST) -> ast.expr:
    call = ast.Call(ast.Attribute(ast.Name(NAME, ast.Load()), name, ast.Load()), arguments, [])
    return ast.fix_missing_locations(ast.copy_location(call, at))


def _rebound(bound: str, name: str, at: ast.stmt) -> ast.stmt:
    value = _call("wrapped", [ast.Name(bound, ast.Load()), ast.Constant(name)], at)
    return ast.fix_missing_locations(ast.copy_location(ast.Assign([ast.Name(bound, ast.Store())], value), at))


class Source(importlib.machinery.SourceFileLoader):
    """Load a module of `emlib` from its rewritten source, never from bytecode."""

    def get_code(self, fullname: str) -> types.CodeType:
        path = self.get_filename(fullname)
        tree = Rewriter().visit(ast.parse(self.get_data(path), path))
        return compile(ast.fix_missing_locations(tree), path, "exec")


class Shell(importlib.machinery.SourceFileLoader):
    """Load IPython's shell so that it rewrites each cell, too."""

    def exec_module(self, module: types.ModuleType) -> None:
        super().exec_module(module)
        plain = module.InteractiveShell.transform_ast
        module.InteractiveShell.transform_ast = lambda shell, node: plain(
            shell, ast.fix_missing_locations(Rewriter().visit(node)))


class Finder(importlib.abc.MetaPathFinder):
    """Find what the other finders find, and give the modules concerned a loader that rewrites."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        if name != "IPython.core.interactiveshell" and not _rewritten(name):
            return None
        specs = (finder.find_spec(name, path, target) for finder in sys.meta_path if finder is not self)
        spec = next((found for found in specs if found is not None), None)
        if spec is not None and type(spec.loader) is importlib.machinery.SourceFileLoader:
            kind = Source if _rewritten(name) else Shell
            spec.loader = kind(spec.loader.name, spec.loader.path)
        return spec


def _rewritten(name: str) -> bool:
    return (name == "emlib" or name.startswith("emlib.")) and not name.startswith("emlib.kernels")


def install() -> None:
    """Begin to disturb, if the environment asks for it."""
    given = seed()
    if given is not None:
        reseed(given)
        sys.meta_path.insert(0, Finder())
        setattr(builtins, NAME, sys.modules[__name__])  # where rewritten code finds it


def reseed(given: int) -> None:
    """Go on with another seed."""
    global SALT
    numpy = importlib.import_module("numpy")
    SALT = numpy.uint64(given * 0xD1B54A32D192ED03 & (2**63 - 1))


SALT: Any = None
