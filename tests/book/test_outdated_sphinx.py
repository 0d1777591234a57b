"""A book built a second time, with the pages of the first kept: no page shows what is no longer so."""

from __future__ import annotations

from pathlib import Path

import pytest

from html_page import Page, dead_links
from tests.book.one_page import run

PAGES = {
    "index.md": "# Book\n\n```{toctree}\none\ntwo\nlist\n```\n",
    "one.md": "# One\n\n{cite:t}`baum1970` and {ref}`there <place>`.\n",
    "two.md": "# Two\n\n(place)=\n## A place\n\nNothing cited.\n",
    "list.md": "# Entries\n\n```{bibliography}\n```\n",
}
ENTRY = "@misc{{{key}, author = {{{name}, A.}}, title = {{A Title}}, year = {{{year}}}}}\n"
BIB = ENTRY.format(key="baum1970", name="Baum", year=1970) + ENTRY.format(key="wu1983", name="Wu", year=1983)
OLDER = ENTRY.format(key="adam1900", name="Adam", year=1900)
OURS = "embook.pages.outdated"
SETTINGS = {"extensions": ["myst_parser", "sphinxcontrib.bibtex"], "bibtex_bibfiles": ["all.bib"],
            "bibtex_reference_style": "author_year", "html_theme": "alabaster",
            "html_show_sourcelink": False}
CITES = ("two.md", "Nothing cited", "{cite:t}`wu1983`")  # an entry that was listed and not cited
CHANGES = {
    "an entry before the others": [("all.bib", "@misc{baum", OLDER + "@misc{baum"), ("list.md", "`\n", "`\n:all:\n")],
    "an entry newly cited": [CITES],
    "another year": [("all.bib", "1970}", "1972}")],
    "another title": [("two.md", "# Two", "# Second")],
}


def built(folder: Path, *ours: str) -> tuple[dict[str, str], str]:
    """Build the book and return its pages with the complaints."""
    complaints = run(folder, {**SETTINGS, "extensions": [*SETTINGS["extensions"], *ours]})
    return {path.name: path.read_text("utf-8") for path in sorted((folder / "html").glob("*.html"))}, complaints


def written(folder: Path, changes: list[tuple[str, str, str]]) -> None:
    """Write the sources of the book, changed; a file that stays the same is left alone."""
    (folder / "source").mkdir(parents=True, exist_ok=True)
    for name, text in {**PAGES, "all.bib": BIB}.items():
        for place, old, new in changes:
            text = text.replace(old, new, 1) if place == name else text
        path = folder / "source" / name
        if not path.exists() or path.read_text("utf-8") != text:
            path.write_text(text, encoding="utf-8")


def twice(folder: Path, change: str, *ours: str) -> dict[str, str]:
    """Return the pages of a second build, after the change."""
    written(folder, [])
    built(folder, *ours)
    written(folder, CHANGES[change])
    pages, complaints = built(folder, *ours)
    assert complaints == ""
    return pages


@pytest.mark.parametrize("change", CHANGES)
def test_a_second_build_shows_what_a_first_one_would(tmp_path: Path, change: str) -> None:
    written(tmp_path / "fresh", CHANGES[change])
    fresh, _ = built(tmp_path / "fresh", OURS)
    second = twice(tmp_path / "kept", change, OURS)
    assert second == fresh
    read = {name: Page(text) for name, text in second.items()}
    assert [link for name in ("one.html", "two.html", "list.html") for link in dead_links(name, read, set())] == []


@pytest.mark.parametrize("change", CHANGES)
def test_sphinx_alone_would_keep_a_page_that_is_no_longer_so(tmp_path: Path, change: str) -> None:
    written(tmp_path / "fresh", CHANGES[change])
    assert twice(tmp_path / "kept", change) != built(tmp_path / "fresh")[0]


def test_a_label_that_is_gone_is_reported_on_the_page_that_links_to_it(tmp_path: Path) -> None:
    written(tmp_path, [])
    built(tmp_path, OURS)
    written(tmp_path, [("two.md", "(place)=", "(elsewhere)=")])
    assert "undefined label: 'place'" in built(tmp_path, OURS)[1]


def test_a_build_without_changes_writes_nothing(tmp_path: Path) -> None:
    written(tmp_path, [])
    built(tmp_path, OURS)
    times = {path: path.stat().st_mtime_ns for path in (tmp_path / "html").glob("*.html")}
    built(tmp_path, OURS)
    changed = [path.name for path, time in times.items() if path.stat().st_mtime_ns != time]
    assert [name for name in changed if name not in ("search.html", "genindex.html")] == []
