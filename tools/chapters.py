"""Chapters as notebooks: finding, reading and writing them, their code's digest, their clean outputs."""

from __future__ import annotations

import ast
import copy
import hashlib
import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import nbformat

from embook.contents import notebooks
from embook.context import literals
from setup_env import ROOT

Notebook = Any  # nbformat.NotebookNode is untyped
SEEN_BY_RUNS = ["emlib", "embook", "claims", "requirements.txt"]  # beside a chapter's own code
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}


def listed(root: Path = ROOT) -> list[Path]:
    """Return the notebooks of the table of contents, in its order."""
    return notebooks(root)


def find(name: str, root: Path = ROOT) -> Path:
    """Return the chapter that ``05``, ``5``, ``05_projection_matrix`` or a path names."""
    stem = Path(name).name.removesuffix(".ipynb")
    wanted = f"{int(stem):02d}" if stem.isdigit() else stem
    every = sorted((root / "chapters").glob("*.ipynb"))
    found = [path for path in every if path.stem == wanted or path.stem.startswith(f"{wanted}_")]
    if len(found) != 1:
        known = ", ".join(path.stem for path in every) or "none"
        raise SystemExit(f"chapter {name!r}: {len(found)} notebooks match; name one of: {known}")
    return found[0]


def read(path: Path) -> Notebook:
    """Read a notebook as version 4."""
    return nbformat.reader.reads(path.read_text(encoding="utf-8"))  # nbformat.read would repair some faults


def text(notebook: Notebook) -> str:
    """Return a notebook as the text of its file."""
    return str(nbformat.writes(notebook)) + "\n"


def write(notebook: Notebook, path: Path) -> None:
    """Write a notebook whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        partial.write_text(text(notebook), encoding="utf-8")
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def code_cells(notebook: Notebook) -> list[Any]:
    """Return the code cells in order."""
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def code_hash(notebook: Notebook) -> str:
    """Digest the code cells and their tags; neither prose nor outputs take part."""
    parts = [[cell.source.rstrip(), sorted(cell.metadata.get("tags", []))] for cell in code_cells(notebook)]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]


def surroundings(root: Path = ROOT) -> str:
    """Digest what all chapters rest on: the package with its data, the claims, the lock."""
    digest = hashlib.sha256()
    for path in (path for name in SEEN_BY_RUNS for path in files_under(root / name)):
        digest.update(f"{path.relative_to(root)}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def files_under(path: Path) -> list[Path]:
    """Return a file, or the files under a folder without caches."""
    if not path.is_dir():
        return [path] if path.exists() else []
    hidden = {"__pycache__", ".ipynb_checkpoints"}
    return [item for item in sorted(path.rglob("*")) if item.is_file() and not hidden & set(item.parts)]


def fingerprint(notebook: Notebook, around: str) -> str:
    """Return the key of the run cache: the same key means the same outputs."""
    return f"{code_hash(notebook)}-{around}"


def is_parameter(statement: ast.stmt) -> bool:
    """Return whether papermill and the ledger can both read this statement."""
    if not isinstance(statement, ast.AnnAssign) or not isinstance(statement.target, ast.Name):
        return False
    try:
        ast.literal_eval(statement.value or ast.Name("missing"))
    except ValueError:
        return False
    return statement.lineno == statement.end_lineno


def parameters(notebook: Notebook) -> dict[str, Any]:
    """Return the literals of the cell tagged ``parameters``, by name."""
    cells = [cell for cell in code_cells(notebook) if "parameters" in cell.metadata.get("tags", [])]
    return {name: value for cell in cells for name, value in literals(cell.source)}


NUMBER = r"-?\d+(?:\.\d+)?(?:e-?\d+)?"
RANGE = re.compile(rf"from ({NUMBER})(?: to ({NUMBER}))?$")  # at the end of a parameter's comment


def fitting(notebook: Notebook, given: Mapping[str, Any], chapter: str) -> dict[str, Any]:
    """Return given values as the types that a chapter declares for them, 1e2 as the integer 100.

    Raises
    ------
    ValueError
        Naming the chapter and the parameter, for one that it lacks, another type, or a value out of the stated range.
    """
    declared, found = _declared(notebook), {}
    for name, value in given.items():
        if name not in declared:
            raise ValueError(f"{name}: chapter {chapter} has no such parameter; there are {sorted(declared)}")
        kind = declared[name].partition(":")[2].partition("=")[0].strip()
        found[name] = _as_kind(value, kind, f"{name} of chapter {chapter}")
        low, high = stated_range(declared[name]) or (-float("inf"), float("inf"))
        if kind in ("int", "float") and not low <= found[name] <= high:
            limits = f"from {low:g}" + (f" to {high:g}" if high < float("inf") else " on")
            raise ValueError(f"{name} of chapter {chapter}: {value!r} found, it goes {limits}")
    return found


def _declared(notebook: Notebook) -> dict[str, str]:
    """Return the lines of the cell tagged ``parameters``, by the name that each declares."""
    lines = [line for cell in code_cells(notebook) if "parameters" in cell.metadata.get("tags", [])
             for line in cell.source.splitlines()]
    return {line.partition(":")[0]: line for line in lines if ":" in line.partition("=")[0]}


def stated_range(line: str) -> tuple[float, float] | None:
    """Return the least and the largest value that the line of a parameter allows; None where it states no range."""
    stated = RANGE.search(line.partition("#")[2].strip())
    return (float(stated[1]), float(stated[2] or "inf")) if stated else None


def ranges(notebook: Notebook) -> dict[str, tuple[float, float] | None]:
    """Return the stated range of each number among the parameters."""
    numbers = {name for name, value in parameters(notebook).items() if type(value) in (int, float)}
    return {name: stated_range(line) for name, line in _declared(notebook).items() if name in numbers}


def _as_kind(value: Any, kind: str, name: str) -> Any:
    """Return a value as its declared type, where nothing of it is lost."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if kind == "float" and number:
        return float(value)
    if kind == "int" and number and float(value).is_integer():
        return int(value)
    if type(value).__name__ != kind:
        raise ValueError(f"{name}: {value!r} found, of type {type(value).__name__}; it is declared as {kind}")
    return value


def with_outputs(source: Notebook, run: Notebook) -> Notebook:
    """Return the source's prose and cell metadata with the outputs of a run of the same code.

    Nothing of the run's metadata is taken over, so times, paths and versions cannot slip in.
    """
    book = copy.deepcopy(source)
    for count, (cell, done) in enumerate(zip(code_cells(book), code_cells(run), strict=True), start=1):
        cell.outputs = [_clean(output, count) for output in done.outputs]
        cell.execution_count = count
    book.metadata.clear()  # editors leave marks of their own
    book.metadata.update(kernelspec=dict(KERNEL), language_info={"name": "python"}, emlib={"code": code_hash(source)})
    return book


def _clean(output: Any, count: int) -> Any:
    """Number results by their cell and drop what only a live page needs."""
    clean = copy.deepcopy(output)
    clean.pop("transient", None)
    if clean.output_type == "execute_result":
        clean.execution_count = count
    return clean
