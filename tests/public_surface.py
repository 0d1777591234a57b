"""Lists the names and signatures that others rely on; `python -m tests.public_surface` writes them down anew."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from emlib.model import LatentVariableModel

RECORD = Path(__file__).with_name("public_surface.txt")
MODULES = ("emlib", "emlib.models", "emlib.algorithms", "emlib.diagnostics", "emlib.blocks", "emlib.families")


def described() -> list[str]:
    """One line for each public name: functions and methods with their parameters, classes with their fields."""
    return [line for module in MODULES for line in _module(importlib.import_module(module))]


def _module(module: Any) -> Iterator[str]:
    for name in sorted(module.__all__):
        yield from _object(f"{module.__name__}.{name}", getattr(module, name))


def _object(path: str, thing: Any) -> Iterator[str]:
    if inspect.ismodule(thing):
        yield path
        return
    if not inspect.isclass(thing):
        yield path + _parameters(thing)
        return
    if issubclass(thing, Enum):
        yield f"{path}: {', '.join(member.name for member in thing)}"
        return
    yield path + (_fields(thing) if is_dataclass(thing) else _parameters(thing))
    for name, member in sorted(_members(thing).items()):
        is_value = isinstance(member, property) or not callable(getattr(thing, name))
        yield f"{path}.{name}" + ("" if is_value else _parameters(getattr(thing, name)))


def _fields(thing: type) -> str:
    """Names of a dataclass's fields, keyword-only ones after a star."""
    placed = [f.name for f in fields(thing) if not f.kw_only]
    named = [f.name for f in fields(thing) if f.kw_only]
    return f"({', '.join(placed + (['*', *named] if named else []))})"


def _members(thing: type) -> dict[str, Any]:
    """Public members, inherited ones included, without the fields and without what the protocol gives every model."""
    own = {f.name for f in fields(thing)} if is_dataclass(thing) else set()
    found: dict[str, Any] = {}
    for base in reversed(thing.__mro__):
        if base.__module__.startswith("emlib") and (base is thing or base is not LatentVariableModel):
            public = {name: member for name, member in vars(base).items() if not name.startswith("_")}
            found |= {name: member for name, member in public.items() if name not in own}
    return found


def _parameters(function: Any) -> str:
    """Names and defaults, annotations left out: `(x, coordinates='free')`."""
    parts, starred = [], False
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind is parameter.KEYWORD_ONLY and not starred:
            parts.append("*")
            starred = True
        default = "" if parameter.default is parameter.empty else f"={_default(parameter.default)}"
        parts.append({parameter.VAR_POSITIONAL: "*", parameter.VAR_KEYWORD: "**"}.get(parameter.kind, "")
                     + parameter.name + default)
    return f"({', '.join(parts)})"


def _default(value: Any) -> str:
    return str(value.__name__) if callable(value) else repr(value)


if __name__ == "__main__":
    RECORD.write_text("\n".join(described()) + "\n", encoding="utf-8")
