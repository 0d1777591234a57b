"""Exercises that a notebook checks: ``embook.check("ex-1-2", answer)`` says right, or what is off.

The exercises of chapter 1 stand in `chapter_01`: for each the right answer, and the answers that known slips give, each
with a sentence that helps. A test answers every exercise rightly and with every slip. This folder imports `emlib` and
`embook.format`, and `embook` alone imports it.
"""

from __future__ import annotations

import re
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from embook.exercises.exercise import Exercise, told

__all__ = ["check", "exercises"]

NAME = re.compile(r"ex-(\d+)-(\d+)")


def check(name: str, answer: Any = None) -> None:
    """Print whether the answer to an exercise is right, or what is off.

    Parameters
    ----------
    name : str
        ``ex-1-2`` for exercise 1.2.
    answer : number, sequence, array or function, optional
        What the reader found; None and ``...`` count as not answered yet.

    Raises
    ------
    ValueError
        If no exercise of that name is checked.
    """
    found = NAME.fullmatch(name)
    known = exercises(int(found[1])) if found else {}
    if found is None or int(found[2]) not in known:
        have = ", ".join(f"ex-{found[1]}-{number}" for number in sorted(known)) if found else ""
        raise ValueError(f"name is {name!r}: " + (f"checked are {have}" if have else "write it as ex-1-2"))
    print(f"{name}: {told(known[int(found[2])], answer)}")


def exercises(chapter: int) -> dict[int, Exercise]:
    """Return the checked exercises of a chapter by their number, none where it has none."""
    module = f"embook.exercises.chapter_{chapter:02d}"
    return dict(import_module(module).EXERCISES) if find_spec(module) else {}
