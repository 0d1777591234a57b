"""The directive ``{claims-settled}``: the cards of a chapter's claims, one line each, in the section that it ends with.

A lesson shows a claim as a chip in the sentence that it concerns. On a page with this directive the cards that its
cells leave are taken out of the flow; each opens here, from its one line, to what was measured and expected, how it was
judged, why, and whose claim it is. Chips and the ledger lead to the card, which opens by itself.
"""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform
from sphinx.util.docutils import SphinxDirective

from embook.ledger.collect import collect
from embook.ledger.registry import SCOPE
from embook.pages.claim_chip import MARKS
from embook.pages.ledger_page import numbers
from embook.pages.numbering import number_of

__all__ = ["numbers_once", "setup"]

SECTION = "emlib-cards"


class ClaimsSettledDirective(SphinxDirective):
    """The rows whose home is this chapter, in the order of their sources."""

    def run(self) -> list[nodes.Node]:
        """Build the cards; the page depends on its registry files."""
        folder = Path(self.env.srcdir)
        for path in sorted((folder / "claims").glob("*.yml")):
            self.env.note_dependency(str(path))
        chapter = number_of(self.env.docname)
        claims = [entry for entry in collect(folder).claims if entry["chapter"] == chapter]
        if not claims:
            raise self.error("claims-settled: this page settles no claim; remove the directive or register a row")
        claims.sort(key=lambda entry: (entry["source"]["key"], entry["id"]))
        return [nodes.container("", *(node for entry in claims for node in self._card(entry)), classes=[SECTION])]

    def _card(self, entry: dict[str, Any]) -> list[nodes.Node]:
        """Return one card; a row that is settled by a passage has its place there, and links to it."""
        verdict, by_text = entry["verdict"], not entry["propositions"]
        place = f"card-{entry['id'].lower()}" if by_text else f"claim-{entry['id'].lower()}"
        line = (
            f'<details class="emlib-card emlib-{verdict}" id="{escape(place, quote=True)}"><summary>'
            f'<span class="emlib-card-id">{escape(entry["id"])}</span> '
            f'<span class="emlib-card-verdict">{verdict}{MARKS.get(verdict, "")}</span> '
            f'<span class="emlib-card-statement">{escape(entry["statement"])}</span></summary>'
        )
        return [nodes.raw("", line, format="html"), *self._lines(entry), nodes.raw("", "</details>", format="html")]

    def _lines(self, entry: dict[str, Any]) -> list[nodes.Node]:
        lines = [*numbers_once(entry), f"why: {entry['why']}"]
        lines += [f"{label}: {entry[name]}" for name, label in SCOPE.items() if entry[name]]
        lines += ["from a stored study; a test computes a random share of it anew"] * (entry["profile"] == "stored")
        items = [nodes.list_item("", nodes.paragraph(text=text)) for text in lines]
        return [nodes.bullet_list("", *items, nodes.list_item("", self._source(entry)))]

    def _source(self, entry: dict[str, Any]) -> nodes.paragraph:
        """Cite the source with the place in it; name the passage that settles a row without a run."""
        source = entry["source"]
        parsed, _ = self.parse_inline(f"{{cite:t}}`{source['key']}`")
        words = [nodes.Text("source: "), *parsed, nodes.Text(f", {source['place']}")]
        if "quoted_by" in source:
            quoting, _ = self.parse_inline(f"{{cite:t}}`{source['quoted_by']}`")
            words += [nodes.Text(", as quoted by "), *quoting]
        if not entry["propositions"]:
            passage = nodes.reference("", "the passage", refuri=f"#claim-{entry['id'].lower()}", internal=True)
            words += [nodes.Text("; settled by "), passage, nodes.Text(" of this chapter")]
        return nodes.paragraph("", "", *words)


def numbers_once(entry: dict[str, Any]) -> list[str]:
    """Return the lines of `numbers`, those expected and measured as one where they are the same numbers."""
    lines = numbers(entry)
    if entry["expected"] is None or not _same(entry["expected"], entry["measured"]):
        return lines
    return [lines[0].replace("expected", "measured, as expected", 1), *lines[2:]]


def _same(one: Any, other: Any) -> bool:
    """Return whether two values are equal, 0.90 and 0.9 among them."""
    if isinstance(one, dict) and isinstance(other, dict):
        return set(one) == set(other) and all(_same(value, other[key]) for key, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    try:
        return float(one) == float(other)
    except (TypeError, ValueError):
        return bool(one == other)


class CardsOutOfTheFlow(SphinxTransform):
    """Take the cards that cells leave out of a page that shows them in a section of their own."""

    default_priority = 240  # before passages are folded

    def apply(self, **kwargs: Any) -> None:
        """Remove the outputs, and a cell's box of outputs when it is empty then."""
        if not any(SECTION in box["classes"] for box in self.document.findall(nodes.container)):
            return
        for card in list(self.document.findall(nodes.raw)):
            bundle = card.parent.parent if 'class="emlib-claim' in card.astext() else None
            if bundle is None or bundle.get("nb_element") != "mime_bundle":
                continue
            outputs = bundle.parent
            outputs.remove(bundle)
            if not outputs.children:
                outputs.parent.remove(outputs)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register directive and transform."""
    app.add_directive("claims-settled", ClaimsSettledDirective)
    app.add_transform(CardsOutOfTheFlow)
    return {"version": "1", "env_version": 1, "parallel_read_safe": True, "parallel_write_safe": True}
