"""What paper leaves out and what it keeps: the style sheet's print rules and the page script, in a browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from embook.tables import _html
from tests.book.browser import chromium
from tests.book.one_page import build

ASSETS = Path(__file__).parents[2] / "embook" / "assets"
BODY = """<div id="jb-print-docs-body"><h1>Title</h1></div><main class="bd-main bd-content"><article class="bd-article">
<h1><span class="section-number">8. </span>Title</h1><p>Read on. <span class="emlib-on-screen">Drag it.</span></p>
<div class="emx"><p class="emx-note">Drag the disc. <button data-part="again">Start again</button></p>
<p class="emx-say">After one step.</p></div>
<div class="cell"><div class="cell_input"><pre>x</pre></div></div></article></main>"""


WIDE = _html([["two normals, 2.5 apart, n = 100000"] + ["1234"] * 12], ["default, E-steps"] * 13, "Thirteen columns")
SABOTAGE = ".emlib-scroll { overflow-x: auto !important; } td { white-space: nowrap !important; }"
RULES = (Path(__file__).parent / "page_rules.js").read_text()


@pytest.fixture(scope="module")
def printed() -> Iterator[Page]:
    """Yield the page as it is printed."""
    with chromium() as browser:
        yield page_of(browser)


def page_of(browser: Browser) -> Page:
    style, script = (ASSETS / name for name in ("embook.css", "page.js"))
    page = browser.new_page()
    page.set_content(f"<style>{style.read_text()}</style><body>{BODY}<script>{script.read_text()}</script></body>")
    page.emulate_media(media="print")
    return page


@pytest.mark.parametrize(("selector", "seen"), [
    (".emlib-on-screen", False), ("[data-part=again]", False), (".emx-note", False), (".emx-say", True),
    (".cell_input", True)])  # fmt: skip
def test_paper_leaves_out_what_asks_for_a_hand(printed: Page, selector: str, seen: bool) -> None:
    assert printed.locator(selector).is_visible() is seen
    printed.emulate_media(media="screen")
    assert printed.locator(selector).is_visible()
    printed.emulate_media(media="print")


def test_the_printed_title_has_its_number(printed: Page) -> None:
    assert printed.locator("#jb-print-docs-body h1").text_content() == "8. Title"


def test_a_cell_of_code_is_not_broken(printed: Page) -> None:
    assert printed.locator(".cell_input").evaluate("e => getComputedStyle(e).breakInside") == "avoid"


@pytest.mark.parametrize(("sabotage", "kept"), [("", True), (SABOTAGE, False)])
def test_paper_has_every_column_of_a_wide_table(printed: Page, sabotage: str, kept: bool) -> None:
    printed.evaluate(
        "html => document.querySelector('article').insertAdjacentHTML('beforeend', html)",
        f"<div class='cell tag_scroll-output' id='wide'><div class='cell_output'>{WIDE}</div>"
        f"<style>{sabotage}</style></div>",
    )
    printed.set_viewport_size({"width": 690, "height": 900})
    printed.evaluate(RULES)
    assert (printed.evaluate("() => pageRules.cut()") == []) is kept
    printed.evaluate("() => document.getElementById('wide').remove()")


def test_the_role_marks_its_words(tmp_path: Path) -> None:
    settings = {"extensions": ["myst_parser", "embook.pages.on_screen"]}
    page, complaints = build(tmp_path, "# Page\n\nRead. {on-screen}`Drag it.`\n", settings)
    assert complaints == ""
    assert '<span class="emlib-on-screen">Drag it.</span>' in page
