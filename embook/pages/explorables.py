"""The directive ``{explorable}``: an explorable as a numbered, captioned figure, on a page that is no notebook.

In MyST::

    ```{explorable} same-slope
    :name: fig-same-slope-front
    One slope, two curvatures: EM's bound touches the log-likelihood and bends more.
    ```

The content is the caption and is required; ``name`` makes the figure a target for ``{numref}``.
"""

from __future__ import annotations

from typing import Any, ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from embook.explorables.__main__ import KNOWN


class ExplorableDirective(SphinxDirective):
    """A figure node that holds an explorable's HTML and its caption."""

    required_arguments = 1
    has_content = True
    option_spec: ClassVar[dict[str, Any]] = {"name": directives.unchanged}

    def run(self) -> list[nodes.Node]:
        """Build the figure, or report an unknown name or a missing caption at the directive's line."""
        name = self.arguments[0]
        if name not in KNOWN:
            raise self.error(f"explorable is {name!r}: use one of {', '.join(sorted(KNOWN))}")
        if not self.content:
            raise self.error(f"explorable {name!r} has no caption: write one as the directive's content")
        words, messages = self.state.inline_text(" ".join(self.content), self.lineno)
        explorable = KNOWN[name](f"{name}-explorable")
        figure = nodes.figure("", nodes.raw("", explorable.html, format="html"), nodes.caption("", "", *words))
        self.set_source_info(figure)
        self.add_name(figure)
        return [figure, *messages]


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directive."""
    app.add_directive("explorable", ExplorableDirective)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
