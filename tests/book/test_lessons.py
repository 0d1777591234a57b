"""The chapters in the form of a lesson, measured on their built pages. Run `make book` first."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

import chapters
from audit import Findings, visit
from browser import HTML, chromium, shown
from lesson_page import AUDIT_WORDS, CLAIMS, WORDS, measured
from rules.lesson import lessons

SECTION = "<section><h2>{title}<a class='headerlink'>#</a></h2>{inner}</section>"
FIGURE = "<figure><img src='a.png' alt='a'></figure>"
FIRST_PICTURE = """() => {
  const whole = [...document.querySelectorAll("article.bd-article figure :is(img, svg)")]
    .filter(e => !e.closest("details:not([open])")).map(e => e.getBoundingClientRect());
  return whole.some(r => r.height > 100 && r.top >= 0 && r.bottom <= innerHeight);
}"""
CUT_OFF = """() => {
  document.querySelectorAll("article details").forEach(fold => { fold.open = true; });
  const kinds = "article :is(pre, .emlib-scroll, figure, .pst-scrollable-table-container)";
  const boxes = [...document.querySelectorAll(kinds)];
  return boxes.filter(e => e.scrollWidth > e.clientWidth + 1 || e.getBoundingClientRect().right > innerWidth + 1)
    .map(e => `${e.scrollWidth - e.clientWidth} px of: ${e.textContent.trim().slice(0, 60)}`);
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


def page_of(number: str) -> Path:
    return HTML / "chapters" / f"{chapters.find(number).stem}.html"


def article(*sections: str) -> str:
    return f"<article class='bd-article'><section><h1>1. A</h1>{''.join(sections)}</section></article>"


def test_the_list_names_chapters() -> None:
    assert len(set(lessons())) == len(lessons())
    assert all(chapters.find(number).name.startswith(f"{number}_") for number in lessons())


def test_a_lesson_is_short_has_pictures_and_its_cards_at_the_end() -> None:
    faults = {number: measured(page_of(number).read_text(encoding="utf-8")).faults() for number in lessons()}
    assert {number: found for number, found in faults.items() if found} == {}


def test_a_picture_stands_whole_on_the_first_screen(browser: Browser) -> None:
    for number in lessons():
        with visit(browser, page_of(number).as_uri(), Findings()) as page:
            assert page.evaluate(FIRST_PICTURE), f"chapter {number}"


@pytest.mark.parametrize("width", [1280, 390])
def test_nothing_is_cut_off_with_all_folds_open(browser: Browser, width: int) -> None:
    for number in lessons():
        with visit(browser, page_of(number).as_uri(), Findings(), width=width) as page:
            assert page.evaluate(CUT_OFF) == [], f"chapter {number}"


def test_words_in_sight_and_in_folds_are_told_apart() -> None:
    fold = "<details><summary>Proof of it</summary><p>five words stand in here</p></details>"
    code = "<pre>x = 1</pre><span class='katex'>a b</span>"
    lesson = measured(article(SECTION.format(title="Two words", inner=f"<p>three more words.</p>{code}{fold}")))
    assert lesson.words == 2 + 2 + 3 + 3  # the title is "1. A"
    assert lesson.audit_words == 5


@pytest.mark.parametrize(("inner", "fault"), [
    ("<p>no picture</p>", "has no picture"),
    (f"<details><summary>s</summary>{FIGURE}</details>", "has no picture"),
    (f"{FIGURE}<div class='emlib-claim' id='claim-x'></div>", "card claim-x"),
    (FIGURE + "word " * (WORDS + 1), "words in sight"),
    (f"{FIGURE}<details><summary>s</summary>{'word ' * (AUDIT_WORDS + 1)}</details>", "words in folds"),
])
def test_what_is_no_lesson_is_seen(inner: str, fault: str) -> None:
    good = SECTION.format(title="Idea", inner=FIGURE)
    card = "<details class='emlib-card' id='claim-y'><summary>y</summary></details>"
    settled = SECTION.format(title=CLAIMS, inner=card)
    assert measured(article(good, settled)).faults() == []
    faults = measured(article(SECTION.format(title="Bad", inner=inner), settled)).faults()
    assert len(faults) == 1
    assert fault in faults[0]


def test_a_page_that_is_no_chapter_is_refused() -> None:
    with pytest.raises(ValueError, match="no article"):
        measured("<p>nothing</p>")


def test_what_is_cut_off_is_seen(browser: Browser) -> None:
    code = f"<pre style='overflow:auto'>{'x' * 400}</pre>"
    page = shown(browser, f"<article><details><summary>s</summary>{code}</details></article>", width=1280)
    assert len(page.evaluate(CUT_OFF)) == 1
    page.close()


def test_a_picture_below_the_first_screen_is_seen(browser: Browser) -> None:
    figure = "<figure><svg height='300'></svg></figure>"
    for above, there in ((200, True), (700, False)):
        html = f"<article class='bd-article'><p style='height:{above}px'></p>{figure}</article>"
        page = shown(browser, html, width=1280)
        assert page.evaluate(FIRST_PICTURE) is there
        page.close()
