"""What a docstring of the package cites by author and year stands in the bibliography of the book."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

import pytest

from embook.ledger.sources import authors, bibliography

ROOT = Path(__file__).parents[2]
NAME = r"[A-ZÀ-Ý][^\W\d_]+"
CITED = re.compile(rf"\b({NAME})(?:(?:, | & |, ?& ){NAME})*(?:'s)?(?: et al\.)? \(?((?:19|20)\d\d)\b")
NOT_AUTHORS = {"In", "Since", "October"}


def plain(name: str) -> str:
    """Return a name without accents, as docstrings may write it."""
    return "".join(c for c in unicodedata.normalize("NFKD", name) if not unicodedata.combining(c)).lower()


def cited(text: str) -> set[tuple[str, str]]:
    """Return the first author and the year of what a text cites; line ends are blanks."""
    found = CITED.findall(re.sub(r"\s+", " ", text))
    return {(plain(name), year) for name, year in found if name not in NOT_AUTHORS}


def listed() -> set[tuple[str, str]]:
    """Return each author with the year of each entry of the bibliography."""
    entries = bibliography(ROOT).entries.values()
    return {(plain(name), entry.fields.get("year", "")) for entry in entries for name in authors(entry)}


LISTED = listed()


@pytest.mark.parametrize("path", sorted((ROOT / "emlib").rglob("*.py")), ids=lambda path: path.stem)
def test_what_a_module_cites_is_in_the_bibliography(path: Path) -> None:
    assert cited(path.read_text(encoding="utf-8")) - LISTED == set()


def test_citations_are_found() -> None:
    """The pattern finds those of one author, of two and of three, and in the genitive."""
    text = "Jöreskog (1969), Baum, Petrie, Soules & Weiss (1970), Liu & Rubin 1994; Tan's (2009) penalty, since 1990"
    assert cited(text) == {("joreskog", "1969"), ("baum", "1970"), ("liu", "1994"), ("tan", "2009")}


def test_a_year_or_name_that_no_entry_has_is_caught() -> None:
    assert cited("Dempster, Laird & Rubin (1977)") <= LISTED
    assert not cited("Dempster, Laird & Rubin (1978)") <= LISTED
    assert not cited("Nobody (1977)") <= LISTED
