"""What a page says of itself in its head."""

from __future__ import annotations

from pathlib import Path

from tests.book.one_page import build

TITLE = "Cause & effect of one"
PAGE = """# Cause & effect of *one*

Short.

The slope $s$ is left out.

EM walks to the point where the curve crosses zero, and """ + "on " * 100 + """to the end.
"""


def test_a_page_describes_itself_and_its_title_stands_once(tmp_path: Path) -> None:
    settings = {"extensions": ["myst_parser", "embook.pages.metadata"], "project": "Book", "html_title": TITLE}
    html, complaints = build(tmp_path, PAGE, settings)
    assert complaints == ""
    head = html.partition("</head>")[0]
    assert '<meta name="description" content="EM walks to the point where the curve crosses zero, and on' in head
    assert '<meta property="og:title" content="Cause &amp; effect of one"/>' in head
    assert '<meta property="og:site_name" content="Cause &amp; effect of one"/>' in head
    assert head.partition("<title>")[2].partition("</title>")[0].strip() == "Cause &amp; effect of one"
    description = head.partition('name="description" content="')[2].partition('"')[0]
    assert len(description) <= 202
    assert description.endswith("on …")


def test_a_page_without_sentences_has_no_description(tmp_path: Path) -> None:
    html, _ = build(tmp_path, "# A page\n\nShort.\n", {"extensions": ["myst_parser", "embook.pages.metadata"]})
    assert "description" not in html.partition("</head>")[0]
