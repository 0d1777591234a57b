"""Which boxes and arrows the drawings of the page on theorems have."""

from __future__ import annotations

from embook.pages.numbering import number_of
from embook.pages.theorem_places import Places
from embook.theorems.drawing import columns
from embook.theorems.overview import rows

__all__ = ["chapter_drawing", "overview"]


def chapter_drawing(places: Places, page: str) -> str:
    """Return the drawing of a page's statements; empty where nothing is joined to anything."""
    entries = places.theorems.entries
    here = [label for label, one in places.stated.items() if one.page == page]
    needs = list(dict.fromkeys(name for label in here for name in entries[label].needs))
    others = list(dict.fromkeys(name for label in here for name in entries[label].uses if name not in here))
    claims = list(dict.fromkeys(name for label in here for name in entries[label].claims))
    boxes = {name: box for name in claims if (box := places.claim(name))}
    edges = [(name, label) for label in here for name in (*entries[label].needs, *entries[label].uses)]
    edges += [(label, name) for label in here for name in entries[label].claims if name in boxes]
    if not edges:
        return ""
    given = [*map(places.assumption, needs), *(places.statement(label, "other") for label in others)]
    return columns(f"{_name(page)}: what each statement supposes and uses, and the claims that rest on it",
                   given, [places.statement(label) for label in here], list(boxes.values()), edges)  # fmt: skip


def overview(places: Places) -> str:
    """Return the drawing of the statements that another chapter uses, or that use another chapter's."""
    pages = {label: one.page for label, one in places.stated.items()}
    edges = [(name, label) for label in pages for name in places.theorems.entries[label].uses
             if pages[name] != pages[label]]
    drawn = {label for edge in edges for label in edge}
    used = dict.fromkeys(pages[label] for label in pages if label in drawn)
    order = sorted(used, key=lambda page: number_of(page) or 0)
    chapters = [(_name(page), [places.statement(label) for label in pages if label in drawn and pages[label] == page])
                for page in order]
    return rows("Which statement of one chapter is used in which of another", chapters, edges)


def _name(page: str) -> str:
    number = number_of(page)
    return f"Chapter {number}" if number else page.rpartition("/")[2].capitalize()
