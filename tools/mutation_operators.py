"""Small faults in the mathematics of `emlib`, one at a time: where they can be put in, and what each makes of a line.

A fault replaces one expression by another: a sign is flipped, a product is a thousandth or a fiftieth too large, an
index is shifted, a term of a sum is left out, a count is one less or one more. Only bodies of functions are touched,
and neither messages nor the checks of arguments.
"""

from __future__ import annotations

import ast
import hashlib
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

MATHEMATICS = ["models", "families", "blocks", "diagnostics", "algorithms", "numerics.py", "mean.py", "problem.py"]
OTHER = {"as_data", "start", "separate", "degenerate", "missing_information_cost"}  # reading, starts, messages, costs
COUNTS = {"n", "n_units", "n_observations", "counts"}
WHOLE = {"arange", "broadcast_to", "empty", "eye", "full", "ones", "range", "repeat", "reshape", "split", "zeros"}
NOT_WHOLE = {"times 1.001", "times 1.02", "count"}  # what says nothing of a size or an index
PRODUCTS = (ast.Mult, ast.Div, ast.MatMult, ast.Pow)


@dataclass(frozen=True)
class Mutant:
    """A fault: in which file and line of the tree, by what operator, and which text becomes which."""

    file: str
    line: int
    operator: str
    start: int  # in bytes
    old: str
    new: str

    @property
    def digest(self) -> str:
        """What tells this fault from others."""
        parts = (self.file, str(self.start), self.old, self.new)
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]

    def __str__(self) -> str:
        return f"{self.file}:{self.line} {self.operator}"

    def applied(self, source: str) -> str:
        """Return the source with the fault in it.

        Raises
        ------
        ValueError
            If the source is another than the fault was made for.
        """
        text, old = source.encode(), self.old.encode()
        end = self.start + len(old)
        if text[self.start : end] != old:
            raise ValueError(f"{self}: the source does not have {self.old!r} there")
        return (text[: self.start] + self.new.encode() + text[end:]).decode()


def sample(root: Path, seed: int) -> Iterator[Mutant]:
    """Yield every fault of a tree in an order that the seed settles, one operator after another in turn."""
    shelves: dict[str, list[Mutant]] = {name: [] for name in OPERATORS}
    for mutant in (mutant for path in files(root) for mutant in mutants(path, root)):
        shelves[mutant.operator].append(mutant)
    draw = random.Random(seed)
    for shelf in shelves.values():
        draw.shuffle(shelf)
    while any(shelves.values()):
        yield from [shelf.pop() for shelf in shelves.values() if shelf]


def files(root: Path) -> list[Path]:
    """Return the files with mathematics."""
    found = [path for name in MATHEMATICS for path in (root / "emlib").glob(name)]
    return sorted(path for one in found for path in ([one] if one.is_file() else one.rglob("*.py")))


def mutants(path: Path, root: Path) -> list[Mutant]:
    """Return every fault that the operators can put into a file."""
    source = path.read_bytes()
    begins = [0, *accumulate(map(len, source.splitlines(keepends=True)))]  # of the lines
    file, found = path.relative_to(root).as_posix(), []
    for node, is_whole in _places(ast.parse(source)):
        start = begins[node.lineno - 1] + node.col_offset
        old = source[start : begins[(node.end_lineno or 0) - 1] + (node.end_col_offset or 0)].decode()
        told: set[str] = set()
        for name, operator in OPERATORS.items():
            new = [] if is_whole and name in NOT_WHOLE else [text for text in operator(node) if text not in told]
            found += [Mutant(file, node.lineno, name, start, old, f"({text})") for text in new]
            told.update(new)
    return found


def _places(node: ast.AST, is_whole: bool = False, inside: bool = False) -> Iterator[tuple[ast.expr, bool]]:
    """Yield the expressions in the bodies of functions, and whether each stands for a size or an index."""
    if isinstance(node, ast.FunctionDef):
        if node.name not in OTHER:
            for statement in node.body:
                yield from _places(statement, False, True)
        return
    if isinstance(node, ast.Raise | ast.Assert | ast.JoinedStr):
        return
    if isinstance(node, ast.If) and isinstance(node.body[-1], ast.Raise):
        children: list[ast.AST] = list(node.orelse)
    else:
        children = [node.value] if isinstance(node, ast.AnnAssign) and node.value else list(ast.iter_child_nodes(node))
    if inside and isinstance(node, ast.expr):
        yield node, is_whole
    is_size = isinstance(node, ast.Call) and _name(node.func) in WHOLE
    product = isinstance(node, ast.BinOp) and isinstance(node.op, PRODUCTS)
    for child in children:
        is_factor = product and isinstance(child, ast.BinOp) and isinstance(child.op, PRODUCTS)
        is_index = isinstance(node, ast.Subscript) and child is node.slice
        # the factor of a product is left to the product
        yield from (pair for pair in _places(child, is_whole or is_size or is_index, inside)
                    if not (is_factor and pair[0] is child and not _is_power(child)))


def _is_power(node: ast.AST) -> bool:
    return isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow)


def _name(node: ast.AST) -> str:
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
    if not isinstance(node, ast.Subscript) or _name(node.value) == "shape":
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
    is_length = isinstance(node, ast.Call) and _name(node.func) == "len"
    is_count = isinstance(node, ast.Name | ast.Attribute) and _name(node) in COUNTS and isinstance(node.ctx, ast.Load)
    return [f"{ast.unparse(node)} - 1"] if is_length or is_count else []


OPERATORS: dict[str, Callable[[ast.expr], list[str]]] = {
    "sign": _sign, "times 1.001": _times(1.001), "times 1.02": _times(1.02), "index": _index, "count": _count,
    "term": _term,
}
