"""The directive that folds the rest of a section."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
from sphinx.application import Sphinx

PAGE = """# A page

## First

In sight.

```{fold-rest} More on $x$
```

Out of sight, with an equation.

$$ x = y $$ (eq:inside)

(place)=
More of it.

## Second

See {eq}`eq:inside`.
"""


def build(folder: Path, page: str) -> tuple[str, str]:
    """The HTML of a one-page book, and what Sphinx complained of."""
    source, complaints = folder / "source", StringIO()
    source.mkdir()
    (source / "index.md").write_text(page, encoding="utf-8")
    settings = {
        "extensions": ["myst_parser", "sphinx_design", "emlib.report.sphinx_folded"],
        "myst_enable_extensions": ["dollarmath"],
        "html_theme": "basic",
    }
    Sphinx(source, None, folder / "html", folder / "tree", "html", settings, status=None, warning=complaints).build()
    return (folder / "html" / "index.html").read_text(encoding="utf-8"), complaints.getvalue()


def test_the_rest_of_the_section_and_no_more_is_folded(tmp_path: Path) -> None:
    html, complaints = build(tmp_path, PAGE)
    assert complaints == ""
    before, _, after = html.partition("<details")
    inside, _, behind = after.partition("</details>")
    assert "In sight." in before
    assert "<h2>First" in before
    assert "More on" in inside.partition("</summary>")[0]
    assert "Out of sight" in inside
    assert "More of it." in inside
    assert "<h2>Second" in behind
    assert "open" not in inside.partition(">")[0]
    assert 'href="#equation-eq-inside"' in behind


@pytest.mark.parametrize(
    "change",
    [
        ("\nOut of sight, with an equation.\n\n$$ x = y $$ (eq:inside)\n\n(place)=\nMore of it.\n", ""),
        ("More of it.", "### Deeper\n\nMore of it."),
        ("```{fold-rest} More on $x$\n```", "> ```{fold-rest} More on $x$\n> ```"),
    ],
)
def test_a_marker_that_can_fold_nothing_is_reported(tmp_path: Path, change: tuple[str, str]) -> None:
    page = PAGE.replace(*change).replace("See {eq}`eq:inside`.", "")
    assert page != PAGE
    _, complaints = build(tmp_path, page)
    assert "fold-rest: put it into a section" in complaints
