"""The book's Sphinx extension: ledger page and judge, folded passages, no script from another host.

The extension collects from the folder being built, so that the project itself and its staging copy behave alike.
Every broken rule is a Sphinx warning; the book is built with warnings as errors.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, ClassVar

from sphinx.application import Sphinx
from sphinx.util import logging

from embook.context import MIME
from embook.ledger.collect import collect, write
from embook.pages.ledger_page import LedgerDirective

__all__ = ["ClaimRenderer", "setup"]

ASSETS = Path(__file__).parents[1] / "assets"
SCRIPTS = ("page.js", "chip.js", "ledger.js", "search.js")
REPEATED = re.compile(r' id="(?:proof|exercise|solution)-content"')
BOUND = re.compile(r"&lt; \d[\d.]*(?:e[-−]?\d+)?(?=[^<>]*<)")  # in text: no tag ends before the next one begins
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


def drop_thebe(app: Sphinx, config: Any) -> None:
    """Silence the live-code extension that Jupyter Book always loads: its script names another host and fails twice."""
    for event, listeners in app.events.listeners.items():
        app.events.listeners[event] = [one for one in listeners if one.handler.__module__ != "sphinx_thebe"]


def drop_thebe_style(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """Remove its style sheet, too, which it adds before anything can be silenced."""
    context["css_files"] = [style for style in context.get("css_files", []) if "thebe" not in str(style.filename)]


def mend_page(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """Mend what other extensions write: ids that repeat on a page, and labels that hide a button's own words.

    A bound such as "< 1e-8" stays on one line.
    """
    body = context.get("body", "")
    body = body.replace('class="proof admonition" id="proof"', 'class="proof admonition emlib-proof"')
    body = BOUND.sub(lambda found: f'<span class="emlib-unbroken">{found[0]}</span>', body)
    context["body"] = REPEATED.sub("", body).replace(' aria-label="Toggle hidden content"', "")


def setup(app: Sphinx) -> dict[str, Any]:
    """Register everything with Sphinx."""
    for name in ("claim_chip", "claim_count", "code_below", "numbering", "on_screen", "settled", "theorems"):
        app.setup_extension(f"embook.pages.{name}")
    app.add_directive("ledger", LedgerDirective)
    app.add_css_file("embook.css")
    for name in SCRIPTS:
        app.add_js_file(None, body=(ASSETS / name).read_text(encoding="utf-8"))
    # After the theme and its extensions have added theirs.
    app.connect("html-page-context", drop_thebe_style, priority=900)
    app.connect("html-page-context", mend_page, priority=900)
    app.connect("config-inited", configure)
    app.connect("config-inited", drop_thebe, priority=900)
    app.connect("env-updated", judge_ledger)
    app.connect("build-finished", write_ledger)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
