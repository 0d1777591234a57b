"""The book's Sphinx extension: ledger page and judge, folded passages, no script from another host.

The extension collects from the folder being built, so that the project itself and its staging copy behave alike.
Every broken rule is a Sphinx warning; the book is built with warnings as errors.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from sphinx.application import Sphinx
from sphinx.util import logging

from emlib.report.context import MIME
from emlib.report.ledger import collect, write
from emlib.report.ledger_page import LedgerDirective

__all__ = ["ClaimRenderer", "setup"]

ASSETS = Path(__file__).parent / "assets"
SCRIPTS = ("page.js", "ledger.js")
log = logging.getLogger(__name__)


class ClaimRenderer:
    """Tell the notebook reader that a claim's record is known and shows nothing: its HTML stands beside it."""

    mime_priority_overrides: ClassVar[tuple[tuple[str, str, int | None], ...]] = ()

    @staticmethod
    def handle_mime(renderer: Any, data: Any, inline: bool) -> list[Any] | None:
        """Return no node for a claim's record, and leave every other type to the others."""
        return [] if data.mime_type == MIME else None


def configure(app: Sphinx, config: Any) -> None:
    """Add the style sheet, and a colour mode to start from: without it the theme complains on every page."""
    config.html_static_path.append(str(ASSETS / "embook.css"))
    config.html_context.setdefault("default_mode", "auto")


def judge_ledger(app: Sphinx, env: Any) -> list[str]:
    """Print one warning for each rule of the ledger that is broken."""
    for fault in collect(Path(app.srcdir)).faults:
        log.warning("ledger: %s", fault, type="emlib", subtype="ledger")
    return []


def write_ledger(app: Sphinx, exception: Exception | None) -> None:
    """Write the rows beside the pages, where readers and programs find them."""
    if exception is None and app.builder.format == "html":
        write(collect(Path(app.srcdir)), Path(app.outdir))


def drop_thebe(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """Remove the live-code scripts that Jupyter Book adds to every page: they name another host and fail twice."""
    context["script_files"] = [script for script in context.get("script_files", []) if not _is_thebe(script)]


def _is_thebe(script: Any) -> bool:
    attributes = getattr(script, "attributes", {})
    return "thebe" in f"{getattr(script, 'filename', script)} {attributes.get('body', '')}".lower()


def setup(app: Sphinx) -> dict[str, Any]:
    """Register everything with Sphinx."""
    app.add_directive("ledger", LedgerDirective)
    app.add_css_file("embook.css")
    for name in SCRIPTS:
        app.add_js_file(None, body=(ASSETS / name).read_text(encoding="utf-8"))
    # After the theme and its extensions have added theirs.
    app.connect("html-page-context", drop_thebe, priority=900)
    app.connect("config-inited", configure)
    app.connect("env-updated", judge_ledger)
    app.connect("build-finished", write_ledger)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
