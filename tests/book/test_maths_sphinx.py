"""The script that typesets formulas: the book's commands, numbers that stay, faults that are told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from browser import ROOT, chromium
from embook.pages.maths import loader

KATEX = (ROOT / "assets" / "_static" / "katex").as_uri()
COMMANDS = {"E": r"\mathbb{E}"}
HEAD = (
    f"<link rel='stylesheet' href='{KATEX}/katex.min.css'><script defer src='{KATEX}/katex.min.js'></script>"
    f"<script>{loader(COMMANDS)}</script>"
)
NUMBER = "<span class='eqno'>(7)<a class='headerlink' href='#eq'>#</a></span>"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


def opened(browser: Browser, folder: Path, body: str) -> tuple[Page, list[str]]:
    """Open a page with `body`, and return it with what its console says."""
    path = folder / "page.html"
    path.write_text(f"<!doctype html><meta charset='utf-8'><title>t</title>{HEAD}<body>{body}</body>", encoding="utf-8")
    page, heard = browser.new_page(), list[str]()
    page.on("console", lambda message: heard.append(message.text))
    page.goto(path.as_uri(), wait_until="load")
    return page, heard


def test_formulas_are_typeset_with_the_books_commands_and_keep_their_numbers(browser: Browser, tmp_path: Path) -> None:
    split = r"\[\begin{split}\begin{aligned} a &lt; b \\ c &amp;= d \end{aligned}\end{split}\]"
    body = rf"<span class='math'>\(\E x\)</span><div class='math'>{NUMBER}{split}</div>"
    page, heard = opened(browser, tmp_path, body)
    assert heard == []
    assert page.locator("span.math .katex mi").all_text_contents() == ["E", "x"]
    assert page.locator("div.math .katex-display").count() == 1
    assert page.locator("div.math .eqno").inner_text() == "(7)#"
    assert "split" not in page.locator("div.math .katex-html").inner_text()
    page.close()


def test_a_formula_with_a_fault_stays_as_written_and_is_told(browser: Browser, tmp_path: Path) -> None:
    page, heard = opened(browser, tmp_path, r"<span class='math'>\(\unknown x\)</span><span class='math'>\(y\)</span>")
    assert len(heard) == 1
    assert r"\unknown" in heard[0]
    assert page.locator(".emlib-formula-fault").inner_text() == r"\(\unknown x\)"
    assert page.locator(".katex").count() == 1
    page.close()
