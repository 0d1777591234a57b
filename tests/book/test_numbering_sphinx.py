"""Numbers by chapter, cards in a section of their own, and folded code below its picture, in a small built book."""

from __future__ import annotations

import pytest

from embook.pages.numbering import number_of
from tests.book.one_page import run

INDEX = "# Book\n\n```{toctree}\nchapters/02_two\nchapters/07_seven\nextra\n```\n"
TWO = """# The second

(sec-a)=
## A section

:::{prf:definition} D
:label: def-two

Words.
:::

:::{prf:theorem} T
:label: thm-two

$$ x = y $$ (eq-two)
:::

See {prf:ref}`thm-seven` and {eq}`eq-seven`, {ref}`ex-seven`.
"""
SEVEN = """# The seventh

:::{prf:theorem} T
:label: thm-seven

$$ x = y $$ (eq-seven)
:::

:::{exercise}
:label: ex-seven

Ask.
:::
"""
SETTINGS = {
    "extensions": ["myst_parser", "sphinx_proof", "sphinx_exercise", "embook.pages.numbering"],
    "myst_enable_extensions": ["colon_fence", "dollarmath"], "numfig": True, "html_theme": "basic",
    "prf_realtyp_to_countertyp": {"definition": "theorem"},
}


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return the pages of a book whose chapters leave a gap."""
    folder = tmp_path_factory.mktemp("book")
    texts = {"index": INDEX, "chapters/02_two": TWO, "chapters/07_seven": SEVEN, "extra": "# No chapter\n"}
    for name, text in texts.items():
        path = folder / "source" / f"{name}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert run(folder, SETTINGS) == ""
    return {name: (folder / "html" / f"{name}.html").read_text(encoding="utf-8") for name in texts}


def test_a_chapter_has_the_number_of_its_file_and_its_sections_none(pages: dict[str, str]) -> None:
    assert '<span class="section-number">2. </span>The second' in pages["chapters/02_two"]
    assert '<span class="section-number">7. </span>The seventh' in pages["chapters/07_seven"]
    assert "<h2>A section" in pages["chapters/02_two"]
    assert "<h1>No chapter" in pages["extra"]
    assert "7. </span>The seventh" in pages["index"] or "7. The seventh" in pages["index"]


def test_theorems_share_one_count_within_a_chapter(pages: dict[str, str]) -> None:
    assert "Definition 2.1 " in pages["chapters/02_two"]
    assert "Theorem 2.2 " in pages["chapters/02_two"]
    assert "Theorem 7.1 " in pages["chapters/07_seven"]


def test_links_show_the_numbers_of_another_chapter(pages: dict[str, str]) -> None:
    for number in ("Theorem 7.1", "(7.1)", "Exercise 7.1"):
        assert number in pages["chapters/02_two"]
    assert "(2.1)" in pages["chapters/02_two"]


@pytest.mark.parametrize(("page", "number"), [
    ("chapters/07_seven", 7), ("12_x", 12), ("chapters/performance", None), ("index", None), ("chapters/7_x", None)])
def test_only_chapters_have_numbers(page: str, number: int | None) -> None:
    assert number_of(page) == number
