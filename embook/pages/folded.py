"""The directive ``{fold-rest}``: folds what follows it in its section, code cells and their outputs included.

A dropdown holds only what one Markdown cell writes. This marker stands where the fold begins, and the rest of the
section, over as many cells as it has, goes into a dropdown of sphinx-design. In MyST, with the dropdown's title::

    ```{fold-rest} The four terms, computed
    ```

Heading and first sentences stay in sight, so that a reader can decide; links lead into the fold, and paper shows it
open.
"""

from __future__ import annotations

from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective
from sphinx_design.shared import create_component

MARK = "fold_rest"
log = logging.getLogger(__name__)


class FoldRestDirective(SphinxDirective):
    """Leave a marker that keeps the title's nodes."""

    required_arguments = 1
    final_argument_whitespace = True

    def run(self) -> list[nodes.Node]:
        """Parse the title where it stands, so that it may hold mathematics."""
        words, messages = self.state.inline_text(self.arguments[0], self.lineno)
        marker = nodes.container("", nodes.rubric(self.arguments[0], "", *words), **{MARK: True})
        self.set_source_info(marker)
        return [marker, *messages]


class FoldRest(SphinxTransform):
    """Move what follows each marker in its section into a dropdown."""

    default_priority = 250  # after the page is read whole, before references are looked up

    def apply(self, **kwargs: Any) -> None:
        """Fold, or warn at the marker when nothing can be folded."""
        for marker in list(self.document.findall(lambda node: isinstance(node, nodes.container) and MARK in node)):
            parent = marker.parent
            place = parent.index(marker)
            rest = parent.children[place + 1:]
            if not isinstance(parent, nodes.section) or not rest or any(isinstance(n, nodes.section) for n in rest):
                log.warning("fold-rest: put it into a section, before something to fold and without subsections",
                            location=marker, type="emlib", subtype="fold")
                parent.remove(marker)
                continue
            del parent.children[place:]
            parent += _dropdown([*marker.children, *rest])


def _dropdown(children: list[nodes.Node]) -> nodes.Element:
    """Return a closed dropdown; the first child is its title."""
    return create_component(
        "dropdown", children=children, opened=False, type="dropdown", has_title=True, icon=None, chevron=None,
        container_classes=["sd-mb-3"], title_classes=[], body_classes=[],
    )


def setup(app: Sphinx) -> dict[str, Any]:
    """Register directive and transform."""
    app.add_directive("fold-rest", FoldRestDirective)
    app.add_transform(FoldRest)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
