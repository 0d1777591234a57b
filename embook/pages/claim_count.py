"""The role ``{claim-count}``: how many rows of the ledger have a verdict, counted while the book is built.

In MyST ``{claim-count}`false` `` becomes the number of rows found false, and ``{claim-count}`all` `` that of all rows.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util import logging

from embook.ledger.collect import collect, sources
from embook.pages.ledger_page import VERDICTS

__all__ = ["setup"]

ALL = "all"
log = logging.getLogger(__name__)


def count_role(
    name: str, rawtext: str, text: str, lineno: int, inliner: Any, options: Any = None, content: Any = None
) -> tuple[list[nodes.Node], list[Any]]:
    """Return the number of rows with a verdict as text; the page depends on every chapter and registry file."""
    env = inliner.document.settings.env
    folder = Path(env.srcdir)
    if text not in (ALL, *VERDICTS):
        known = ", ".join((ALL, *VERDICTS))
        log.warning("claim-count is %r: use one of %s", text, known, location=(env.docname, lineno))
        return [nodes.Text(text)], []
    for path in sources(folder):
        env.note_dependency(str(path))
    counts = Counter(entry["verdict"] for entry in collect(folder).claims)
    return [nodes.Text(str(counts.total() if text == ALL else counts[text]))], []


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the role."""
    app.add_role("claim-count", count_role)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
