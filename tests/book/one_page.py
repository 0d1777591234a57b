"""A small book, built by Sphinx in this process, for the tests of our directives."""

from __future__ import annotations

from io import StringIO
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace, patch_docutils


def build(folder: Path, page: str, settings: dict[str, Any]) -> tuple[str, str]:
    """Return the HTML of the page, and what Sphinx complained of."""
    source = folder / "source"
    source.mkdir()
    (source / "index.md").write_text(page, encoding="utf-8")
    given = {"myst_enable_extensions": ["colon_fence", "dollarmath"], "html_theme": "basic", **settings}
    complaints = run(folder, given)
    return (folder / "html" / "index.html").read_text(encoding="utf-8"), complaints


def run(folder: Path, settings: dict[str, Any]) -> str:
    """Build ``folder/source`` into ``folder/html``, with what is kept from an earlier run; return the complaints.

    What an application registers with docutils is taken back, so that the next one in the same process is as the first.
    """
    complaints = StringIO()
    with patch_docutils(), docutils_namespace():
        app = Sphinx(folder / "source", None, folder / "html", folder / "doctrees", "html", settings, status=None,
                     warning=complaints)
        app.build()
    return complaints.getvalue()
