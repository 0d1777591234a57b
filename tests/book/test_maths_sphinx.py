"""Formulas are set while the book is built: the book's commands, numbers that stay, faults that are told."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from embook.pages.maths import typeset
from tests.book.one_page import build

SETTINGS = {
    "extensions": ["myst_parser", "embook.pages.maths"],
    "html_math_renderer": "katex",
    "katex_macros": {"E": r"\mathbb{E}"},
    "myst_enable_extensions": ["amsmath", "dollarmath"],
}
PAGE = r"""# A page on $\E x$

Inline, $a < \E x$, and

$$
\begin{aligned} a &< b \\ c &= d \end{aligned}
$$ (eq:two)

as well as

\begin{align*} u &= v \\ w &= x \end{align*}

See {eq}`eq:two`.
"""


def test_formulas_are_set_with_the_books_commands_and_keep_their_numbers(tmp_path: Path) -> None:
    html, complaints = build(tmp_path, PAGE, SETTINGS)
    assert complaints == ""
    body = html.partition("<h1>")[2].partition("sphinxsidebar")[0]
    assert body.count('class="katex"') == 4
    assert body.count('class="katex-display"') == 2
    assert '<mi mathvariant="double-struck">E</mi><mi>x</mi>' in body
    assert r'<annotation encoding="application/x-tex">a &lt; \E x</annotation>' in body
    assert re.search(r'<div class="math[^>]*id="equation-eq-two">\s*<span class="eqno">\(1\)', body)
    assert 'href="#equation-eq-two"' in body
    assert r"\[" not in body
    assert "<script>" not in body


def test_a_formula_with_a_fault_is_a_warning_and_stays_as_written(tmp_path: Path) -> None:
    html, complaints = build(tmp_path, "# A page\n\nBad: $\\unknown x$. Good: $y$.\n", SETTINGS)
    assert r"Undefined control sequence: \unknown" in complaints
    assert r'<span class="emlib-formula-fault">\(\unknown x\)</span>' in html
    assert html.count('class="katex"') == 1


def test_the_fault_names_what_katex_found() -> None:
    with pytest.raises(ValueError, match=r"^formula: KaTeX parse error: Unexpected end of input"):
        typeset(r"\frac{1", display=False)


def test_a_full_stop_stays_on_the_line_of_its_formula(tmp_path: Path) -> None:
    long = "+".join(["x_1"] * 20)
    html, complaints = build(tmp_path, f"# A page\n\nOne $a$, and $b$ more, ${long}$. Last $c$.\n", SETTINGS)
    assert complaints == ""
    kept = re.findall(r'<span class="emlib-unbroken">.*?<annotation[^>]*>(.*?)</annotation>', html)
    assert kept == ["a", "c"]
