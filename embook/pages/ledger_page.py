"""The ``ledger`` directive: the registry as a table, each row with links to its cell and to its source."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

from embook.ledger.card import words
from embook.ledger.collect import collect, sources
from embook.ledger.registry import SCOPE

__all__ = ["LedgerDirective", "numbers"]

#: Verdicts in the order of the page: what may surprise comes first, after one that is none of these.
VERDICTS = ("false", "imprecise", "conditional", "open", "holds", "answered", "reference", "definition")
HEADINGS = ("Claim", "Verdict", "What is claimed, and what settles it", "Numbers", "Source")


class LedgerDirective(SphinxDirective):
    """Table of every registered claim of the chapters in the book."""

    def run(self) -> list[nodes.Node]:
        """Build the table; the page depends on every chapter and registry file."""
        folder = Path(self.env.srcdir)
        for path in sources(folder):
            self.env.note_dependency(str(path))
        claims = sorted(collect(folder).claims, key=lambda entry: _place_of(entry["verdict"]))
        self.pages = {entry["id"]: entry["page"] for entry in claims}
        group = nodes.tgroup("", *(nodes.colspec(colwidth=1) for _ in HEADINGS), cols=len(HEADINGS))
        group += nodes.thead("", nodes.row("", *(_cell(nodes.Text(text)) for text in HEADINGS)))
        group += nodes.tbody("", *(self._row(entry) for entry in claims))
        table = nodes.table("", group, classes=["emlib-ledger"])
        return [_totals(claims), self._files(), nodes.container("", table, classes=["emlib-ledger-box"])]

    def _files(self) -> nodes.paragraph:
        """Link to the same rows as files."""
        root = self._uri("ledger").removesuffix("ledger.html")
        links = [nodes.reference("", name, refuri=root + name, internal=True) for name in ("ledger.json", "ledger.csv")]
        return nodes.paragraph("", "", nodes.Text("The same rows as files: "), links[0], nodes.Text(" and "), links[1])

    def _row(self, entry: dict[str, Any]) -> nodes.row:
        settled = nodes.paragraph("", "", nodes.Text(f"{entry['why']} "), *self._support(entry), classes=["emlib-why"])
        chapter = nodes.paragraph(text=f"chapter {entry['chapter']}", classes=["emlib-why", "emlib-unbroken"])
        return nodes.row(
            "",
            nodes.entry("", nodes.paragraph("", "", self._place(entry["id"])), chapter),
            nodes.entry("", nodes.paragraph("", "", *_verdict(entry))),
            nodes.entry("", nodes.paragraph(text=entry["statement"]), settled, *_scope(entry)),
            nodes.entry("", *(nodes.paragraph("", "", *_unbroken(text)) for text in numbers(entry))),
            self._source(entry["source"]),
            ids=[f"row-{entry['id'].lower()}"],
            classes=[f"emlib-verdict-{entry['verdict']}", f"emlib-chapter-{entry['chapter']}"],
        )

    def _support(self, entry: dict[str, Any]) -> list[nodes.Node]:
        """Return what a verdict rests on: computed propositions, other rows, or what an open row lacks."""
        if entry["missing"]:
            return [nodes.Text(f"Missing: {entry['missing']}.")]
        if entry["answered_by"]:
            links = [node for name in entry["answered_by"] for node in (nodes.Text(", "), self._place(name))]
            return [nodes.Text("Answered by "), *links[1:], nodes.Text(".")]
        given = ", ".join(f"{name.replace('_', ' ')} {words(value)}" for name, value in entry["propositions"].items())
        return [nodes.Text(f"Computed: {given}.")] if given else []

    def _place(self, name: str) -> nodes.Node:
        """Link to a row's place in its chapter; a row of a chapter that is not in the book has none."""
        if name not in self.pages:
            return nodes.Text(name)
        page, _, anchor = self.pages[name].partition("#")
        uri = self._uri(page.removesuffix(".html"))
        return nodes.reference("", name, refuri=f"{uri}#{anchor}", internal=True)

    def _source(self, source: dict[str, str]) -> nodes.entry:
        """Cite the source, which links to its entry in the bibliography, and name the place in it."""
        parsed, _ = self.parse_inline(f"{{cite:t}}`{source['key']}`")
        place = [nodes.Text(f", {source['place']}")]
        if "quoted_by" in source:
            quoting, _ = self.parse_inline(f"{{cite:t}}`{source['quoted_by']}`")
            place += [nodes.Text(", as quoted by "), *quoting]
        return nodes.entry("", nodes.paragraph("", "", *parsed, *place), classes=["emlib-source"])

    def _uri(self, page: str) -> str:
        """Return a page's address relative to this one."""
        return str(self.env.app.builder.get_relative_uri(self.env.docname, page))


def _cell(node: nodes.Node) -> nodes.entry:
    return nodes.entry("", nodes.paragraph("", "", node))


def _scope(entry: dict[str, Any]) -> list[nodes.paragraph]:
    """Return what was tried and what was not, a paragraph each."""
    given = [(label, entry[name]) for name, label in SCOPE.items() if entry[name]]
    return [nodes.paragraph(text=f"{label.capitalize()}: {text}", classes=["emlib-why"]) for label, text in given]


def _place_of(verdict: str) -> int:
    return VERDICTS.index(verdict) if verdict in VERDICTS else -1


def _totals(claims: list[dict[str, Any]]) -> nodes.paragraph:
    """Say how many rows have which verdict, in the order of the rows."""
    given = ", ".join(f"{count} {verdict}" for verdict, count in Counter(entry["verdict"] for entry in claims).items())
    return nodes.paragraph(text=f"{len(claims)} rows: {given}.")


def _verdict(entry: dict[str, Any]) -> list[nodes.Node]:
    """Return a verdict as a word in a box, and what goes with it."""
    stored = [nodes.Text(" (stored study)")] if entry["profile"] == "stored" else []
    fault = [] if entry["agrees"] else [nodes.Text(": AT FAULT")]
    return [nodes.inline(text=entry["verdict"], classes=["emlib-verdict"]), *stored, *fault]


def numbers(entry: dict[str, Any]) -> list[str]:
    """Return the lines expected and measured, the numbers in one order, and how they were judged."""
    tolerance = entry["tolerance"]
    limits = [f"{key} {words(value)}" for key, value in tolerance.items() if key != "policy"]
    judged = None if tolerance["policy"] == "none" else ", ".join([tolerance["policy"], *limits])
    named = (("expected", entry["expected"]), ("measured", entry["measured"]))
    lines = [f"{name}: {_spelled(value, entry['measured'])}" for name, value in named if value is not None]
    return [*lines, f"judged by: {judged}"] if judged else lines


def _unbroken(text: str) -> list[nodes.Node]:
    """Return words of which none that holds a digit and a hyphen, such as 1e-10, is broken at the end of a line."""
    return [
        nodes.inline(text=word, classes=["emlib-unbroken"]) if re.search(r"\d.*-|-.*\d", word) else nodes.Text(word)
        for word in re.split(r"( )", text)
    ]


def _spelled(value: Any, like: Any) -> str:
    """Return a value as `words` does, but label = value, a semicolon between; labels in the order of a second one."""
    if not isinstance(value, dict):
        return words(value)
    first = [key for key in like if key in value] if isinstance(like, dict) else []
    parts = (f"{key} = {_spelled(value[key], None)}" for key in dict.fromkeys([*first, *value]))
    return "; ".join(parts).replace("= < ", "< ")
