"""A claim's chip in a browser: mouse, keyboard and finger are told the same, and each comes to the claim."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files

import pytest
from playwright.sync_api import Browser, Page

from browser import chromium, shown, violations

SCRIPT = files("embook").joinpath("assets", "chip.js").read_text(encoding="utf-8")
STYLE = files("embook").joinpath("assets", "embook.css").read_text(encoding="utf-8")
CHIP = (
    f"<style>:root {{ --pst-color-background: #fff; --pst-color-text-base: #222; }} {STYLE}</style>"
    "<p>It rises (<a class='emlib-chip emlib-holds' href='#place' title='It rises. Verdict: holds.'>S1 "
    "<span class='emlib-chip-verdict'>holds ✓</span></a>).</p><p id='place'>The claim.</p>"
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


def opened(page: Page) -> Page:
    """Run the script as a page does that has just been read."""
    page.evaluate(SCRIPT + "; document.dispatchEvent(new Event('DOMContentLoaded'))")
    return page


def test_mouse_and_keyboard_are_told_at_once(browser: Browser) -> None:
    page = opened(shown(browser, CHIP, width=390))
    tip, chip = page.locator(".emlib-tip"), page.locator(".emlib-chip")
    assert not tip.is_visible()
    chip.hover()
    assert tip.inner_text() == "It rises. Verdict: holds."
    page.keyboard.press("Escape")
    assert not tip.is_visible()
    page.keyboard.press("Tab")
    assert tip.is_visible()
    assert chip.get_attribute("aria-describedby") == tip.get_attribute("id")
    assert violations(page) == {}
    box = tip.bounding_box()
    assert box
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390
    page.keyboard.press("Enter")
    assert page.evaluate("() => location.hash") == "#place"
    page.close()


def test_a_finger_is_told_first_and_led_at_the_second_tap(browser: Browser) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 800}, has_touch=True, is_mobile=True)
    page = context.new_page()
    page.set_content(f"<meta name='viewport' content='width=device-width'>{CHIP}")
    opened(page)
    page.locator(".emlib-chip").tap()
    assert page.locator(".emlib-tip").is_visible()
    assert page.evaluate("() => location.hash") == ""
    page.locator(".emlib-chip").tap()
    assert page.evaluate("() => location.hash") == "#place"
    page.locator("#place").tap()
    assert not page.locator(".emlib-tip").is_visible()
    context.close()


def test_without_the_script_the_title_tells(browser: Browser) -> None:
    page = shown(browser, CHIP)
    assert page.locator(".emlib-chip").get_attribute("title") == "It rises. Verdict: holds."
    page.close()
