"""Names of sources for readers: ``xujordan1996`` is shown as "Xu and Jordan 1996"."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from pybtex.database import BibliographyData, Entry, Person, parse_string

__all__ = ["authors", "bibliography", "cited"]


def bibliography(folder: Path) -> BibliographyData:
    """Return the entries of a book's ``references.bib``, none where there is no such file."""
    path = folder / "references.bib"
    return _parsed(path.read_text(encoding="utf-8") if path.is_file() else "")


@lru_cache(maxsize=4)
def _parsed(text: str) -> BibliographyData:
    return parse_string(text, "bibtex")


def authors(entry: Entry) -> list[str]:
    """Return the surnames of an entry's authors, with their accents as letters."""
    return [_surname(person) for person in entry.persons.get("author", [])]


def _surname(person: Person) -> str:
    return " ".join(map(str, person.rich_prelast_names + person.rich_last_names))


def cited(folder: Path, key: str) -> str:
    """Return authors and year of a bibliography entry, or the key itself when the entry is not there."""
    entry = bibliography(folder).entries.get(key)
    names = authors(entry) if entry else []
    if not names:
        return key
    people = f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else names[0]
    return f"{people} {entry.fields.get('year', '(no date)')}"
