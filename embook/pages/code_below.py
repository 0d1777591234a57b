"""A picture stands before the code that drew it, where that code is folded: readers come for the picture."""

from __future__ import annotations

from typing import Any

from docutils import nodes
from myst_nb.sphinx_ import HideCodeCellNode
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform

__all__ = ["setup"]


class CodeBelow(SphinxPostTransform):
    """Move folded code behind the figure that it draws."""

    default_priority = 200  # just after myst-nb has folded it
    formats = ("html",)

    def run(self, **kwargs: Any) -> None:
        """Reorder the cells that show a figure."""
        for code in list(self.document.findall(HideCodeCellNode)):
            cell = code.parent
            if cell.children[0] is code and any(True for _ in cell.findall(nodes.figure)):
                cell.remove(code)
                cell.append(code)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the transform."""
    app.add_post_transform(CodeBelow)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
