"""The role ``{claim}``: a claim as a chip in the sentence that it concerns, with its verdict.

In MyST ``{claim}`S096` `` becomes a link to the place of the claim, "S096 holds ✓"; statement and measured value are
its title, which the script of the pages shows to the mouse, the keyboard and a finger.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util import logging

from embook.context import chapter_file, recorded
from embook.ledger.card import words
from embook.ledger.registry import Row, load

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
    row = next((row for row in load(folder)[0] if row.id == text), None)
    path = chapter_file(folder, row.chapter) if row else None
    if row is None or path is None:
        log.warning("claim %s is linked but not registered: spell its id right", text, location=(env.docname, lineno))
        return [nodes.Text(text)], []
    env.note_dependency(str(path))  # what was measured stands there
    page = env.app.builder.get_relative_uri(env.docname, f"chapters/{path.stem}")
    verdict = nodes.inline(text=f" {row.verdict}{MARKS.get(row.verdict, '')}", classes=["emlib-chip-verdict"])
    title = told(row, measured(path, path.stat().st_mtime_ns, row.id))
    chip = nodes.reference(rawtext, "", nodes.Text(text), verdict, refuri=f"{page}#{row.anchor}", internal=True,
                           reftitle=title, classes=["emlib-chip", f"emlib-{row.verdict}"])
    return [chip], []


@lru_cache(maxsize=1024)
def measured(path: Path, changed: int, identifier: str) -> str:
    """Return what a chapter's committed run measured, in words; nothing for a claim that is settled by text."""
    record = recorded(path, identifier)
    value = record["measured"] if record else None
    return "" if value is None else words(value)


def told(row: Row, value: str) -> str:
    """Return statement, verdict and measured value as one text."""
    shown = value if len(value) <= LENGTH else value[:LENGTH].rpartition(" ")[0] + " …"
    return " ".join([row.statement, f"Verdict: {row.verdict}.", *([f"Measured: {shown}."] if value else [])])


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the role."""
    app.add_role("claim", claim_role)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
