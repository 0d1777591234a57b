"""Each rule of the browser tests catches a page that breaks it, and lets a sound one pass."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from audit import Findings, audited
from browser import built_pages, chromium, served
from test_browser_book import RULES, broken_links

HEAD = (
    '<meta charset="utf-8"><title>A page</title><link rel="icon" href="data:,">'
    '<meta name="viewport" content="width=device-width">'
)
POINT = "src='data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7'"
CAPTION = (
    "<figcaption><span class='caption-number'>Fig. 1</span> "
    "<span class='caption-text'>A point that says much.</span></figcaption>"
)
UNFOLD = "addEventListener('beforeprint', () => document.querySelectorAll('details').forEach(d => { d.open = true; }));"
SOUND = (
    f"<figure id='f'><img {POINT} alt='a single point on white ground'>{CAPTION}</figure>"
    f"<details><summary>Proof</summary><div class='proof'>All is well.</div></details><script>{UNFOLD}</script>"
)
LONG = "<div class='katex-display katex'><div style='width:900px'>long</div></div>"
WIDE = "<tr><td style='white-space:nowrap'>" + "a cell of many words " * 12 + "</td></tr>"
DIM = "html[data-theme=dark] .dim { background: #333; color: #444; }"

# One page for each rule, and more where a rule watches for more than one thing.
SABOTAGES = [
    ("requests", "<img src='https://example.org/far.png' alt='a picture from another host'>"),
    ("console", "<script>throw new Error('broken');</script>"),
    ("console", "<script>console.error('a complaint');</script>"),
    ("console", "<img src='missing.png' alt='a picture that is not there'>"),
    ("formulas", "<p>Here \\(x^2\\) stays raw.</p>"),
    ("formulas", "<p>$$ raw $$</p>"),
    ("formulas", "<span class='math'>x^2</span>"),
    ("formulas", "<span class='emlib-formula-fault'>Undefined control sequence</span>"),
    ("figures", f"<figure id='g'><img {POINT} alt='plot.png'></figure>"),
    ("figures", f"<img {POINT} alt='a point outside of any figure'>"),
    ("figures", f"<figure id='h'>{CAPTION}<div class='emx' id='e'></div></figure>"),
    ("ids", "<p id='twice'>one</p><p id='twice'>two</p>"),
    ("folds", "<div class='admonition dropdown'><p>No button here.</p></div>"),
    ("folds", "<details>No summary.</details>"),
    ("clipped", f"<div class='math' style='overflow:auto;width:300px'>{LONG}</div>"),
    ("axe", "<button></button>"),
    ("axe", "<div role='doc-endnote'>An excused rule, broken by another element.</div>"),
    ("print", "<div class='admonition toggle toggle-hidden'><button class='toggle-button'>Solution</button></div>"),
    ("print", "<div class='proof' style='display:none'>Not printed.</div>"),
    ("print", f"<table>{WIDE}</table>"),
    ("print", f"<div class='emlib-scroll' style='overflow-x:auto;width:300px'><table>{WIDE}</table></div>"),
    ("dark", f"<style>{DIM}</style><p class='dim'>Who can read this?</p>"),
    ("narrow", "<div style='width:800px'>A box wider than a phone.</div>"),
    ("narrow", "<input type='range' id='r' aria-label='step' style='width:84px'>"),
    ("narrow", f"<div class='math' style='overflow:auto'>{LONG}</div>"),
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


def audit_of(browser: Browser, folder: Path, body: str) -> Findings:
    """The findings for a tiny page with `body`."""
    page = folder / "page.html"
    main = f"<main><h1>Page</h1>{body}</main>"
    page.write_text(f'<!doctype html><html lang="en"><head>{HEAD}</head><body>{main}</body></html>', encoding="utf-8")
    with served(folder) as server:
        return audited(browser, page.as_uri(), f"{server}/page.html")


def test_a_sound_page_passes_every_rule(browser: Browser, tmp_path: Path) -> None:
    found = audit_of(browser, tmp_path, SOUND)
    assert {rule: faults for rule, faults in found.faults.items() if faults} == {}


def test_no_rule_goes_without_a_sabotage() -> None:
    assert {rule for rule, _ in SABOTAGES} == set(RULES)


@pytest.mark.parametrize(("rule", "body"), SABOTAGES)
def test_each_rule_catches_its_sabotage(browser: Browser, tmp_path: Path, rule: str, body: str) -> None:
    assert audit_of(browser, tmp_path, SOUND + body).faults.get(rule)


def test_a_link_that_leads_nowhere_is_caught(browser: Browser, tmp_path: Path) -> None:
    body = "<a href='#here'>a</a> <a href='#gone'>b</a> <a href='no.html'>c</a><p id='here'>x</p>"
    found = audit_of(browser, tmp_path, body)
    assert broken_links({tmp_path / "page.html": found}) == ["page.html: page.html#gone", "page.html: no.html#"]


def test_equations_in_folds_are_found(browser: Browser, tmp_path: Path) -> None:
    body = "<details><summary>Proof</summary><div class='math' id='eq'><span class='katex'>a</span></div></details>"
    assert audit_of(browser, tmp_path, body).folded == ["eq"]


def test_a_book_that_is_not_built_fails_and_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="make book"):
        built_pages(tmp_path)
