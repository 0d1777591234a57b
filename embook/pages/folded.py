"""Folds: a passage behind one line that says what is in it, code cells and their outputs included.

A dropdown holds only what one Markdown cell writes. The directive ``{fold-rest}`` stands where a fold begins; what
follows it in its section, over as many cells as it has, goes into a dropdown of sphinx-design, as far as the directive
``{fold-end}`` or the end of the section. In MyST, with the dropdown's title::

    ```{fold-rest} Check: on 200 random sets of counts the step is P times the score
    ```

    (cells)

    ```{fold-end}
    ```

The title's first word says what kind of fold it is; a proof and a solution within a fold lose the box of their own.
Links lead into the fold, and paper shows it open. A solution marked ``:class: dropdown`` becomes such a fold, too.
"""

from __future__ import annotations

import re
from typing import Any

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective
from sphinx_design.shared import create_component
from sphinx_exercise.nodes import solution_node

MARK, END = "fold_rest", "fold_end"
KIND = re.compile(r"\W*(proof|check|solution|code)\b", re.IGNORECASE)
log = logging.getLogger(__name__)


class FoldRestDirective(SphinxDirective):
    """Leave a marker that keeps the title's nodes."""

    required_arguments = 1
    final_argument_whitespace = True

    def run(self) -> list[nodes.Node]:
        """Parse the title where it stands, so that it may hold mathematics and computed numbers."""
        words, messages = self.state.inline_text(self.arguments[0], self.lineno)
        if any(isinstance(node, nodes.reference | pending_xref) for word in words for node in word.findall()):
            raise self.error("fold-rest: the title holds a link, but a click there opens the fold; use words")
        marker = nodes.container("", nodes.rubric(self.arguments[0], "", *words), **{MARK: True})
        self.set_source_info(marker)
        return [marker, *messages]


class FoldEndDirective(SphinxDirective):
    """Leave a marker where a fold ends."""

    def run(self) -> list[nodes.Node]:
        """Return the marker."""
        marker = nodes.container("", **{END: True})
        self.set_source_info(marker)
        return [marker]


class FoldRest(SphinxTransform):
    """Move what follows each marker in its section into a dropdown."""

    default_priority = 250  # after the page is read whole, before references are looked up

    def apply(self, **kwargs: Any) -> None:
        """Fold, or warn at the marker when nothing can be folded."""
        for marker in _marked(self.document, MARK):
            self._fold(marker)
        for marker in _marked(self.document, END):
            log.warning("fold-end: there is no fold-rest before it in its section", location=marker, type="emlib",
                        subtype="fold")
            marker.parent.remove(marker)
        for solution in list(self.document.findall(solution_node)):
            self._fold_solution(solution)

    def _fold(self, marker: nodes.Element) -> None:
        parent = marker.parent
        place = parent.index(marker)
        behind = parent.children[place + 1:]
        length = next((count for count, node in enumerate(behind) if _is(node, END)), len(behind))
        rest = behind[:length]
        inner = any(isinstance(node, nodes.section) or _is(node, MARK) for node in rest)
        if not isinstance(parent, nodes.section) or not rest or inner:
            log.warning("fold-rest: put it into a section, before something to fold and without subsections or another "
                        "fold", location=marker, type="emlib", subtype="fold")
            parent.remove(marker)
            return
        parent[place:place + 1 + length + (length < len(behind))] = [_dropdown([*marker.children, *rest])]

    @staticmethod
    def _fold_solution(solution: nodes.Element) -> None:
        if "dropdown" not in solution["classes"]:
            return
        solution["classes"].remove("dropdown")
        dropdown = _dropdown([nodes.rubric("", "", nodes.Text("Solution"))])
        solution.parent[solution.parent.index(solution)] = dropdown  # replace_self would give it the solution's ids
        dropdown += solution


def _marked(document: nodes.document, mark: str) -> list[nodes.Element]:
    """Return the markers of one kind."""
    return [node for node in document.findall(nodes.container) if _is(node, mark)]


def _is(node: nodes.Node, mark: str) -> bool:
    return isinstance(node, nodes.container) and mark in node


def _dropdown(children: list[nodes.Node]) -> nodes.Element:
    """Return a closed dropdown; the first child is its title, whose first word gives it a class."""
    kind = KIND.match(children[0].astext())
    return create_component(
        "dropdown", children=children, opened=False, type="dropdown", has_title=True, icon=None, chevron=None,
        container_classes=["sd-mb-3", "emlib-fold", *([f"emlib-fold-{kind[1].lower()}"] if kind else [])],
        title_classes=[], body_classes=[],
    )


def setup(app: Sphinx) -> dict[str, Any]:
    """Register directives and transform."""
    app.add_directive("fold-rest", FoldRestDirective)
    app.add_directive("fold-end", FoldEndDirective)
    app.add_transform(FoldRest)
    return {"version": "2", "env_version": 1, "parallel_read_safe": True, "parallel_write_safe": True}
