"""Pages as other extensions write them, and what the book's own extension mends in them."""

from __future__ import annotations

import re
from typing import Any

from embook.pages.extension import mend_page

PIECE = (
    '<div class="proof admonition" id="proof"><div class="proof theorem admonition" id="thm:x">'
    '<section id="proof-content"><section id="exercise-content"><section id="solution-content">'
    '<summary aria-label="Toggle hidden content">Show code</summary>'
)


def repeated(body: str) -> list[str]:
    """Ids that stand more than once."""
    found = re.findall(r'\bid="([^"]+)"', body)
    return sorted({name for name in found if found.count(name) > 1})


def mended(body: str) -> str:
    context: dict[str, Any] = {"body": body}
    mend_page(None, "", "", context, None)  # type: ignore[arg-type]  # the application is not looked at
    return str(context["body"])


def test_ids_that_repeat_go_and_labels_of_our_own_stay() -> None:
    page = PIECE + PIECE.replace("thm:x", "thm:y")
    assert repeated(page) == ["exercise-content", "proof", "proof-content", "solution-content"]
    assert repeated(mended(page)) == []
    assert 'id="thm:x"' in mended(page)
    assert 'class="proof admonition emlib-proof"' in mended(page)


def test_a_button_keeps_its_own_words() -> None:
    assert "<summary>Show code</summary>" in mended(PIECE)


def test_a_page_without_body_is_left_alone() -> None:
    context: dict[str, Any] = {}
    mend_page(None, "", "", context, None)  # type: ignore[arg-type]  # the application is not looked at
    assert context["body"] == ""


def test_a_bound_stays_on_one_line_and_attributes_are_left_alone() -> None:
    page = '<p>to &lt; 1e-8, and</p><img alt="gap &lt; 1e-8"/><p>a &lt; b</p>'
    assert mended(page) == page.replace("to &lt; 1e-8", 'to <span class="emlib-unbroken">&lt; 1e-8</span>')
