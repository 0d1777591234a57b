"""The surroundings of a running notebook: its book, its committed chapter, and the parameters that differ.

A kernel knows neither its notebook's path nor that papermill injected a cell.  What works without boilerplate in a
chapter: walk up to the book's folder, find the chapter that the registry names as home of the claim, read its
``parameters`` cell as literals, and compare with the names that the kernel holds.
"""

from __future__ import annotations

import ast
import json
import os
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

__all__ = ["MIME", "book_folder", "changed_parameters", "chapter_file", "literals", "outputs", "parameters_of",
           "recorded"]

MIME = "application/vnd.emlib.claim+json"


def book_folder(start: Path | None = None) -> Path:
    """Find the folder that holds ``_config.yml`` and ``claims``: upwards from here, else above this package.

    The environment variable ``EMLIB_BOOK`` overrides the search.
    """
    if named := os.environ.get("EMLIB_BOOK"):
        return Path(named)
    here = (start or Path.cwd()).resolve()
    for folder in (here, *here.parents):
        if (folder / "_config.yml").is_file() and (folder / "claims").is_dir():
            return folder
    return Path(__file__).resolve().parents[1]


def chapter_file(folder: Path, chapter: int) -> Path | None:
    """Return the notebook of a chapter, found by its number, or None."""
    found = sorted((folder / "chapters").glob(f"{chapter:02d}_*.ipynb"))
    return found[0] if found else None


def cells(path: Path) -> list[dict[str, Any]]:
    """Read the cells of a notebook, each with its source as one text; an unchanged file is read once."""
    return _cells(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=32)
def _cells(path: Path, changed: int) -> list[dict[str, Any]]:
    content = json.loads(path.read_text(encoding="utf-8"))
    return [{**cell, "source": "".join(cell["source"])} for cell in content["cells"]]


def outputs(path: Path) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Yield each claim record of a notebook with the cell that left it."""
    for cell in cells(path):
        for output in cell.get("outputs", []):
            if MIME in output.get("data", {}):
                yield output["data"][MIME], cell


def parameters_of(path: Path) -> dict[str, Any]:
    """Read the literals of the cell tagged ``parameters``; anything that is no literal is left out."""
    for cell in cells(path):
        if "parameters" in cell.get("metadata", {}).get("tags", []):
            return dict(literals(cell["source"]))
    return {}


def literals(source: str) -> Iterator[tuple[str, Any]]:
    """Yield name and value of each assignment of a literal; anything else is left out."""
    for node in ast.parse(source).body:
        if not isinstance(node, ast.Assign | ast.AnnAssign) or node.value is None:
            continue
        target = node.target if isinstance(node, ast.AnnAssign) else node.targets[0]
        try:
            yield ast.unparse(target), ast.literal_eval(node.value)
        except ValueError:
            continue


def changed_parameters(path: Path, names: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters whose value in ``names`` is not the literal of the committed chapter."""
    return {key: names[key] for key, literal in parameters_of(path).items() if key in names and names[key] != literal}


def recorded(path: Path, identifier: str) -> dict[str, Any] | None:
    """Return the committed record of a claim, or None."""
    return next((record for record, _ in outputs(path) if record.get("id") == identifier), None)
