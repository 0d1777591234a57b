"""Small faults in an expression: what each operator makes of it.

A sign is flipped, a product is a thousandth or a fiftieth too large, an index is shifted, a term of a sum is left out,
a count is one less or one more.
"""

from __future__ import annotations

import ast
from collections.abc import Callable

COUNTS = {"n", "n_units", "n_observations", "counts"}
FACTORS = (ast.Mult, ast.Div, ast.MatMult)
PRODUCTS = (*FACTORS, ast.Pow)


def named(node: ast.AST) -> str:
    """Return the last part of a name, nothing for other expressions."""
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _is_sum(node: ast.expr) -> bool:
    """Return whether this is a sum or difference of numbers, as far as one can see."""
    if not (isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub)):
        return False
    others = (ast.List, ast.Tuple, ast.JoinedStr, ast.ListComp)
    return not any(isinstance(side, others) or isinstance(getattr(side, "value", 0), str)
                   for side in (node.left, node.right))


def _sign(node: ast.expr) -> list[str]:
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return [] if _is_number(node) else [ast.unparse(node.operand)]  # an axis counted from the end
    if not _is_sum(node) or not isinstance(node, ast.BinOp):
        return []
    return [ast.unparse(ast.BinOp(node.left, ast.Sub() if isinstance(node.op, ast.Add) else ast.Add(), node.right))]


def _times(factor: float) -> Callable[[ast.expr], list[str]]:
    def operator(node: ast.expr) -> list[str]:
        is_product = isinstance(node, ast.BinOp) and isinstance(node.op, PRODUCTS)
        return [f"{factor} * ({ast.unparse(node)})"] if is_product else []
    return operator


def _index(node: ast.expr) -> list[str]:
    """Shift one whole number of a subscript by one, away from the end that it is counted from."""
    if not isinstance(node, ast.Subscript) or named(node.value) == "shape":
        return []
    found = []
    for place, bound in enumerate(_bounds(node)):
        text = ast.unparse(bound)
        copy = ast.parse(ast.unparse(node), mode="eval").body
        shifted = ast.parse(str(int(text) + (-1 if text.startswith("-") else 1)), mode="eval").body
        found.append(ast.unparse(_Swap(_bounds(copy)[place], shifted).visit(copy)))
    return found


def _bounds(node: ast.expr) -> list[ast.expr]:
    """Return the whole numbers of a subscript: indices, and the bounds of slices."""
    parts = getattr(node, "slice", node)
    parts = parts.elts if isinstance(parts, ast.Tuple) else [parts]
    found = [bound for part in parts for bound in ([part.lower, part.upper] if isinstance(part, ast.Slice) else [part])]
    return [bound for bound in found if bound is not None and _is_number(bound)]


def _is_number(node: ast.expr) -> bool:
    inner = node.operand if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) else node
    return isinstance(inner, ast.Constant) and type(inner.value) is int


class _Swap(ast.NodeTransformer):
    """Put one node in place of another."""

    def __init__(self, old: ast.expr, new: ast.expr) -> None:
        self.old, self.new = old, new

    def visit(self, node: ast.AST) -> ast.AST:
        return self.new if node is self.old else super().generic_visit(node)


def _term(node: ast.expr) -> list[str]:
    if not _is_sum(node) or not isinstance(node, ast.BinOp):
        return []
    right = node.right if isinstance(node.op, ast.Add) else ast.UnaryOp(ast.USub(), node.right)
    return [ast.unparse(node.left), ast.unparse(right)]


def _count(node: ast.expr) -> list[str]:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub) and ast.unparse(node.right) == "1":
        return [ast.unparse(node.left)]
    is_length = isinstance(node, ast.Call) and named(node.func) == "len"
    is_count = isinstance(node, ast.Name | ast.Attribute) and named(node) in COUNTS and isinstance(node.ctx, ast.Load)
    return [f"{ast.unparse(node)} - 1"] if is_length or is_count else []


OPERATORS: dict[str, Callable[[ast.expr], list[str]]] = {
    "sign": _sign, "times 1.001": _times(1.001), "times 1.02": _times(1.02), "index": _index, "count": _count,
    "term": _term,
}
