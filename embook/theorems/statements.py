"""The labelled statements of the book's pages, each with its proof and with what that proof cites.

A statement is a directive of sphinx-proof with a label, such as ``{prf:theorem}`` or ``{prf:definition}``. Its proof is
the next ``{prf:proof}``, or the next ``{dropdown}`` whose title begins with "Proof", before another statement begins.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from embook.contents import pages
from embook.context import cells

__all__ = ["Statement", "cited", "statements", "text_of"]

OPENING = re.compile(r"^ *(?P<fence>:{3,}|`{3,})\{(?P<name>[\w:-]+)\} *(?P<title>.*)$")
LABEL = re.compile(r"^ *:label: *(\S+) *$", re.MULTILINE)
EQUATION = re.compile(r"\$\$ *\((eq:[\w:-]+)\)")
TO_STATEMENT = re.compile(r"\{prf:ref\}`(?:[^`<]*<)?([^`>]+)>?`")
TO_EQUATION = re.compile(r"\{eq\}`([^`]+)`")


@dataclass
class Statement:
    """A labelled theorem, lemma, proposition, corollary or definition of a page."""

    label: str
    kind: str
    title: str
    page: str
    text: str
    proof: str = ""


def statements(folder: Path) -> list[Statement]:
    """Return the statements of a book's pages, in the order of its contents and of each page.

    Parameters
    ----------
    folder : Path
        The folder of the ``_toc.yml`` in use.
    """
    return [one for page in pages(folder) for one in _of_page(page, text_of(folder / page))]


def cited(found: list[Statement]) -> dict[str, set[str]]:
    """Return, for each label, the labels that its statement or proof cites, itself left out.

    An equation that stands in a statement or in its proof is cited as that statement.
    """
    home = {name: one.label for one in found for name in EQUATION.findall(one.text + one.proof)}
    labels = {one.label for one in found}
    cites = {}
    for one in found:
        named = set(TO_STATEMENT.findall(one.text + one.proof)) & labels
        by_equation = {home[name] for name in TO_EQUATION.findall(one.proof) if name in home}
        cites[one.label] = (named | by_equation) - {one.label}
    return cites


def text_of(path: Path) -> str:
    """Return a page's Markdown; of a notebook, that of its cells of text."""
    if (page := path.with_suffix(".md")).is_file():
        return page.read_text(encoding="utf-8")
    return "\n\n".join(cell["source"] for cell in cells(path.with_suffix(".ipynb")) if cell["cell_type"] == "markdown")


def _of_page(page: str, text: str) -> Iterator[Statement]:
    current = None
    for kind, title, body in _blocks(text.splitlines()):
        label = LABEL.search(body)
        if kind == "prf:proof" or (kind == "dropdown" and title.startswith("Proof")):
            if current is not None and not current.proof:
                current.proof = body
        elif kind.startswith("prf:") and label:
            if current is not None:
                yield current
            current = Statement(label[1], kind.removeprefix("prf:"), title, page, body)
    if current is not None:
        yield current


def _blocks(lines: list[str]) -> Iterator[tuple[str, str, str]]:
    """Yield name, title and content of each directive, an outer one before those in it."""
    for place, line in enumerate(lines):
        if opening := OPENING.match(line):
            rest = lines[place + 1 :]
            end = next((n for n, other in enumerate(rest) if other.strip() == opening["fence"]), len(rest))
            yield opening["name"], opening["title"].strip(), "\n".join(rest[:end])
