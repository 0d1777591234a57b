"""What search engines and those who share a link are told of a page: its title, once, and its first sentences."""

from __future__ import annotations

import re
import textwrap
from html import escape
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx

__all__ = ["setup"]

TWICE = re.compile(r"<title>\s*(.+?)\s*&#8212;\s*\1\s*</title>", re.DOTALL)
LENGTH = 200  # characters of a description that are shown by those who read it


def describe(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None) -> None:
    """Add description and Open Graph tags."""
    if doctree is None:
        return
    title = next((node.astext() for node in doctree.findall(nodes.title)), app.config.project)
    given = {"og:type": "article", "og:title": title, "og:site_name": app.config.html_title or app.config.project}
    text = first_words(doctree)
    described = {"description": text, "og:description": text} if text else {}
    lines = [f'<meta {"property" if ":" in name else "name"}="{name}" content="{escape(value)}"/>'
             for name, value in {**given, **described}.items()]
    context["metatags"] = "\n".join([context.get("metatags", ""), *lines])


def title_once(app: Sphinx, exception: Exception | None) -> None:
    """Take the book's title out of the front page's, where it would stand twice; the logo's words are the same."""
    page = Path(app.outdir) / f"{app.config.root_doc}.html"
    if exception is None and page.is_file():
        page.write_text(TWICE.sub(r"<title>\1</title>", page.read_text(encoding="utf-8")), encoding="utf-8")


def first_words(doctree: nodes.document) -> str:
    """Return the first paragraph of running text, cut after a word; formulas are left out."""
    for paragraph in doctree.findall(nodes.paragraph):
        if not isinstance(paragraph.parent, nodes.section) or paragraph.next_node(nodes.math):
            continue
        words = paragraph.astext()
        if len(words.split()) > 5:
            return textwrap.shorten(words, LENGTH, placeholder=" …")
    return ""


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the steps before a page is written and after a build."""
    app.connect("html-page-context", describe)
    app.connect("build-finished", title_once)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
