"""Who counts: the counters of a problem are written by the problem alone."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "emlib"
COUNTERS = {"n_estep", "n_mstep", "limit"}


def writes(source: str) -> Iterator[str]:
    """Each statement that sets a counter of an object, or changes it in place."""
    for node in ast.walk(ast.parse(source)):
        targets = node.targets if isinstance(node, ast.Assign) else (
            [node.target] if isinstance(node, ast.AugAssign | ast.AnnAssign) else [])
        for target in targets:
            if any(isinstance(part, ast.Attribute) and part.attr in COUNTERS for part in ast.walk(target)):
                yield f"line {target.lineno}: {ast.unparse(target)}"


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_only_a_problem_writes_its_counters(path: Path) -> None:
    assert path.name == "problem.py" or list(writes(path.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize("source", [
    "problem.n_estep += 1", "self._problem.n_mstep = 0", "problem.limit = first + budget",
    "problem.n_estep, other = 1, 2", "problem.limit: int = 3",
])
def test_a_write_is_found(source: str) -> None:
    assert len(list(writes(source))) == 1
    assert list(writes("spent = problem.n_estep - first")) == []
