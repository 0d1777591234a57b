"""Number, title and address of each statement and claim, as the page on theorems shows them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

from embook.context import chapter_file
from embook.ledger.collect import collect
from embook.pages.claim_chip import MARKS
from embook.theorems.drawing import Box
from embook.theorems.entries import load
from embook.theorems.statements import statements

__all__ = ["Places"]

#: What formulas in titles and sentences are in plain letters.
LETTERS = {r"\mid": " | ", r"\cdot": "·", r"\theta": "θ", r"\ell": "ℓ", r"\lvert": "|", r"\rvert": "|", r"^\top": "ᵀ",
           "^2": "²", "_o": "ₒ", "_c": "꜀"}


class Places:
    """What is known of statements and claims when all pages are read, seen from one page.

    Parameters
    ----------
    app : Sphinx
        Its environment holds the labels (``proof_list``, by sphinx-proof) and their numbers.
    page : str
        The page from which addresses lead.
    """

    def __init__(self, app: Sphinx, page: str) -> None:
        self.env, self.builder, self.page = app.env, app.builder, page
        self.labels: dict[str, dict[str, Any]] = getattr(app.env, "proof_list", {})
        self.folder = Path(app.srcdir)
        self.theorems = load(self.folder)[0]
        self.stated = {one.label: one for one in statements(self.folder) if one.label in self.theorems.entries}
        self.claims = {entry["id"]: entry for entry in collect(self.folder).claims}

    def number(self, label: str) -> str:
        """Return "Theorem 5.2"."""
        place = self.labels[label]
        numbers = self.env.toc_fignumbers[place["docname"]][place["countertype"]][label]
        return f"{place['realtype'].title()} {'.'.join(map(str, numbers))}"

    def uri(self, label: str) -> str:
        """Return the address of a statement."""
        return f"{self._page(self.labels[label]['docname'])}#{label}"

    def statement(self, label: str, kind: str = "statement") -> Box:
        """Return the box of a statement."""
        one, entry = self.stated[label], self.theorems.entries[label]
        return Box(label, self.uri(label), self.number(label), plain(one.title), plain(entry.says), kind)

    def assumption(self, name: str) -> Box:
        """Return the box of an assumption."""
        about = self.theorems.assumptions[name]
        return Box(name, f"#assumption-{name}", "", plain(about.name), plain(about.says), "assumption")

    def claim(self, name: str) -> Box | None:
        """Return the box of a claim; None for one whose chapter is not in the book."""
        entry = self.claims.get(name)
        path = chapter_file(self.folder, entry["chapter"]) if entry else None
        if entry is None or path is None:
            return None
        verdict, anchor = entry["verdict"], entry["page"].partition("#")[2]
        return Box(name, f"{self._page(f'chapters/{path.stem}')}#{anchor}", "",
                   f"{name} {MARKS.get(verdict, '').strip() or verdict}", f"{verdict}: {entry['statement']}",
                   f"claim emlib-{verdict}")  # fmt: skip

    def _page(self, name: str) -> str:
        return str(self.builder.get_relative_uri(self.page, name))


def plain(text: str) -> str:
    """Return a title or sentence with its few formulas as plain letters, for a drawing."""
    for formula, letter in LETTERS.items():
        text = text.replace(formula, letter)
    return text.replace("$", "")
