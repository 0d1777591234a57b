"""Formulas by KaTeX: a page of several hundred is typeset in a fraction of a second, with MathML for screen readers.

The pages hold the formulas as Sphinx writes them for MathJax; a few lines of our own hand each to KaTeX, which is
vendored, as nothing may come from another host.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

from sphinx.application import Sphinx
from sphinx.domains.math import MathDomain
from sphinx.ext.mathjax import html_visit_displaymath, html_visit_math

__all__ = ["setup"]

FOLDER = "katex"  # below _static of the pages
LOADER = Path(__file__).parents[1] / "assets" / "maths.js"


def loader(macros: dict[str, str]) -> str:
    """Return the script that typesets a page, with the book's own commands."""
    commands = {f"\\{name}": meaning for name, meaning in macros.items()}
    return LOADER.read_text(encoding="utf-8").replace("MACROS", json.dumps(commands))


def install(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """Load KaTeX on the pages that hold formulas."""
    if app.builder.format != "html" or not cast(MathDomain, app.env.get_domain("math")).has_equations(page):
        return
    app.add_css_file(f"{FOLDER}/katex.min.css")
    for script in ("katex.min.js", "copy-tex.min.js"):
        app.add_js_file(f"{FOLDER}/{script}", loading_method="defer")
    app.add_js_file(None, body=loader(app.config.katex_macros))


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the renderer, which `html_math_renderer` names, and the book's own commands."""
    app.add_html_math_renderer("katex", (html_visit_math, None), (html_visit_displaymath, None))
    app.add_config_value("katex_macros", {}, "html")
    app.connect("html-page-context", install)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
