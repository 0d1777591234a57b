"""The directive ``{theorem-map}``: what the book's statements say, what they rest on, and which claims rest on them.

In MyST ``{theorem-map} chapters`` makes a section for each page with statements, with a drawing and a list;
``overview`` draws which theorem feeds which over the chapters, ``assumptions`` is the glossary, ``claims`` lists the
claims without a statement. Titles and numbers come from the labels, when all pages are read; the rest from `theorems/`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

from embook.ledger.collect import sources
from embook.pages.numbering import number_of
from embook.pages.theorem_drawings import chapter_drawing, overview
from embook.pages.theorem_places import Places
from embook.theorems.check import faults
from embook.theorems.entries import Theorems, files, load
from embook.theorems.statements import Statement, statements, text_of

__all__ = ["setup"]

LINK, DRAWING = "emlib_link", "emlib_drawing"  # what is filled in when all pages are read
log = logging.getLogger(__name__)


class TheoremMapDirective(SphinxDirective):
    """One part of the page on theorems."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Build the part; the page depends on the files of theorems and on whatever may state one."""
        folder = Path(self.env.srcdir)
        for path in (*files(folder), *sources(folder), *(folder / "reference").glob("*.md")):
            self.env.note_dependency(str(path))
        parts = {"chapters": self._chapters, "overview": self._overview, "assumptions": self._assumptions,
                 "claims": self._claims}  # fmt: skip
        if self.arguments[0] not in parts:
            raise self.error(f"theorem-map is {self.arguments[0]!r}: use one of {', '.join(parts)}")
        self.theorems: Theorems = load(folder)[0]
        self.stated = [one for one in statements(folder) if one.label in self.theorems.entries]
        return parts[self.arguments[0]]()

    def _chapters(self) -> list[nodes.Node]:
        sections = []
        for page in dict.fromkeys(one.page for one in self.stated):
            title = _title(Path(self.env.srcdir), page)
            section = nodes.section("", nodes.title(title, "", *self._inline(title)), ids=[f"of-{_slug(page)}"])
            section += _drawing(page)
            section += nodes.container("", *(self._item(one) for one in self.stated if one.page == page),
                                       classes=["emlib-statements"])
            sections.append(section)
        return sections

    def _item(self, one: Statement) -> nodes.container:
        """Return a statement's number and title, its sentence, and a line for each thing that it is joined to."""
        entry = self.theorems.entries[one.label]
        feeds = [other.label for other in self.stated if one.label in self.theorems.entries[other.label].uses]
        name = nodes.strong("", "", _link(one.label, self._inline(one.title)))
        head = nodes.paragraph("", "", name, nodes.Text(". "), *self._inline(entry.says))
        lines = [
            ("supposes", [self._assumption(name) for name in entry.needs]),
            ("rests on", [_link(label) for label in entry.uses]),
            ("used by", [_link(label) for label in feeds]),
            ("claims that rest on it", [node for name in entry.claims for node in self._inline(f"{{claim}}`{name}`")]),
        ]
        items = [nodes.list_item("", nodes.paragraph("", "", nodes.Text(f"{word}: "), *_joined(links)))
                 for word, links in lines if links]
        return nodes.container("", head, nodes.bullet_list("", *items), classes=["emlib-statement"])

    def _overview(self) -> list[nodes.Node]:
        """Return the drawing, and the same in words: which other chapters' statements use a statement."""
        pages = {one.label: one.page for one in self.stated}
        items = []
        for label, page in pages.items():
            users = [other for other in pages if label in self.theorems.entries[other].uses and pages[other] != page]
            if users:
                title = next(one.title for one in self.stated if one.label == label)
                line = [_link(label, self._inline(title)), nodes.Text(": used by "), *_joined([*map(_link, users)])]
                items.append(nodes.list_item("", nodes.paragraph("", "", *line)))
        return [_drawing("all"), nodes.bullet_list("", *items)]

    def _assumptions(self) -> list[nodes.Node]:
        items = []
        for name, about in sorted(self.theorems.assumptions.items(), key=lambda item: item[1].name.lower()):
            users = [_link(one.label) for one in self.stated if name in self.theorems.entries[one.label].needs]
            text = nodes.paragraph("", "", *self._inline(about.says), nodes.Text(" Supposed by "), *_joined(users),
                                   nodes.Text("."))  # fmt: skip
            term = nodes.term("", "", *self._inline(about.name), ids=[f"assumption-{name}"])
            items.append(nodes.definition_list_item("", term, nodes.definition("", text)))
        return [nodes.definition_list("", *items, classes=["emlib-assumptions"])]

    def _claims(self) -> list[nodes.Node]:
        items = []
        for reason, names in self.theorems.without.items():
            chips = [node for name in names for node in self._inline(f"{{claim}}`{name}`")]
            items.append(nodes.list_item("", nodes.paragraph("", "", nodes.Text(f"{reason} "), *_joined(chips))))
        return [nodes.bullet_list("", *items)]

    def _assumption(self, name: str) -> nodes.reference:
        return nodes.reference("", "", *self._inline(self.theorems.assumptions[name].name), internal=True,
                               refuri=f"#assumption-{name}")  # fmt: skip

    def _inline(self, text: str) -> list[nodes.Node]:
        return self.parse_inline(text)[0]


def _link(label: str, title: list[nodes.Node] | None = None) -> nodes.inline:
    """Return a place for a link to a statement, with its title or without."""
    return nodes.inline("", "", *(title or []), **{LINK: label})


def _drawing(page: str) -> nodes.container:
    """Return a place for the drawing of a page, or of "all"."""
    return nodes.container("", classes=["emlib-graph-box"], **{DRAWING: page})


def _joined(links: list[nodes.Node]) -> list[nodes.Node]:
    """Return links with commas between them."""
    return [node for link in links for node in (nodes.Text(", "), link)][1:]


def _title(folder: Path, page: str) -> str:
    """Return a page's title, its first heading, with a chapter's number before it."""
    title = next(line[2:] for line in text_of(folder / page).splitlines() if line.startswith("# "))
    number = number_of(page)
    return f"Chapter {number}: {title}" if number else title


def _slug(page: str) -> str:
    return page.rpartition("/")[2].replace("_", "-")


def fill(app: Sphinx, doctree: nodes.document, page: str) -> None:
    """Put numbers into the links, and the drawings into their places, now that all pages are read."""
    links = [node for node in doctree.findall(nodes.inline) if LINK in node]
    drawings = [node for node in doctree.findall(nodes.container) if DRAWING in node]
    if not links and not drawings:
        return
    places = Places(app, page)
    for node in links:
        label = node[LINK]
        words = [nodes.Text(places.number(label)), *([nodes.Text(" ")] if node.children else []), *node.children]
        node.replace_self(nodes.reference("", "", *words, refuri=places.uri(label), internal=True))
    for node in drawings:
        html = overview(places) if node[DRAWING] == "all" else chapter_drawing(places, node[DRAWING])
        node += nodes.raw("", html, format="html")


def judge(app: Sphinx, env: Any) -> list[str]:
    """Print one warning for each fault of the files."""
    for fault in faults(Path(app.srcdir)):
        log.warning("theorems: %s", fault, type="emlib", subtype="theorems")
    return []


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directive, and what follows when all pages are read."""
    app.add_directive("theorem-map", TheoremMapDirective)
    app.connect("env-updated", judge)
    app.connect("doctree-resolved", fill)
    return {"version": "1", "env_version": 1, "parallel_read_safe": True, "parallel_write_safe": True}
