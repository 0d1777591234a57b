"""Numbers by chapter: theorem 7.2, figure 7.3 and equation (7.4) stand in chapter 7, and its title begins with 7.

A chapter's number is that of its file, ``07_missing_information``, so that a chapter that is still to be written leaves
a gap and moves no number. Sphinx's own numbered contents count without gaps; this extension puts the files' numbers in
their place and has Sphinx number figures, theorems, exercises and equations once more.
"""

from __future__ import annotations

import re
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.environment.collectors.toctree import TocTreeCollector

__all__ = ["number_of", "setup"]

CHAPTER = re.compile(r"(?:^|/)(\d\d)_\w+$")
AFTER_SPHINX = 900  # its own collector comes at 500


def number_of(page: str) -> int | None:
    """Return the number of a chapter, None for a page that is no chapter."""
    found = CHAPTER.search(page)
    return int(found[1]) if found else None


def number(app: Sphinx, env: BuildEnvironment) -> list[str]:
    """Number chapters by their files, then all that is numbered within them; return the pages to write."""
    for page, contents in env.tocs.items():
        chapter = number_of(page)
        if chapter is None:
            continue
        first, *others = contents.findall(nodes.reference)
        # sections have no number of their own, and must not take the chapter's
        env.toc_secnumbers[page] = {"": (chapter,), **{entry["anchorname"]: () for entry in others}}
        first["secnumber"] = [chapter]
        env.titles[page]["secnumber"] = [chapter]
    return TocTreeCollector().assign_figure_numbers(env)


def setup(app: Sphinx) -> dict[str, Any]:
    """Number after Sphinx has."""
    app.connect("env-get-updated", number, priority=AFTER_SPHINX)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
