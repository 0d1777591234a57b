"""The built pages, read as text: complete, self-contained, described, with links that lead somewhere."""

from __future__ import annotations

import gzip
import json
import random
import re
from functools import cache
from pathlib import Path
from urllib.parse import unquote, urldefrag

import pytest

from embook import contents
from embook.theorems.entries import load as load_theorems
from html_page import Page, dead_links
from setup_env import ROOT

HTML = ROOT / "_build" / "html"
LOADING = {"script": "src", "img": "src", "iframe": "src", "source": "src", "link": "href"}
PAGE_BYTES = 600_000  # of a page as a web host sends it: texts compressed


def foreign(page: Page) -> list[str]:
    """Return what the page would load from another host."""
    found = [attrs.get(LOADING[tag], "") for tag, attrs in page.tags if tag in LOADING]
    return [address for address in found if re.match(r"(?:https?:)?//", address)]


def weight(name: str, page: Page, folder: Path) -> int:
    """Return the bytes of a page and of all that it loads (not of its neighbours), texts compressed, all icon fonts."""
    tags = [(tag, attrs) for tag, attrs in page.tags if attrs.get("rel") not in ("next", "prev", "search", "index")]
    loaded = {urldefrag(attrs.get(LOADING[tag], ""))[0].partition("?")[0] for tag, attrs in tags if tag in LOADING}
    paths = {(folder / name).parent / unquote(one) for one in loaded if one}
    fonts = folder.glob("_static/vendor/**/*.ttf")
    files = {path.resolve() for path in paths if path.is_file()} | {folder / name, *fonts}
    return sum(min(len(data := path.read_bytes()), len(gzip.compress(data))) for path in files)


def undescribed(page: Page) -> list[str]:
    """Return the images whose alternative text is missing or only the file's name."""
    images = [attrs for tag, attrs in page.tags if tag == "img" and "logo" not in attrs.get("class", "")]
    return [image.get("src", "") for image in images if _unspoken(image.get("alt", ""), image.get("src", ""))]


def _unspoken(alt: str, src: str) -> bool:
    """Say whether the text tells nothing."""
    return len(alt) < 10 or Path(src).stem in alt or alt.startswith("_images")


@cache
def book() -> dict[str, Page]:
    """Return the pages of the book, or say how to get them."""
    assert (HTML / "index.html").exists(), "there is no _build/html/index.html; run: make book"
    pages = {path.relative_to(HTML).as_posix(): path.read_text(encoding="utf-8") for path in HTML.rglob("*.html")}
    return {name: Page(text) for name, text in pages.items() if not name.startswith("_static/")}


def names() -> list[str]:
    """Return the pages that the table of contents lists."""
    return [f"{name}.html" for name in contents.pages(ROOT)]


def test_every_page_of_the_table_of_contents_is_there() -> None:
    assert [name for name in names() if name not in book()] == []


def test_no_page_loads_anything_from_elsewhere() -> None:
    assert {name: foreign(page) for name, page in book().items() if foreign(page)} == {}


@pytest.mark.parametrize("tag", ['<script src="https://x.org/a.js">', '<link href="//x.org/a.css">', '<img src="http://x.org/a">'])
def test_a_foreign_address_is_seen(tag: str) -> None:
    assert len(foreign(Page(tag))) == 1
    assert foreign(Page('<a href="https://x.org">x</a><script src="_static/a.js">')) == []


def test_katexs_style_is_the_vendored_one_where_there_are_formulas() -> None:
    folder = HTML / "_static" / "katex"
    assert {path.name for path in folder.iterdir()} == {"katex.min.css", "copy-tex.min.js", "fonts", "LICENSE"}
    for name in names():
        tags = book()[name].tags
        sheets = [attrs.get("href", "") for tag, attrs in tags if tag == "link"]
        formulas = any("math" in attrs.get("class", "").split() for _, attrs in tags)
        assert len([sheet for sheet in sheets if "katex.min.css" in sheet]) == formulas, name
        scripts = [attrs.get("src", "") for tag, attrs in tags if tag == "script"]
        assert not [script for script in scripts if "mathjax" in script.lower() or "katex.min.js" in script], name


def test_every_formula_is_there_without_a_script() -> None:
    for name in names():
        classes = [attrs.get("class", "").split() for _, attrs in book()[name].tags]
        assert sum("katex" in words for words in classes) >= sum("math" in words for words in classes), name


def test_no_page_is_heavy() -> None:
    weights = {name: weight(name, book()[name], HTML) for name in names()}
    assert {name: bytes for name, bytes in weights.items() if bytes > PAGE_BYTES} == {}
    assert min(weights.values()) > 50_000  # the style sheets alone: they were found


def test_a_heavy_page_is_seen(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text("short")
    (tmp_path / "noise.png").write_bytes(random.Random(1).randbytes(700_000))
    assert weight("a.html", Page('<img src="noise.png?v=1"><img src="gone.png">'), tmp_path) > PAGE_BYTES


def test_icons_need_no_script_and_their_font_is_small() -> None:
    assert [name for name in names() if "fontawesome" in (HTML / name).read_text(encoding="utf-8")] == []
    fonts = list(HTML.glob("_static/vendor/fontawesome/webfonts/*"))
    assert {font.suffix for font in fonts} == {".ttf"}
    assert max(font.stat().st_size for font in fonts) < 40_000


def test_nothing_of_thebe_is_left() -> None:
    found = [name for name in names() if "thebe" in (HTML / name).read_text(encoding="utf-8").lower()]
    assert found == []


def test_every_image_is_described() -> None:
    assert {name: undescribed(page) for name, page in book().items() if undescribed(page)} == {}


@pytest.mark.parametrize("alt", ["", ' alt=""', ' alt="_images/curve.svg"', ' alt="plot"', ' alt="the file curve"'])
def test_an_undescribed_image_is_seen(alt: str) -> None:
    assert undescribed(Page(f'<img src="_images/curve.svg"{alt}>')) == ["_images/curve.svg"]
    assert undescribed(Page('<img src="_images/curve.svg" alt="Nine dots that climb a hill">')) == []


def test_every_link_within_the_book_leads_somewhere() -> None:
    files = {path.relative_to(HTML).as_posix() for path in HTML.rglob("*") if path.is_file()}
    dead = {name: dead_links(name, book(), files) for name in names()}
    assert {name: links for name, links in dead.items() if links} == {}


def test_a_dead_link_is_seen() -> None:
    pages = {"a.html": Page('<a href="b/c.html#here">x</a><a href="b/c.html#gone">x</a><a href="d.html">x</a>')}
    pages["b/c.html"] = Page('<p id="here"><a href="../a.html">x</a><a href="#here">x</a><a href="../f.txt">x</a>')
    assert dead_links("a.html", pages, {"f.txt"}) == ["b/c.html#gone", "d.html"]
    assert dead_links("b/c.html", pages, {"f.txt"}) == []


def test_no_page_names_the_machine_that_built_it() -> None:
    found = [name for name in book() if str(ROOT) in (HTML / name).read_text(encoding="utf-8")]
    assert found == []


def test_the_page_on_theorems_leads_to_every_statement_and_every_claim_that_rests_on_one() -> None:
    theorems, _ = load_theorems(ROOT)
    links = [attrs.get("href", "") for tag, attrs in book()["reference/theorems.html"].tags if tag == "a"]
    places = {unquote(urldefrag(link)[1]) for link in links}
    claims = {f"claim-{name.lower()}" for entry in theorems.entries.values() for name in entry.claims}
    claims |= {f"claim-{name.lower()}" for names in theorems.without.values() for name in names}
    assert sorted({*theorems.entries, *claims, *(f"assumption-{name}" for name in theorems.assumptions)} - places) == []


def test_the_ledger_stands_beside_the_pages() -> None:
    rows = json.loads((HTML / "ledger.json").read_text(encoding="utf-8"))["claims"]
    assert rows
    assert all(row["id"] and row["verdict"] for row in rows)
