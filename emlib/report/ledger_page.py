"""The ``ledger`` directive: the registry as a table, each row with links to its cell and to its source."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

from emlib.report.claims import words
from emlib.report.ledger import collect

__all__ = ["LedgerDirective"]

HEADINGS = ("Claim", "Verdict", "What is claimed, and what settles it", "Source", "Expected", "Measured", "Judged by")
WIDTHS = (9, 9, 38, 15, 11, 11, 7)


class LedgerDirective(SphinxDirective):
    """Table of every registered claim of the chapters in the book."""

    def run(self) -> list[nodes.Node]:
        """Build the table; the page depends on every chapter and registry file."""
        folder = Path(self.env.srcdir)
        for path in (*sorted((folder / "claims").glob("*.yml")), *sorted((folder / "chapters").glob("*.ipynb"))):
            self.env.note_dependency(str(path))
        body = nodes.tbody("", *(self._row(entry) for entry in collect(folder).claims))
        group = nodes.tgroup("", *(nodes.colspec(colwidth=width) for width in WIDTHS), cols=len(WIDTHS))
        group += nodes.thead("", nodes.row("", *(_cell(nodes.Text(text)) for text in HEADINGS)))
        group += body
        table = nodes.table("", group, classes=["emlib-ledger"])
        return [self._files(), nodes.container("", table, classes=["emlib-ledger-box"])]

    def _files(self) -> nodes.paragraph:
        """Link to the same rows as files."""
        root = self._uri("ledger").removesuffix("ledger.html")
        links = [
            nodes.reference("", name, refuri=f"{root}{name}", internal=True) for name in ("ledger.json", "ledger.csv")
        ]
        return nodes.paragraph("", "", nodes.Text("The same rows as files: "), links[0], nodes.Text(" and "), links[1])

    def _row(self, entry: dict[str, Any]) -> nodes.row:
        settled = _settled(entry)
        tolerance = entry["tolerance"]
        limits = ", ".join(f"{key} {words(value)}" for key, value in tolerance.items() if key != "policy")
        policy = "" if tolerance["policy"] == "none" else f"{tolerance['policy']} {limits}".strip()
        claimed = nodes.entry(
            "", nodes.paragraph(text=entry["statement"]), nodes.paragraph(text=f"{entry['why']}{settled}")
        )
        return nodes.row(
            "",
            _cell(self._place(entry)),
            _cell(nodes.Text(_verdict(entry))),
            claimed,
            self._source(entry["source"]),
            *(_cell(nodes.Text(text)) for text in (_value(entry["expected"]), _value(entry["measured"]), policy)),
        )

    def _place(self, entry: dict[str, Any]) -> nodes.Node:
        """Link to the row's place in its chapter."""
        page, _, anchor = entry["page"].partition("#")
        return nodes.reference(
            "", entry["id"], refuri=f"{self._uri(page.removesuffix('.html'))}#{anchor}", internal=True
        )

    def _source(self, source: dict[str, str]) -> nodes.entry:
        """Cite the source, which links to its entry in the bibliography, and name the place in it."""
        parsed, _ = self.parse_inline(f"{{cite:t}}`{source['key']}`")
        return nodes.entry("", nodes.paragraph("", "", *parsed, nodes.Text(f", {source['place']}")))

    def _uri(self, page: str) -> str:
        """Return a page's address relative to this one."""
        return str(self.env.app.builder.get_relative_uri(self.env.docname, page))


def _cell(node: nodes.Node) -> nodes.entry:
    return nodes.entry("", nodes.paragraph("", "", node))


def _value(value: Any) -> str:
    return "" if value is None else words(value)


def _verdict(entry: dict[str, Any]) -> str:
    stored = " (stored study)" if entry["profile"] == "stored" else ""
    return f"{entry['verdict']}{stored}" if entry["agrees"] else f"{entry['verdict']}: AT FAULT"


def _settled(entry: dict[str, Any]) -> str:
    if entry["answered_by"]:
        return f" Answered by {', '.join(entry['answered_by'])}."
    if entry["missing"]:
        return f" Missing: {entry['missing']}."
    given = ", ".join(f"{name.replace('_', ' ')} {words(value)}" for name, value in entry["propositions"].items())
    return f" Computed: {given}." if given else ""
