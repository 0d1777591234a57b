"""The page on theorems in a small built book, and its drawings: links with names and numbers, no box on another."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import pytest

from embook.theorems.drawing import Box, columns
from embook.theorems.overview import rows
from tests.book.one_page import run

TEXTS = {
    "index.md": "# Book\n\n```{toctree}\nchapters/02_two\nchapters/07_seven\nmap\n```\n",
    "chapters/02_two.md": "# The second\n\n:::{prf:theorem} First & foremost\n:label: thm:two\n\nWords.\n:::\n",
    "chapters/07_seven.md": "# The seventh\n\n:::{prf:lemma} With $x$\n:label: thm:seven\n\n{prf:ref}`thm:two`.\n:::\n",
    "map.md": "# Map\n\n" + "".join(
        f"```{{theorem-map}} {part}\n```\n\n" for part in ("overview", "chapters", "assumptions", "claims")),
    "_toc.yml": "format: jb-book\nroot: index\nchapters:\n  - file: chapters/02_two\n  - file: chapters/07_seven\n",
    "theorems/assumptions.yml": "smooth: {name: smooth map, says: The map $M$ is smooth.}",
    "theorems/02_two.yml": "thm:two: {says: It is so., needs: [smooth]}",
    "theorems/07_seven.yml": "thm:seven: {says: So is this., uses: [thm:two]}",
    "theorems/without_a_statement.yml": "[]",
}  # fmt: skip
SETTINGS = {
    "extensions": ["myst_parser", "sphinx_proof", "embook.pages.numbering", "embook.pages.theorems"],
    "myst_enable_extensions": ["colon_fence", "dollarmath"], "numfig": True, "html_theme": "basic",
    "prf_realtyp_to_countertyp": {"lemma": "theorem"},
}  # fmt: skip


def built(folder: Path, **changed: str) -> tuple[str, str]:
    """Return the page and the complaints of a book, some of its files changed."""
    for name, text in {**TEXTS, **{name.replace("__", "/") + ".yml": text for name, text in changed.items()}}.items():
        path = folder / "source" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    complaints = run(folder, SETTINGS)
    return (folder / "html" / "map.html").read_text(encoding="utf-8"), complaints


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    text, complaints = built(tmp_path_factory.mktemp("book"))
    assert complaints == ""
    return text


def test_every_statement_is_a_link_with_number_and_title(page: str) -> None:
    anchors = re.findall(r'<a class="reference internal" href="([^"]+)">(.*?)</a>', page)
    links = {(href, re.sub(r"<[^>]+>", "", words)) for href, words in anchors}
    assert ("chapters/02_two.html#thm:two", "Theorem 2.1 First &amp; foremost") in links
    assert ("chapters/02_two.html#thm:two", "Theorem 2.1") in links
    assert [words for href, words in links if href.endswith("#thm:seven") and words.startswith("Lemma 7.1 With")]
    assert ("#assumption-smooth", "smooth map") in links
    assert 'id="assumption-smooth"' in page


def test_the_overview_says_in_words_what_another_chapter_uses(page: str) -> None:
    words = re.sub(r"<[^>]+>", "", page.partition("</svg>")[2].partition("<h")[0])
    assert "Theorem 2.1 First &amp; foremost: used by Lemma 7.1" in words


def test_each_chapter_has_a_heading_and_a_drawing_with_a_name(page: str) -> None:
    assert re.findall(r"<h[23]>(Chapter \d[^<]*)<", page) == ["Chapter 2: The second", "Chapter 7: The seventh"]
    names = re.findall(r'<svg class="emlib-graph"[^>]*aria-label="([^"]+)"', page)
    assert [name.partition(":")[0] for name in names[1:]] == ["Chapter 2", "Chapter 7"]
    nodes = re.findall(r'<a href="([^"]+)" class="emlib-node [^"]+" aria-label="([^"]+)"', page)
    assert ("chapters/02_two.html#thm:two", "Theorem 2.1 First &amp; foremost") in nodes
    assert ("chapters/07_seven.html#thm:seven", "Lemma 7.1 With x") in nodes
    assert ("#assumption-smooth", "smooth map") in nodes


def test_a_fault_of_the_files_is_a_warning(tmp_path: Path) -> None:
    complaints = built(tmp_path, theorems__07_seven="thm:seven: {says: So is this.}")[1]
    assert "theorems: thm:seven: statement or proof cites thm:two: add it to uses" in complaints


def box(key: str, words: str = "a few words that need a second line in a narrow box") -> Box:
    return Box(key, f"#{key}", f"Theorem {key}", words, "It says <this>.", "statement")


def test_boxes_of_a_column_do_not_overlap_and_arrows_join_them() -> None:
    given, stated, claims = [box("g1"), box("g2")], [box(f"s{n}") for n in range(4)], [box("c1", "short")]
    edges = [("g1", "s0"), ("g2", "s3"), ("s0", "s2"), ("s3", "c1")]
    drawing = columns("A drawing", given, stated, claims, edges)
    found = [tuple(map(float, numbers)) for numbers in re.findall(
        r'<rect x="([\d.]+)" y="([\d.-]+)" width="([\d.]+)" height="([\d.]+)"', drawing)]  # fmt: skip
    assert len(found) == 7
    for left in {numbers[0] for numbers in found}:
        column = sorted(numbers for numbers in found if numbers[0] == left)
        assert all(one[1] + one[3] < other[1] for one, other in pairwise(column))
    assert drawing.count("<path") == len(edges)
    assert "It says &lt;this&gt;." in drawing


def test_rows_hold_as_many_boxes_as_fit_and_begin_another_line() -> None:
    chapters = [("Chapter 1", [box(f"a{n}") for n in range(6)]), ("Chapter 2", [box("b")])]
    drawing = rows("Rows", chapters, [("a5", "b"), ("b", "a0")])
    lines = {y for _, y in re.findall(r'<rect x="([\d.]+)" y="([\d.]+)"', drawing)}
    assert len(lines) == 3
    assert drawing.count("<path") == 2
