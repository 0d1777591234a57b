"""Rules about the notebook as a file: format, metadata, and outputs that belong to the code."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Iterator
from typing import Any

import jupytext
import nbformat

import chapters
from rules.chapter import Chapter, tags

NOTEBOOK_KEYS = {"kernelspec", "language_info", "emlib"}
CELL_KEYS = {"tags", "mystnb", "editable"}
OUTPUT_KEYS = {"scrapbook", "needs_background", "image/png", "image/svg+xml"}
TAGS = {
    "parameters", "hide-input", "hide-output", "hide-cell", "remove-input", "remove-output", "remove-cell",
    "full-width", "scroll-output",
}  # fmt: skip


def valid_format(chapter: Chapter) -> Iterator[str]:
    """Refuse what is not a valid notebook of version 4.5 or later."""
    if (chapter.notebook.nbformat, chapter.notebook.nbformat_minor) < (4, 5):
        yield "notebook format is older than 4.5, so cells have no ids; save it with a current Jupyter"
        return
    try:
        with warnings.catch_warnings(action="ignore"):  # repeated ids have a rule of their own
            nbformat.validate(copy.deepcopy(chapter.notebook))  # it repairs what it is given
    except nbformat.ValidationError as error:
        yield f"not a valid notebook: {str(error).splitlines()[0]}"


def unique_ids(chapter: Chapter) -> Iterator[str]:
    """Refuse two cells with one id."""
    ids = [cell.get("id") for cell in chapter.notebook.cells]
    for repeated in sorted({name for name in ids if name is not None and ids.count(name) > 1}):
        yield f"cell id {repeated!r} stands more than once; give each cell an id of its own"


def fresh_outputs(chapter: Chapter) -> Iterator[str]:
    """Refuse outputs that another version of the code produced."""
    stored = chapter.notebook.metadata.get("emlib", {}).get("code")
    if stored != chapters.code_hash(chapter.notebook):
        number = chapter.path.stem.partition("_")[0]
        yield f"the outputs were made by other code; run: make refresh CHAPTER={number}"


def counted(chapter: Chapter) -> Iterator[str]:
    """Refuse cells that were not run once each, from the top."""
    for expected, (number, cell) in enumerate(chapter.cells("code"), start=1):
        if cell.execution_count != expected:
            yield f"cell {number}: execution count is {cell.execution_count}, expected {expected}; refresh the chapter"


def no_errors(chapter: Chapter) -> Iterator[str]:
    """Refuse error outputs and anything on stderr."""
    for number, output in chapter.outputs():
        if output.output_type == "error":
            yield f"cell {number}: holds the error {output.ename}; mend the cell and refresh"
        if output.output_type == "stream" and output.name == "stderr":
            yield f"cell {number}: wrote to stderr ({output.text.strip()[:60]!r}); find and remove the warning's cause"


def metadata(chapter: Chapter) -> Iterator[str]:
    """Refuse metadata that a run or an editor leaves behind."""
    yield from _strange("notebook", chapter.notebook.metadata, NOTEBOOK_KEYS)
    if set(chapter.notebook.metadata.get("language_info", {})) - {"name"}:
        yield "language_info holds more than the language's name; refresh the chapter"
    if chapter.notebook.metadata.get("kernelspec", {}).get("name") != "python3":
        yield "the kernel is not named python3; choose the plain Python 3 kernel"
    for number, cell in enumerate(chapter.notebook.cells, start=1):
        yield from _strange(f"cell {number}", cell.metadata, CELL_KEYS)
    for number, output in chapter.outputs():
        yield from _strange(f"cell {number}, output", output.get("metadata", {}), OUTPUT_KEYS)


def _strange(where: str, found: Any, allowed: set[str]) -> Iterator[str]:
    """Name the keys that are not on the short list."""
    for key in sorted(set(found) - allowed):
        yield f"{where}: metadata {key!r} is not kept in this book; allowed are {', '.join(sorted(allowed))}"


def known_tags(chapter: Chapter) -> Iterator[str]:
    """Refuse tags off the list: those that switch checks off, and misspelt ones."""
    for number, cell in enumerate(chapter.notebook.cells, start=1):
        for tag in sorted(set(tags(cell)) - TAGS):
            yield f"cell {number}: tag {tag!r} is unknown here; allowed are {', '.join(sorted(TAGS))}"


def round_trip(chapter: Chapter) -> Iterator[str]:
    """Refuse what does not survive being edited as Markdown."""
    text = jupytext.writes(chapter.notebook, fmt="md:myst")
    back = jupytext.reads(text, fmt="md:myst")
    here, there = ([(cell.cell_type, cell.source) for cell in book.cells] for book in (chapter.notebook, back))
    if here != there:
        differing = [k for k, (a, b) in enumerate(zip(here, there, strict=False), 1) if a != b]
        yield f"cell {(differing or [len(there)])[0]} changes when edited as Markdown; look for stray fences or spaces"


RULES = [unique_ids, fresh_outputs, counted, no_errors, metadata, known_tags, round_trip]
