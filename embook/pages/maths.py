"""Formulas, set by KaTeX while the book is built: a page needs no script to be read.

KaTeX is vendored and runs in a JavaScript engine that comes as a Python package. Each formula stands on the page twice,
as KaTeX writes it: as HTML for the eye and as MathML for screen readers.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from html import escape, unescape
from pathlib import Path
from typing import Any, cast

from docutils import nodes
from py_mini_racer import JSEvalException, MiniRacer
from sphinx.application import Sphinx
from sphinx.domains.math import MathDomain
from sphinx.ext.mathjax import html_visit_displaymath, html_visit_math
from sphinx.util import logging

__all__ = ["setup", "typeset"]

KATEX = Path(__file__).parents[1] / "assets" / "katex" / "katex.min.js"
SHORT = 40  # characters of LaTeX: a longer formula must be free to break on a narrow page
FOLDER = "katex"  # below _static of the pages: style sheet and fonts
FORMULA = re.compile(  # as Sphinx writes it for MathJax: an environment of its own has no delimiters
    r"\\\((?P<inline>.*?)\\\)|\\\[(?P<display>.*?)\\\]|(?P<bare>\\begin\{(?P<name>\w+\*?)\}.*\\end\{(?P=name)\})",
    re.DOTALL,
)
log = logging.getLogger(__name__)


@cache
def engine() -> MiniRacer:
    """Return the JavaScript engine with KaTeX in it, one for each process."""
    running = MiniRacer()
    running.eval(KATEX.read_text(encoding="utf-8"))
    return running


@cache
def typeset(source: str, display: bool, commands: str = "{}") -> str:
    """Return a formula as HTML with MathML.

    Parameters
    ----------
    source : str
        LaTeX, without delimiters.
    display : bool
        Whether it stands on a line of its own.
    commands : str
        The book's own commands and their meanings, as a JSON object.

    Raises
    ------
    ValueError
        If KaTeX cannot read the formula.
    """
    options = f"{{displayMode: {json.dumps(display)}, macros: {commands}}}"
    try:
        return str(engine().eval(f"katex.renderToString({json.dumps(source)}, {options})"))
    except JSEvalException as error:
        reason = next(line for line in str(error).splitlines() if "ParseError" in line)
        raise ValueError(f"formula: {reason.partition('ParseError: ')[2]}") from error


def visitor(visit: Callable[[Any, Any], None]) -> Callable[[Any, nodes.Element], None]:
    """Return one of Sphinx's visitors with the formula it writes set at once; a fault is a warning at its place."""
    def visit_set(self: Any, node: nodes.Element) -> None:
        begin = len(self.body)
        with suppress(nodes.SkipNode):
            visit(self, node)
        commands = json.dumps({f"\\{name}": meaning for name, meaning in self.config.katex_macros.items()})

        def formula(found: re.Match[str]) -> str:
            source = unescape(found["inline"] or found["display"] or found["bare"] or "").strip()
            try:
                return typeset(source, found["inline"] is None, commands)
            except ValueError as error:
                log.warning("%s", error, location=node, type="emlib", subtype="formula")
                return f'<span class="emlib-formula-fault">{escape(found[0])}</span>'

        found = FORMULA.sub(formula, "".join(self.body[begin:]))
        self.body[begin:] = [f'<span class="emlib-unbroken">{found}</span>' if _holds_on(node) else found]
        raise nodes.SkipNode

    return visit_set


def _holds_on(node: nodes.Element) -> bool:
    """Return whether a formula in a line must not be parted from what follows: a comma or a full stop."""
    after = node.next_node(descend=False, siblings=True)
    stops = isinstance(after, nodes.Text) and after.astext()[:1] in set(".,;:?!)”’")
    return isinstance(node, nodes.math) and stops and len(node.astext()) <= SHORT


def install(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """Load KaTeX's style sheet, and what copies a formula as LaTeX, on the pages that hold formulas."""
    if app.builder.format != "html" or not cast(MathDomain, app.env.get_domain("math")).has_equations(page):
        return
    app.add_css_file(f"{FOLDER}/katex.min.css")
    app.add_js_file(f"{FOLDER}/copy-tex.min.js", loading_method="defer")


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the renderer, which `html_math_renderer` names, and the book's own commands."""
    app.add_html_math_renderer("katex", (visitor(html_visit_math), None), (visitor(html_visit_displaymath), None))
    app.add_config_value("katex_macros", {}, "html")
    app.connect("html-page-context", install)
    return {"version": "2", "parallel_read_safe": True, "parallel_write_safe": True}
