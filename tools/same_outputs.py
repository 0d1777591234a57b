"""Compare a cell's outputs with the committed ones by what they show to a reader.

Processors and versions of libraries differ in the last digits. What a reader can see must not: words, numbers and
tables are compared exactly, pictures by what they show (`same_picture`, `same_pixels`, `same_explorable`).
`conftest.py` makes ``pytest --nbval`` compare in this way.
"""

from __future__ import annotations

import copy
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import cache
from importlib.metadata import version
from typing import Any

import same_explorable
import same_picture
import same_pixels
from chapters import code_cells
from setup_env import ROOT

Outputs = list[Any]  # of nbformat.NotebookNode, which is untyped
Fields = dict[str, list[tuple[Any, str]]]  # for each kind of content, the dictionaries that hold it and their keys
UNCOMPARED = {"application/vnd.jupyter.widget-view+json"}  # holds a random number


def by_cell(committed: Any, run: Any, first: int = 0) -> Iterator[str]:
    """Yield what two runs of one notebook show differently, each with its code cell, counted from `first`."""
    pairs = zip(code_cells(committed), code_cells(run), strict=True)
    yield from (f"code cell {place}: {words}" for place, (one, other) in enumerate(pairs, first)
                for words in differences(one.outputs, other.outputs))


def differences(committed: Outputs, new: Outputs) -> list[str]:
    """Return what differs between the outputs of one cell, in words; nothing when they show the same."""
    return compared(committed, new)[1]


def compared(committed: Outputs, new: Outputs) -> tuple[Outputs, list[str]]:
    """Return the new outputs, with the committed text wherever that shows the same, and what differs, in words.

    As in nbval, outputs are paired within their kind: the second table with the second table. What a cell prints in a
    row is one text: into how many messages the kernel cuts it is a matter of time.
    """
    result, found = _joined(new), []
    before, after = _fields(_joined(committed)), _fields(result)
    for kind in sorted({*before, *after} - UNCOMPARED):
        one, two = before.get(kind, []), after.get(kind, [])
        if len(one) != len(two):
            found.append(f"{kind}: there are {len(two)} instead of {len(one)}")
            continue
        for (old, key), (box, place) in zip(one, two, strict=True):
            said = _difference(kind, old[key], box[place])
            found += [f"{kind}: {words}" for words in said]
            if not said:
                box[place] = old[key]
    return result, found


def _joined(outputs: Outputs) -> Outputs:
    """Return a copy in which messages of one stream in a row are one."""
    result: Outputs = []
    for output in copy.deepcopy(outputs):
        last = result[-1] if result else {}
        if output["output_type"] == "stream" and last.get("name") == output["name"]:
            last["text"] = last["text"] + output["text"]
        else:
            result.append(output)
    return result


def _fields(outputs: Outputs) -> Fields:
    """Return where the contents of outputs are, by their kind: a mime type, a stream, an error."""
    fields: Fields = defaultdict(list)
    for output in outputs:
        if output["output_type"] == "stream":
            fields[output["name"]].append((output, "text"))
        for key in {"ename", "evalue"} & set(output):
            fields[key].append((output, key))
        for kind in output.get("data", {}):
            fields[kind].append((output["data"], kind))
    return fields


def _difference(kind: str, one: Any, two: Any) -> list[str]:
    """Return how two contents of one kind differ, or nothing."""
    if one == two or (kind != "image/png" and _sanitised(one) == _sanitised(two)):
        return []
    if rule := _rule(kind, one, two):
        return rule(one, two)
    return [same_explorable.first_difference(str(_sanitised(one)), str(_sanitised(two)))]


def _rule(kind: str, one: Any, two: Any) -> Callable[[str, str], list[str]] | None:
    """Return how contents of this kind are compared where they are not the same text."""
    if kind == "image/svg+xml":
        return same_picture.differences
    if kind == "image/png":
        return same_pixels.differences if _has_locked_matplotlib() else lambda one, two: []
    is_explorable = kind == "text/html" and all(map(same_explorable.is_explorable, (one, two)))
    return same_explorable.differences if is_explorable else None


@cache
def _has_locked_matplotlib() -> bool:
    """Return whether Matplotlib here is of the locked minor version: another one draws letters in other pixels."""
    lock = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    locked = re.search(r"^matplotlib==(\d+\.\d+)", lock, flags=re.MULTILINE)
    return locked is not None and version("matplotlib").startswith(f"{locked[1]}.")


def _sanitised(content: Any) -> Any:
    """Return a text as nbval compares it, after the replacements of ``nbval_sanitize.cfg``."""
    for pattern, replacement in _replacements() if isinstance(content, str) else ():
        content = re.sub(pattern, replacement, content)
    return content


@cache
def _replacements() -> list[tuple[str, str]]:
    text = (ROOT / "nbval_sanitize.cfg").read_text(encoding="utf-8")
    return re.findall(r"^regex: (.*)$\n^replace: (.*)$", text, flags=re.MULTILINE)
