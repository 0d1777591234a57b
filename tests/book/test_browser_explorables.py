"""Explorables in a browser: the script's numbers are Python's, keys and pointer work, the start needs no script."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, Page

from browser import chromium, shown, violations
from embook import explorables as ex
from embook.explorables import arrows_figure, mixture, slope_figure
from tests.tolerances import CONTROL, TWO_CODES

X = np.linspace(0, 1, 20)
WORDS: dict[str, Any] = {
    "alt": "A line that turns as the step grows",
    "label": "step",
    "values": ["one", "two", "three"],
    "axes": ex.Axes(x=(0, 1), y=(-1, 1)),
    "labels": ("x", "y"),
    "says": ["It lies flat.", "It rises.", "It rises steeply."],
}
FRAMES = [{"line": np.column_stack([X, k * X / 3])} for k in range(3)]
PICTURES = [ex.Stepped(FRAMES, WORDS["axes"], WORDS["values"], WORDS["labels"], {}, 0) for _ in range(2)]
EXPLORABLES = {
    "joined": lambda: ex.joined(
        "a-pair", PICTURES, alts=[WORDS["alt"], "The same line, once more"], label="step", says=WORDS["says"]
    ),
    "slider": lambda: ex.slider("a-slider", FRAMES, **WORDS),
    "draggable": lambda: ex.draggable("a-handle", FRAMES, [(0, 0), (0.5, 0), (1, 0)], **WORDS),
    "same_slope": ex.same_slope,
    "three_arrows": ex.three_arrows,
}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture
def slope_page(browser: Browser) -> Iterator[Page]:
    page = shown(browser, ex.same_slope().html)
    yield page
    page.close()


@pytest.fixture
def arrows_page(browser: Browser) -> Iterator[Page]:
    page = shown(browser, ex.three_arrows().html)
    yield page
    page.close()


def drawn(page: Page) -> dict[str, list[float]]:
    """All numbers in the geometry of the parts that a script may change, by part."""
    found = page.evaluate(
        """() => Object.fromEntries([...document.querySelectorAll("svg [data-part]")].map(e => [e.dataset.part,
        ["d", "transform", "cx", "cy", "rx", "ry"].map(a => e.getAttribute(a) || "").join(" ")]))"""
    )
    return {name: [float(n) for n in re.findall(r"-?\d+\.?\d*", text)] for name, text in found.items()}


@pytest.mark.parametrize("theta", [0.2, 0.3, slope_figure.SUMMIT, 0.81])
def test_same_slope_script_agrees_with_python(slope_page: Page, theta: float) -> None:
    call = "([t, y, rate]) => emlib.sameSlope.compute(t, y, rate)"
    script = slope_page.evaluate(call, [theta, list(slope_figure.COUNTS), slope_figure.RATE])
    ours = slope_figure.numbers(theta)
    assert script.keys() == ours.keys()
    for name, value in ours.items():
        assert script[name] == pytest.approx(value, rel=TWO_CODES, abs=TWO_CODES), name
    wrong = slope_page.evaluate(call, [theta, [125, 18, 20, 35], slope_figure.RATE])
    assert wrong["slope"] != pytest.approx(ours["slope"], abs=CONTROL)


@pytest.mark.parametrize("separation", [1.0, 2.5, 4.0])
@pytest.mark.parametrize("mu", [(-0.2, 1.6), (-2.5, 0.4), (0.9, -0.7)])
def test_three_arrows_script_agrees_with_python(arrows_page: Page, mu: tuple[float, float], separation: float) -> None:
    script = arrows_page.evaluate(
        "([mu, z, s, c]) => emlib.threeArrows.compute(mu, emlib.threeArrows.sample(z, s), c)",
        [list(mu), mixture.scores().tolist(), separation, 0.7],
    )
    ours = mixture.arrows(np.array(mu), mixture.sample(separation), 0.7)
    assert script["loglik"] == pytest.approx(ours.loglik, rel=TWO_CODES)
    for name in ("counts", "gradient", "projection", "ball"):
        np.testing.assert_allclose(script[name], getattr(ours, name), rtol=TWO_CODES, atol=TWO_CODES, err_msg=name)
    np.testing.assert_allclose(script["hessian"], ours.hessian[[0, 0, 1], [0, 1, 1]], rtol=TWO_CODES, atol=TWO_CODES)
    for name, step in ours.steps.items():
        np.testing.assert_allclose(script["steps"][name], step, rtol=TWO_CODES, atol=TWO_CODES, err_msg=name)
    assert script["definite"] == bool(np.linalg.eigvalsh(ours.hessian).max() < 0)


@pytest.mark.parametrize("make", [ex.same_slope, ex.three_arrows])
def test_the_start_that_python_draws_is_the_one_that_the_script_draws(browser: Browser, make: Any) -> None:
    html = make().html
    still = shown(browser, html.replace("emlib.explorable.run(", "void ("))
    moving = shown(browser, html)
    before, after = drawn(still), drawn(moving)
    texts = [
        page.evaluate("() => [...document.querySelectorAll('.emx span, .emx strong, .emx td')].map(e => e.textContent)")
        for page in (still, moving)
    ]
    still.close(), moving.close()
    assert texts[0] == texts[1]
    assert before.keys() == after.keys()
    for name in before:
        np.testing.assert_allclose(before[name], after[name], atol=1.0, err_msg=name)


def test_same_slope_obeys_keys_pointer_and_buttons(slope_page: Page) -> None:
    handle, theta = slope_page.get_by_role("slider"), slope_page.locator('[data-part="theta"]')
    handle.focus()
    slope_page.keyboard.press("ArrowRight")
    assert theta.text_content() == "0.310"
    assert handle.get_attribute("aria-valuenow") == "0.310"
    assert "missing share" in (handle.get_attribute("aria-valuetext") or "")
    slope_page.keyboard.press("End")
    assert theta.text_content() == "0.920"
    drag(slope_page, -250)
    assert 0.2 < float(theta.text_content() or 0) < 0.8
    for _ in range(12):
        slope_page.get_by_role("button", name="EM").click()
    assert theta.text_content() == "0.627"
    assert slope_page.locator('[data-part="share"]').text_content() == "0.1328"
    slope_page.get_by_role("button", name="Start again").click()
    assert theta.text_content() == "0.300"


def test_the_disc_stays_in_the_picture(slope_page: Page) -> None:
    slope_page.get_by_role("slider").focus()
    for key in ("End", "Home"):
        slope_page.keyboard.press(key)
        disc = slope_page.locator(".handle .knob").bounding_box()
        picture = slope_page.locator(".emx svg:has(.handle)").bounding_box()
        assert disc
        assert picture
        assert disc["y"] + disc["height"] / 2 <= picture["y"] + picture["height"]


@pytest.mark.parametrize("name", ["same_slope", "three_arrows", "draggable"])
def test_a_finger_carries_the_handle_and_the_page_stays(browser: Browser, name: str) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 400}, has_touch=True, is_mobile=True)
    page = context.new_page()
    head = "<meta name='viewport' content='width=device-width'>"
    page.set_content(f"{head}{EXPLORABLES[name]().html}<p style='height:2000px'>")
    page.locator(".handle").scroll_into_view_if_needed()
    scrolled = page.evaluate("() => scrollY")
    box = page.locator(".handle .knob").bounding_box()
    assert box
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    touch, places = context.new_cdp_session(page), []
    for k, kind in enumerate(["touchStart", *["touchMove"] * 10, "touchEnd"]):
        points = [] if kind == "touchEnd" else [{"x": x + 8 * k, "y": y - 2 * k}]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
        page.wait_for_timeout(20)
        places.append(page.locator(".handle").get_attribute("transform"))
    assert page.evaluate("() => scrollY") == scrolled
    assert places[-1] == places[-2] != places[0]
    assert len(set(places)) >= (2 if name == "draggable" else 9)
    context.close()


def drag(page: Page, by: float, lift: float = 0) -> None:
    """Take the handle by its middle and carry it."""
    box = page.locator(".handle .knob").bounding_box()
    assert box
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + by, y + lift, steps=5)
    page.mouse.up()


def test_the_live_region_speaks_once_the_reader_pauses(slope_page: Page) -> None:
    """Five keys in one turn of the page's loop: however slow the machine, no pause lies between them."""
    said = slope_page.locator('[data-part="say"]')
    slope_page.get_by_role("slider").focus()
    at_once = slope_page.evaluate("""() => {
        for (let k = 0; k < 5; k++) document.activeElement.dispatchEvent(
            new KeyboardEvent("keydown", {key: "ArrowRight", bubbles: true, cancelable: true}));
        return document.querySelector("[data-part=say]").textContent;
    }""")
    assert at_once == ""
    slope_page.wait_for_function("() => document.querySelector('[data-part=say]').textContent !== ''")
    assert "0.350" in (said.text_content() or "")


def test_three_arrows_obeys_keys_pointer_and_sliders(arrows_page: Page) -> None:
    def steps() -> dict[str, str | None]:
        names = ("em", "newton", "gradient")
        return {name: arrows_page.locator(f'[data-part="{name}-by"]').text_content() for name in names}

    start = steps()
    arrows_page.get_by_role("slider", name="units of").focus()
    arrows_page.keyboard.press("ArrowRight")
    swung = steps()
    assert (swung["em"], swung["newton"]) == (start["em"], start["newton"])
    assert swung["gradient"] != start["gradient"]
    arrows_page.get_by_role("slider", name="separation").focus()
    arrows_page.keyboard.press("Home")
    assert float(arrows_page.locator('[data-part="share"]').text_content() or 1) < 0.3
    handle = arrows_page.locator(".handle")
    handle.focus()
    arrows_page.keyboard.press("ArrowLeft")
    arrows_page.keyboard.press("ArrowDown")
    assert handle.get_attribute("aria-valuetext") == "mu one \N{MINUS SIGN}0.25, mu two 1.55"
    drag(arrows_page, -60, 40)
    mu = arrows_page.evaluate("() => JSON.parse(document.querySelector('.emx').dataset.mu)")
    assert mu[0] < -0.5
    assert mu[1] < 1.4
    for _ in range(60):
        arrows_page.get_by_role("button", name="EM").click()
    mu = arrows_page.evaluate("() => JSON.parse(document.querySelector('.emx').dataset.mu)")
    np.testing.assert_allclose(mu, arrows_figure.hill(1.0)["summit"], atol=CONTROL)


def test_slider_and_draggable_step_through_their_frames(browser: Browser) -> None:
    for name, role_holder in (("slider", "input"), ("draggable", ".handle")):
        page = shown(browser, EXPLORABLES[name]().html)
        control, curve = page.locator(role_holder), page.locator("[data-curve]")
        first = curve.get_attribute("d")
        control.focus()
        page.keyboard.press("ArrowRight")
        assert curve.get_attribute("d") != first
        assert control.get_attribute("aria-valuetext") == "two"
        page.keyboard.press("End")
        assert control.get_attribute("aria-valuetext") == "three"
        assert page.locator('[data-part="told"]').text_content() == "It rises steeply."
        page.wait_for_function("() => document.querySelector('[data-part=say]').textContent === 'It rises steeply.'")
        if name == "draggable":
            drag(page, -600)
            assert curve.get_attribute("d") == first
            control.focus()
            page.keyboard.press("ArrowRight")
        page.get_by_role("button", name="Start again").click()
        assert curve.get_attribute("d") == first
        assert page.locator('[data-part="told"]').text_content() == "It lies flat."
        page.close()


def test_joined_pictures_move_together(browser: Browser) -> None:
    page = shown(browser, EXPLORABLES["joined"]().html)
    curves = page.locator("[data-curve]")
    before = [curves.nth(k).get_attribute("d") for k in range(2)]
    page.get_by_role("slider").focus()
    page.keyboard.press("ArrowRight")
    after = [curves.nth(k).get_attribute("d") for k in range(2)]
    page.close()
    assert before[0] == before[1] != after[0] == after[1]


@pytest.mark.parametrize("make", EXPLORABLES.values(), ids=EXPLORABLES)
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 700, 390, 320])
def test_explorables_are_accessible_legible_and_fit(browser: Browser, make: Any, theme: str, width: int) -> None:
    page = shown(browser, make().html, width=width, theme=theme)
    found = violations(page)
    wide = page.evaluate("() => document.documentElement.scrollWidth")
    letters = page.evaluate(
        """() => Math.min(...[...document.querySelectorAll(".emx svg text")].map(e =>
        parseFloat(getComputedStyle(e).fontSize) * e.getScreenCTM().a))"""
    )
    sliders = page.evaluate("() => [...document.querySelectorAll('input')].map(e => e.getBoundingClientRect().width)")
    page.close()
    assert found == {}
    assert wide <= width
    assert letters >= 10.5
    assert min(sliders, default=150) >= 150


CUT_TICKS = """() => [...document.querySelectorAll(".emx svg text")].filter(text => {
  const box = text.getBoundingClientRect(), picture = text.closest("svg").getBoundingClientRect();
  return box.left < picture.left - 1 || box.right > picture.right + 1;
}).map(text => text.textContent)"""


@pytest.mark.parametrize("width", [1280, 390, 320])
def test_a_long_last_tick_is_not_cut_off(browser: Browser, width: int) -> None:
    html = ex.slider("a-slider", FRAMES, **{**WORDS, "axes": ex.Axes(x=(0, 150), y=(0, 1))}).html
    narrow = re.sub(r'viewBox="0 0 6400 ', 'viewBox="0 0 6200 ', html)
    whole, cut = (shown(browser, page, width=width) for page in (html, narrow))
    assert whole.evaluate(CUT_TICKS) == []
    assert "150" in cut.evaluate(CUT_TICKS)
    whole.close(), cut.close()


def test_the_accessibility_check_can_fail(browser: Browser) -> None:
    html = ex.same_slope().html
    nameless = shown(browser, html.replace('aria-label="theta, the point where the bound touches"', ""))
    faint = shown(browser, html.replace("--ink: #1b1f24", "--ink: #d8d8d8"))
    assert "aria-input-field-name" in violations(nameless)
    assert "color-contrast" in violations(faint)
    nameless.close(), faint.close()
