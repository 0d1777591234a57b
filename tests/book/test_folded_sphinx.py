"""The directive that folds the rest of a section."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.book.one_page import build

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


SETTINGS = {"extensions": ["myst_parser", "sphinx_design", "sphinx_exercise", "embook.pages.folded"]}


def test_the_rest_of_the_section_and_no_more_is_folded(tmp_path: Path) -> None:
    html, complaints = build(tmp_path, PAGE, SETTINGS)
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
    _, complaints = build(tmp_path, page, SETTINGS)
    assert "fold-rest: put it into a section" in complaints


@pytest.mark.parametrize("link", ["{eq}`eq:inside`", "[the place](#place)", "<https://example.org>"])
def test_a_link_in_a_title_is_refused(tmp_path: Path, link: str) -> None:
    page = PAGE.replace("```{fold-rest} More on $x$\n```", f":::{{fold-rest}} More on {link}\n:::")
    _, complaints = build(tmp_path, page, SETTINGS)
    assert "the title holds a link" in complaints


def test_a_fold_ends_at_its_mark_and_its_kind_is_a_class(tmp_path: Path) -> None:
    page = PAGE.replace("More on $x$", "Check: nothing is lost").replace("(place)=", ":::{fold-end}\n:::\n\n(place)=")
    html, complaints = build(tmp_path, page, SETTINGS)
    assert complaints == ""
    opening, _, after = html.partition("<details")[2].partition(">")
    inside, _, behind = after.partition("</details>")
    assert "emlib-fold-check" in opening
    assert "Out of sight" in inside
    assert "More of it." in behind.partition("<h2>")[0]


def test_an_end_without_a_fold_is_reported(tmp_path: Path) -> None:
    _, complaints = build(tmp_path, "# A page\n\n## One\n\nText.\n\n:::{fold-end}\n:::\n", SETTINGS)
    assert "fold-end: there is no fold-rest before it" in complaints


def test_a_fold_in_a_fold_is_reported(tmp_path: Path) -> None:
    page = PAGE.replace("(place)=", "```{fold-rest} Deeper\n```\n\n(place)=")
    _, complaints = build(tmp_path, page, SETTINGS)
    assert "without subsections or another fold" in complaints


def test_a_solution_is_folded_like_everything_else(tmp_path: Path) -> None:
    page = "# A page\n\n```{exercise}\n:label: ex\n\nAsk.\n```\n\n```{solution} ex\n:class: dropdown\n\nTell.\n```\n"
    html, complaints = build(tmp_path, page, SETTINGS)
    assert complaints == ""
    opening, _, inside = html.partition("<details")[2].partition(">")
    assert "emlib-fold-solution" in opening
    assert "Solution" in inside.partition("</summary>")[0]
    assert "Tell." in inside.partition("</details>")[0]
    assert 'class="dropdown' not in html
    assert html.count('id="index-solution') == 1
