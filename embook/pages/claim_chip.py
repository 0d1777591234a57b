"""The role ``{claim}``: a claim as a chip in the sentence that it concerns, with its verdict.

In MyST ``{claim}`S096` `` becomes a link to the place of the claim, "S096 holds ✓"; statement and measured value are
its title, which the script of the pages shows to the mouse, the keyboard and a finger.
"""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util import logging

from embook.context import chapter_file, recorded
from embook.ledger.card import words
from embook.ledger.registry import Row, row_of

__all__ = ["setup"]

MARKS = {"holds": " ✓", "false": " ✗"}
LENGTH = 240  # characters of a measured value that a title shows
log = logging.getLogger(__name__)


def claim_role(
    name: str, rawtext: str, text: str, lineno: int, inliner: Any, options: Any = None, content: Any = None
) -> tuple[list[Any], list[Any]]:
    """Link to the place of a claim, from any page."""
    env = inliner.document.settings.env
    folder = Path(env.srcdir)
    row = row_of(folder, text)
    path = chapter_file(folder, row.chapter) if row else None
    if row is None or path is None:
        log.warning("claim %s is linked but not registered: spell its id right", text, location=(env.docname, lineno))
        return [nodes.Text(text)], []
    env.note_dependency(str(path))  # what was measured stands there
    page = env.app.builder.get_relative_uri(env.docname, f"chapters/{path.stem}")
    verdict = nodes.inline(text=f" {row.verdict}{MARKS.get(row.verdict, '')}", classes=["emlib-chip-verdict"])
    chip = nodes.reference(rawtext, "", nodes.Text(text), verdict, refuri=f"{page}#{row.anchor}", internal=True,
                           reftitle=told(row, recorded(path, row.id)), classes=["emlib-chip", f"emlib-{row.verdict}"])
    return [chip], []


def told(row: Row, record: dict[str, Any] | None) -> str:
    """Return statement, verdict and, where there is one, the measured value as one text."""
    parts = [row.statement, f"Verdict: {row.verdict}."]
    if record and record["measured"] is not None:
        parts.append(f"Measured: {textwrap.shorten(words(record['measured']), LENGTH, placeholder=' …')}.")
    return " ".join(parts)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the role."""
    app.add_role("claim", claim_role)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
