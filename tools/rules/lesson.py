"""Rules for the chapters that ``tools/lessons.txt`` names: code that a student reads, exercises that are checked.

What is visible is what no tag hides and no ``{fold-rest}`` folds. The page itself is measured by `lesson_page`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rules.chapter import Chapter, tags

LIST = Path(__file__).parents[1] / "lessons.txt"
WIDTH = 84
SMALL_TEXT = re.compile(r"""(?:font|label)size\s*=\s*(?:["'](?:xx?-)?small["']|\d(?:\.\d*)?(?=[,)]))""")
VISIBLE_CELLS = 12
VISIBLE_LINES = 12
HIDDEN = {"hide-input", "hide-cell", "remove-input", "remove-cell"}
MARKS = re.compile(r"^(?:(#{1,6} )|[`:]{3,}\{(fold-rest|fold-end)\})", re.MULTILINE)
EXERCISE = re.compile(r"^[`:]{3,}\{exercise\}", re.MULTILINE)
CHECKED = re.compile(r"\bembook\.check\(\s*[\"']ex-(\d+)-(\d+)[\"']")


def lessons(path: Path = LIST) -> list[str]:
    """Return the numbers of the chapters in the form of a lesson."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]


def is_lesson(chapter: Chapter) -> bool:
    """Return whether a chapter is on the list."""
    return chapter.path.name.partition("_")[0] in lessons()


def visible(chapter: Chapter) -> Iterator[tuple[int, Any]]:
    """Yield number and code cell for each whose code a reader sees without opening anything."""
    folded = False
    for number, cell in enumerate(chapter.notebook.cells, start=1):
        if cell.cell_type == "markdown":
            for heading, mark in MARKS.findall(cell.source):
                folded = mark == "fold-rest" and not heading
        elif not folded and not HIDDEN & set(tags(cell)):
            yield number, cell


def narrow_code(chapter: Chapter) -> Iterator[str]:
    """Refuse lines that the column of a page cuts off."""
    for number, cell in chapter.cells("code") if is_lesson(chapter) else ():
        for line in cell.source.splitlines():
            if len(line) > WIDTH:
                yield f"cell {number}: a line of {len(line)} characters, at most {WIDTH} fit the page: {line[:40]!r}"


def small_text(chapter: Chapter) -> Iterator[str]:
    """Refuse text in pictures below the usual size: on a telephone they have two thirds of their width."""
    for number, cell in chapter.cells("code"):
        for found in SMALL_TEXT.finditer(cell.source):
            yield f"cell {number}: text of {found[0]!r} cannot be read on a telephone; leave the usual size"


def little_code(chapter: Chapter) -> Iterator[str]:
    """Refuse more visible code than a student reads: fold the rest, or move it into the package."""
    cells = list(visible(chapter)) if is_lesson(chapter) else []
    if len(cells) > VISIBLE_CELLS:
        yield f"shows {len(cells)} code cells, at most {VISIBLE_CELLS}; fold those that teach nothing"
    for number, cell in cells:
        lines = len(cell.source.splitlines())
        if lines > VISIBLE_LINES:
            yield f"cell {number}: shows {lines} lines, at most {VISIBLE_LINES}; fold it or split it"


def checked_exercises(chapter: Chapter) -> Iterator[str]:
    """Refuse a check that does not stand behind its exercise: its name holds the number that the page shows."""
    count, own = 0, chapter.path.name.partition("_")[0]
    for number, cell in enumerate(chapter.notebook.cells, start=1):
        if cell.cell_type == "markdown":
            count += len(EXERCISE.findall(cell.source))
            continue
        for home, exercise in CHECKED.findall(cell.source):
            if f"{int(home):02d}" != own or int(exercise) != count:
                yield f"cell {number}: checks ex-{home}-{exercise} behind exercise {count} of chapter {own}"


RULES = [narrow_code, small_text, little_code, checked_exercises]
