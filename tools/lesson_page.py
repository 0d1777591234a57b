"""Measure a built page by what a lesson may be: words, code, pictures, claim cards.

    python tools/lesson_page.py 01          the chapter's page in _build/html
    python tools/lesson_page.py 01 --built _build/root/_build/html

Words of formulas and of code do not count. What stands in a fold counts for the audit behind the lesson.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

from bs4 import BeautifulSoup, Tag

from chapters import find
from setup_env import ROOT

WORDS = 4500
AUDIT_WORDS = 4000
CLAIMS = "Claims settled here"
#: Sections that need no picture.
PLAIN = {"What you will be able to do", "Exercises", CLAIMS, "Sources"}
NO_WORDS = "script, style, pre, a.headerlink, .katex, svg, .emlib-tip, .visually-hidden"
PICTURES = "figure img, figure svg, figure .emx"


@dataclass(frozen=True)
class Lesson:
    """What a page holds: words in sight and in folds, sections without a picture, and cards outside their section."""

    words: int
    audit_words: int
    bare_sections: list[str]
    stray_cards: list[str]

    def faults(self) -> list[str]:
        """Return what is not as a lesson should be, a sentence each."""
        found = [f"the section {title!r} has no picture" for title in self.bare_sections]
        found += [f"the card {name} stands outside the section {CLAIMS!r}" for name in self.stray_cards]
        if self.words > WORDS:
            found.append(f"{self.words} words in sight, at most {WORDS}")
        if self.audit_words > AUDIT_WORDS:
            found.append(f"{self.audit_words} words in folds, at most {AUDIT_WORDS}")
        return found


def measured(html: str) -> Lesson:
    """Measure the text of a page.

    Raises
    ------
    ValueError
        If it has no article with sections: it is no page of the book.
    """
    article = BeautifulSoup(html, "html.parser").select_one("article.bd-article")
    chapter = article.select_one("section") if article else None
    if chapter is None:
        raise ValueError("the page has no article with a section: give a built chapter")
    sections = [part for part in chapter.find_all("section", recursive=False) if part.find("h2")]
    bare = [_title(part) for part in sections if not _seen_pictures(part)]
    stray = [str(card.get("id")) for card in chapter.select(".emlib-claim, .emlib-card")
             if not any(_title(part) == CLAIMS for part in card.find_parents("section") if part.find("h2"))]
    for nothing in chapter.select(NO_WORDS):
        nothing.extract()
    every = _words(chapter)
    for fold in chapter.select("details"):
        if fold.find_parent("details") is None:
            for part in [part for part in fold.children if not isinstance(part, Tag) or part.name != "summary"]:
                part.extract()
    seen = _words(chapter)
    return Lesson(seen, every - seen, [title for title in bare if title not in PLAIN], stray)


def _title(section: Tag) -> str:
    heading = section.find("h2")
    return " ".join(heading.get_text().replace("#", "").split()) if heading else ""


def _seen_pictures(section: Tag) -> list[Tag]:
    return [picture for picture in section.select(PICTURES) if picture.find_parent("details") is None]


def _words(part: Tag) -> int:
    return sum(any(map(str.isalnum, word)) for word in part.get_text(" ").split())


def main(arguments: list[str] | None = None) -> int:
    """Print a chapter's measures and faults."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("chapter", help="two digits: 01")
    parser.add_argument("--built", type=Path, default=ROOT / "_build" / "html", help="the folder of the built pages")
    chosen = parser.parse_args(arguments)
    page = chosen.built / "chapters" / f"{find(chosen.chapter).stem}.html"
    lesson = measured(page.read_text(encoding="utf-8"))
    print(f"{page.stem}: {lesson.words} words in sight, {lesson.audit_words} in folds")
    print(*lesson.faults(), sep="\n", end="\n" if lesson.faults() else "")
    return 1 if lesson.faults() else 0


if __name__ == "__main__":
    sys.exit(main())
