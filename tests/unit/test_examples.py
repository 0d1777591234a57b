"""Every example in a docstring runs and prints what it says."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
from types import ModuleType

import pytest

import emlib

MODULES = sorted(found.name for found in pkgutil.walk_packages(emlib.__path__, "emlib.")
                 if not found.name.startswith(("embook", "emlib.backends")))


def marks(name: str) -> tuple[pytest.MarkDecorator, ...]:
    """All kernels import Numba, except for their arguments and for the rules where they serve."""
    needs_numba = name.startswith("emlib.kernels.") and not name.endswith((".arguments", ".dispatch"))
    return (pytest.mark.extras,) if needs_numba else ()


def failures(module: ModuleType) -> list[str]:
    """What the examples of a module print that they should not, one text for each that fails."""
    told: list[str] = []
    for test in doctest.DocTestFinder(exclude_empty=True).find(module):
        doctest.DocTestRunner(verbose=False).run(test, out=told.append)
    return told


@pytest.mark.parametrize("name", [pytest.param(name, marks=marks(name)) for name in MODULES])
def test_examples_run(name: str) -> None:
    assert failures(importlib.import_module(name)) == []


def test_an_example_that_is_wrong_is_noticed() -> None:
    module = ModuleType("wrong", ">>> 1 + 1\n3\n")
    assert len(failures(module)) == 1


def test_every_model_has_an_example() -> None:
    """Every model shows how it is used."""
    without = [name for name in emlib.models.__all__ if ">>>" not in (getattr(emlib.models, name).__doc__ or "")]
    assert without == []
