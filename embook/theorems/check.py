"""Whether the files of ``theorems/`` say what the pages and the claims say: every fault as one sentence."""

from __future__ import annotations

from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

from embook.ledger.registry import Row
from embook.ledger.registry import load as load_claims
from embook.theorems.entries import Theorems, files, load
from embook.theorems.statements import Statement, cited, statements

__all__ = ["compare", "faults"]


def faults(folder: Path) -> list[str]:
    """Return what is wrong in a book's ``theorems/``, or nothing where the book has no such folder."""
    if not files(folder):
        return []
    theorems, found = load(folder)
    return found + compare(theorems, statements(folder), load_claims(folder)[0])


def compare(theorems: Theorems, stated: list[Statement], rows: list[Row]) -> list[str]:
    """Return what is wrong with well-formed entries.

    Parameters
    ----------
    theorems : Theorems
        Entries, glossary, and claims without a statement.
    stated : list of Statement
        The labelled statements of the pages.
    rows : list of Row
        The registered claims.
    """
    return [*_labels(theorems, stated), *_names(theorems, {row.id for row in rows}), *_citations(theorems, stated),
            *_theorem_claims(theorems, rows), *_cycle(theorems)]


def _labels(theorems: Theorems, stated: list[Statement]) -> Iterator[str]:
    homes = {one.label: one.page.rpartition("/")[2] for one in stated}
    for label, home in homes.items():
        if label not in theorems.entries:
            yield f"{label} is stated in {home} and has no entry: add it to theorems/{home}.yml"
        elif (file := theorems.entries[label].file) != home:
            yield f"{label} is stated in {home} and has its entry in theorems/{file}.yml: move it to {home}.yml"
    for label in theorems.entries.keys() - homes.keys():
        yield f"{label} has an entry and no page states it: remove the entry or spell the label right"


def _names(theorems: Theorems, ids: set[str]) -> Iterator[str]:
    known = {"needs": theorems.assumptions.keys(), "uses": theorems.entries.keys(), "claims": ids}
    where = {"needs": "theorems/assumptions.yml", "uses": "theorems/", "claims": "claims/"}
    for label, entry in theorems.entries.items():
        for field, names in known.items():
            for name in getattr(entry, field):
                if name not in names:
                    yield f"{label}: {field} names {name}, which is not in {where[field]}: spell it right or add it"
    needed = {name for entry in theorems.entries.values() for name in entry.needs}
    for name in theorems.assumptions.keys() - needed:
        yield f"assumptions.yml: no statement needs {name}: remove it"


def _citations(theorems: Theorems, stated: list[Statement]) -> Iterator[str]:
    for label, labels in cited(stated).items():
        if label in theorems.entries:
            for other in sorted(labels - set(theorems.entries[label].uses)):
                yield f"{label}: statement or proof cites {other}: add it to uses"


def _theorem_claims(theorems: Theorems, rows: list[Row]) -> Iterator[str]:
    reached = {name for entry in theorems.entries.values() for name in entry.claims}
    listed = {name for names in theorems.without.values() for name in names}
    for row in rows:
        if row.kind == "theorem" and row.id not in reached | listed:
            yield f"claim {row.id}, of kind theorem, rests on no statement: enter it with one, or with a reason"
    for name in listed & reached:
        yield f"claim {name} rests on a statement and is listed without one: remove one of the two"
    for name in listed - {row.id for row in rows}:
        yield f"without_a_statement.yml names claim {name}, which is not in claims/: spell it right or remove it"


def _cycle(theorems: Theorems) -> Iterator[str]:
    try:
        TopologicalSorter({label: entry.uses for label, entry in theorems.entries.items()}).prepare()
    except CycleError as error:
        yield f"uses goes round in a circle: {' uses '.join(reversed(error.args[1]))}"
