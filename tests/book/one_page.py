"""A book of one page, built by Sphinx in this process, for the tests of our directives."""

from __future__ import annotations

from io import StringIO
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace, patch_docutils


def build(folder: Path, page: str, settings: dict[str, Any]) -> tuple[str, str]:
    """Return the HTML of the page, and what Sphinx complained of.

    What an application registers with docutils is taken back, so that the next one in the same process is as the first.
    """
    source, complaints = folder / "source", StringIO()
    source.mkdir()
    (source / "index.md").write_text(page, encoding="utf-8")
    settings = {"myst_enable_extensions": ["dollarmath"], "html_theme": "basic", **settings}
    with patch_docutils(), docutils_namespace():
        app = Sphinx(source, None, folder / "html", folder / "doctrees", "html", settings, status=None,
                     warning=complaints)
        app.build()
    return (folder / "html" / "index.html").read_text(encoding="utf-8"), complaints.getvalue()
