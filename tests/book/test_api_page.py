"""The pages of reference hold what they promise: every public name with its arguments, and code that runs."""

from __future__ import annotations

import doctest
import importlib
import inspect
import re
from types import ModuleType
from typing import Any

import pytest

from emlib import Status
from setup_env import ROOT

API = (ROOT / "reference" / "api.md").read_text(encoding="utf-8")
MODULES = ["emlib", "emlib.models", "emlib.algorithms", "emlib.diagnostics", "emlib.datasets", "emlib.backends.dask",
           "emlib.backends.jax"]
SECTION = re.compile(r"^Module `(\S+)`\.$", re.MULTILINE)
ENTRY = re.compile(r"^`(\w+)(?:(\()(.*)\))?`\n: ", re.MULTILINE)
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def public(module: ModuleType) -> dict[str, Any]:
    """Return the public names: those of __all__, or the functions that the module defines."""
    names = getattr(module, "__all__", None)
    if names is not None:
        found = {name: getattr(module, name) for name in names}
    else:
        found = {name: value for name, value in vars(module).items() if inspect.isfunction(value)}
        found = {name: value for name, value in found.items() if value.__module__ == module.__name__}
    kept = {name: value for name, value in found.items() if name[0] != "_" and not inspect.ismodule(value)}
    return {f"{module.__name__}.{name}": value for name, value in kept.items()}


def arguments(value: Any) -> str | None:
    """Return the arguments as the page writes them, or None for what is not to be called."""
    if inspect.isclass(value) and (getattr(value, "_is_protocol", False) or hasattr(value, "__members__")):
        return None
    words: list[str] = []
    for name, argument in inspect.signature(value).parameters.items():
        if argument.kind is argument.KEYWORD_ONLY and "*" not in words:
            words.append("*")
        words.append(name)
    return ", ".join(words)


def listed(page: str) -> dict[str, str | None]:
    """Return the entries of a page under their full names, each with its arguments."""
    pieces = SECTION.split(page)
    return {
        f"{module}.{name}": inside if bracket else None
        for module, text in zip(pieces[1::2], pieces[2::2], strict=True)
        for name, bracket, inside in ENTRY.findall(text)
    }


def faults(page: str, names: dict[str, Any]) -> list[str]:
    """Return what the page lacks, what it has too much of, and the arguments that differ."""
    entries = listed(page)
    missing = [f"{name}: not on the page" for name in names if name not in entries]
    extra = [f"{name}: not in the package" for name in entries if name not in names]
    differ = [
        f"{name}: the page says ({entries[name]}), the package ({arguments(value)})"
        for name, value in names.items()
        if name in entries and entries[name] != arguments(value)
    ]
    return missing + extra + differ


def everything() -> dict[str, Any]:
    """Return the public names of all modules that the page covers."""
    return {name: value for module in MODULES for name, value in public(importlib.import_module(module)).items()}


def failures(page: str) -> list[str]:
    """Run a page's Python blocks in order and return those that print something else."""
    told: list[str] = []
    blocks = "\n".join(BLOCK.findall(page))
    test = doctest.DocTestParser().get_doctest(blocks, {}, "page", None, 0)
    doctest.DocTestRunner(verbose=False).run(test, out=told.append)
    return told


def test_the_page_lists_every_public_name_with_its_arguments() -> None:
    assert faults(API, everything()) == []
    assert [status.name for status in Status if f"`{status.name}`" not in API] == []


@pytest.mark.parametrize(
    ("old", "new", "word"),
    [
        ("`linkage()`\n: ", "", "emlib.datasets.linkage: not on the page"),
        ("\n## Models", "\n`gone(x)`\n: Left behind.\n\n## Models", "emlib.gone: not in the package"),
        ("LBFGS(history, metric", "LBFGS(metric, history", "emlib.algorithms.LBFGS: the page says"),
        ("data, params, *, method)", "data, params)", "emlib.diagnostics.information: the page says"),
    ],
)
def test_a_page_that_differs_is_caught(old: str, new: str, word: str) -> None:
    assert old in API
    assert any(fault.startswith(word) for fault in faults(API.replace(old, new, 1), everything()))


@pytest.mark.parametrize("name", ["README.md", "index.md", "reference/api.md", "reference/background.md"])
def test_the_code_of_a_page_runs(name: str) -> None:
    page = (ROOT / name).read_text(encoding="utf-8")
    assert BLOCK.search(page)
    for block in BLOCK.findall(page):
        if ">>>" not in block:
            exec(compile(block, name, "exec"), {})
    assert failures(page) == []


def test_code_that_prints_something_else_is_caught() -> None:
    assert ">>> round(found.rate, 4)\n0.9957\n" in API
    assert len(failures(API.replace("\n0.9957\n", "\n0.9958\n"))) == 1
