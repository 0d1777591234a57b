"""The protocol that is written is the one that is used: no member of a model is asked for by a probe."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from emlib.model import LatentVariableModel
from emlib.models import FactorAnalysis, GaussianMixture, PoissonHMM

PACKAGE = Path(__file__).resolve().parent.parent / "emlib"
# Where users' own objects come in, whose kind is not known: data, starts, algorithms.
DOORS = {"data/sequences.py", "data/chunks.py", "backends/dask.py", "algorithms/base.py", "fit.py",
         "fitting/checkpoint.py"}


def probes(source: str) -> Iterator[str]:
    """Yield each call that asks whether an object has a member, or for a member that may be absent."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            absent = node.func.id == "getattr" and len(node.args) == 3
            if node.func.id == "hasattr" or absent:
                yield f"line {node.lineno}: {ast.unparse(node)}"


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_member_is_probed(path: Path) -> None:
    name = str(path.relative_to(PACKAGE))
    assert name in DOORS or list(probes(path.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize("source", [
    "cost = getattr(model, 'missing_information_cost', None)", "if hasattr(model, 'separate'): pass",
])
def test_a_probe_is_found(source: str) -> None:
    assert len(list(probes(source))) == 1
    assert list(probes("value = getattr(params, name)")) == []


@pytest.mark.parametrize(("model", "has", "has_not"), [
    (GaussianMixture(2, 1), "missing_information", "cm_steps"),
    (FactorAnalysis(4, 1), "cm_steps", "expanded_m_step"),
    (PoissonHMM(2), "posterior", "missing_information"),
])
def test_a_model_says_what_it_supplies(model: LatentVariableModel, has: str, has_not: str) -> None:
    assert model.supplies(has)
    assert not model.supplies(has_not)
    wanted: Any = getattr(model, has_not)
    with pytest.raises(TypeError, match=f"model: {type(model).__name__} has no `{has_not}`"):
        wanted(*[None] * (1 if has_not == "expanded_m_step" else 2))
