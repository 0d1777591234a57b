"""What search engines and those who share a link are told of a page: its title, once, and its first sentences."""

from __future__ import annotations

import textwrap
from html import escape
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx

__all__ = ["setup"]

LENGTH = 200  # characters of a description that are shown by those who read it


def describe(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None) -> None:
    """Add description and Open Graph tags; the front page's title does not repeat that of the book."""
    if page == app.config.root_doc:
        context["docstitle"] = ""
    if doctree is None:
        return
    title = next((node.astext() for node in doctree.findall(nodes.title)), app.config.project)
    given = {"og:type": "article", "og:title": title, "og:site_name": app.config.html_title or app.config.project}
    text = first_words(doctree)
    described = {"description": text, "og:description": text} if text else {}
    lines = [f'<meta {"property" if ":" in name else "name"}="{name}" content="{escape(value)}"/>'
             for name, value in {**given, **described}.items()]
    context["metatags"] = "\n".join([context.get("metatags", ""), *lines])


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
    """Register the step before a page is written."""
    app.connect("html-page-context", describe)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
