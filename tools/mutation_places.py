"""Where in the mathematics of `emlib` a fault can be put: in the bodies of functions, but for messages and checks."""

from __future__ import annotations

import ast
import hashlib
import random
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

from mutation_operators import FACTORS, OPERATORS, PRODUCTS, named

MATHEMATICS = ["models", "families", "blocks", "diagnostics", "algorithms", "numerics.py", "mean.py", "problem.py"]
READING = "*_data.py"
OTHER = {"as_data", "start", "separate", "degenerate", "missing_information_cost"}  # reading, starts, messages, costs
WHOLE = {"arange", "broadcast_to", "empty", "eye", "full", "ones", "range", "repeat", "reshape", "split", "zeros"}
NOT_WHOLE = {"times 1.001", "times 1.02", "count"}  # what says nothing of a size or an index


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
        """Return a digest that identifies this fault."""
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
    """Return the files with mathematics; those that only read data are left out."""
    found = [path for name in MATHEMATICS for path in (root / "emlib").glob(name)]
    every = (path for one in found for path in ([one] if one.is_file() else one.rglob("*.py")))
    return sorted(path for path in every if not path.match(READING))


def mutants(path: Path, root: Path) -> list[Mutant]:
    """Return every fault that the operators can put into a file."""
    source = path.read_bytes()
    begins = [0, *accumulate(map(len, source.splitlines(keepends=True)))]  # of the lines
    file, found = path.relative_to(root).as_posix(), []
    for node, is_whole in _places(ast.parse(source)):
        start = begins[node.lineno - 1] + node.col_offset
        old = source[start : begins[(node.end_lineno or 0) - 1] + (node.end_col_offset or 0)].decode()
        texts: set[str] = set()
        for name, operator in OPERATORS.items():
            new = [] if is_whole and name in NOT_WHOLE else [text for text in operator(node) if text not in texts]
            found += [Mutant(file, node.lineno, name, start, old, f"({text})") for text in new]
            texts.update(new)
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
    is_size = isinstance(node, ast.Call) and named(node.func) in WHOLE
    product = isinstance(node, ast.BinOp) and isinstance(node.op, PRODUCTS)
    for child in children:
        is_factor = product and isinstance(child, ast.BinOp) and isinstance(child.op, FACTORS)
        is_index = isinstance(node, ast.Subscript) and child is node.slice
        # the factor of a product is left to the product
        yield from (pair for pair in _places(child, is_whole or is_size or is_index, inside)
                    if not (is_factor and pair[0] is child))
