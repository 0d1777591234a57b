"""Lead the code of `emlib` and of a notebook's cells through `arithmetic_noise` as it is imported.

``a @ b`` becomes a call of `product`, ``a ** b`` of `power`, and each name that an import binds is passed through
`wrapped`. The compiled loops in `emlib.kernels` stay as they are; what they write is disturbed afterwards.
"""

from __future__ import annotations

import ast
import builtins
import importlib.abc
import importlib.machinery
import importlib.util
import marshal
import os
import sys
import types
from typing import Any

import arithmetic_noise

NAME = "__arithmetic_noise__"  # where rewritten code finds the functions


class Rewriter(ast.NodeTransformer):
    """Lead products, powers and imported names through the functions above."""

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        self.generic_visit(node)
        name = {ast.MatMult: "product", ast.Pow: "power"}.get(type(node.op))
        return _call(name, [node.left, node.right], node) if name else node

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.op, ast.MatMult | ast.Pow):
            where = f"line {node.lineno}: write a = a @ b in full"
            raise SyntaxError(f"{where}: {arithmetic_noise.VARIABLE} does not follow a @= b")
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
    """Load a module of `emlib` from its rewritten source; the bytecode is kept beside the plain one."""

    def get_code(self, fullname: str) -> types.CodeType:
        path = self.get_filename(fullname)
        kept = importlib.util.cache_from_source(path, optimization="noise")
        stamp = repr([os.stat(file).st_mtime_ns for file in (path, __file__)]).encode()
        if os.path.exists(kept) and (found := self.get_data(kept)).startswith(stamp):
            kept_code: types.CodeType = marshal.loads(found[len(stamp) :])
            return kept_code
        tree = Rewriter().visit(ast.parse(self.get_data(path), path))
        code = compile(ast.fix_missing_locations(tree), path, "exec")
        self.set_data(kept, stamp + marshal.dumps(code))  # whole or not at all
        return code


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
    return name.partition(".")[0] in ("emlib", "embook") and not name.startswith("emlib.kernels")


def install() -> None:
    """Begin to disturb, if the environment asks for it."""
    given = arithmetic_noise.seed()
    if given is not None:
        arithmetic_noise.reseed(given)
        setattr(builtins, NAME, arithmetic_noise)
        sys.meta_path.insert(0, Finder())
