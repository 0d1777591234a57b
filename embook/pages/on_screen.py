"""The role ``{on-screen}``: words for who reads on a screen, such as "Move the slider", which paper leaves out."""

from __future__ import annotations

from typing import Any

from docutils import nodes
from sphinx.application import Sphinx

__all__ = ["setup"]


def on_screen_role(
    name: str, rawtext: str, text: str, lineno: int, inliner: Any, options: Any = None, content: Any = None
) -> tuple[list[Any], list[Any]]:
    """Mark plain words; the style sheet does not print them."""
    return [nodes.inline(rawtext, text, classes=["emlib-on-screen"])], []


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the role."""
    app.add_role("on-screen", on_screen_role)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
