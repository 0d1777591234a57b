"""Rules about the code in a chapter."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Any

import chapters
from rules.chapter import Chapter, tags

CELL_LINES = 25
FUNCTION_LINES = 12
NETWORK = {"requests", "urllib", "socket", "http", "aiohttp", "subprocess", "pip"}
GLOBAL_RANDOM = re.compile(r"\b(?:np|numpy)\.random\.(?!default_rng|Generator|SeedSequence|PCG64)\w+|\brandom\.seed\(")


def _tree(cell: Any) -> ast.Module:
    """Parse a cell; a cell that does not parse is reported by ``plain_python`` and seen as empty here."""
    try:
        return ast.parse(str(cell.source))
    except SyntaxError:
        return ast.Module(body=[], type_ignores=[])


def plain_python(chapter: Chapter) -> Iterator[str]:
    """Refuse magics, shell lines, empty cells and syntax errors."""
    for number, cell in chapter.cells("code"):
        if not cell.source.strip():
            yield f"cell {number}: is empty; remove it"
        try:
            ast.parse(cell.source)
        except SyntaxError as error:
            yield f"cell {number}: line {error.lineno} is not plain Python (no %magic, no !shell): {error.msg}"


def parameters_cell(chapter: Chapter) -> Iterator[str]:
    """Refuse anything but one cell of annotated literals, one a line, after at most one set-up cell."""
    code = list(chapter.cells("code"))
    tagged = [(place, number, cell) for place, (number, cell) in enumerate(code) if "parameters" in tags(cell)]
    if len(tagged) != 1:
        yield f"has {len(tagged)} cells tagged parameters, needs exactly one"
        return
    place, number, cell = tagged[0]
    if place > 1:
        yield f"cell {number}: the parameters cell comes after {place} code cells; only the set-up cell may precede it"
    for statement in _tree(cell).body:
        if not chapters.is_parameter(statement):
            yield f"cell {number}: line {statement.lineno} is not of the form `name: type = literal  # what it is`"
    lines = [statement.lineno for statement in _tree(cell).body]
    if len(set(lines)) != len(lines):
        yield f"cell {number}: two parameters share a line; papermill reads one a line"


def _names(tree: ast.AST) -> set[str]:
    """Return every name that the code binds at any depth, imports and functions included."""
    bound = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    bound |= {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    return bound | {(node.asname or node.name) for node in ast.walk(tree) if isinstance(node, ast.alias)}


def not_rebound(chapter: Chapter) -> Iterator[str]:
    """Refuse a cell that gives a parameter another value: a re-run would then not be what it says."""
    cells = list(chapter.cells("code"))
    given = set().union(*(_names(_tree(cell)) for _, cell in cells if "parameters" in tags(cell)))
    for number, cell in cells:
        for name in sorted(given & _names(_tree(cell)) if "parameters" not in tags(cell) else set()):
            yield f"cell {number}: binds the parameter {name!r} again; use another name"


def no_semicolon(chapter: Chapter) -> Iterator[str]:
    """Refuse a trailing semicolon: under nbval it hides nothing, so the outputs differ."""
    for number, cell in chapter.cells("code"):
        if cell.source.rstrip().endswith(";"):
            yield f"cell {number}: ends with ';'; end with plt.show() or assign to _"


def lengths(chapter: Chapter) -> Iterator[str]:
    """Refuse long cells and long functions: what is long belongs in emlib, where it is tested."""
    for number, cell in chapter.cells("code"):
        lines = len(cell.source.splitlines())
        if lines > CELL_LINES:
            yield f"cell {number}: has {lines} lines, at most {CELL_LINES}; split it or move code into emlib"
        for node in ast.walk(_tree(cell)):
            if isinstance(node, ast.FunctionDef) and _length(node) > FUNCTION_LINES:
                found = f"function {node.name} has {_length(node)} lines"
                yield f"cell {number}: {found}, at most {FUNCTION_LINES}; move it into emlib"


def _length(node: ast.FunctionDef) -> int:
    """Return the lines of a function, its docstring included."""
    return (node.end_lineno or node.lineno) - node.lineno + 1


def offline(chapter: Chapter) -> Iterator[str]:
    """Refuse imports that reach for the network or start other programs."""
    for number, cell in chapter.cells("code"):
        for node in ast.walk(_tree(cell)):
            named = [item.name for item in node.names] if isinstance(node, ast.Import) else []
            named += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            for name in sorted({name.partition(".")[0] for name in named} & NETWORK):
                yield f"cell {number}: imports {name}; a chapter uses neither the network nor other programs"


def local_random(chapter: Chapter) -> Iterator[str]:
    """Refuse global random state."""
    for number, cell in chapter.cells("code"):
        for found in GLOBAL_RANDOM.findall(cell.source):
            yield f"cell {number}: {found} uses global random state; take numpy.random.default_rng(seed)"


RULES = [plain_python, parameters_cell, not_rebound, no_semicolon, lengths, offline, local_random]
