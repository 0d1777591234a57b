"""The registry: what is claimed, by whom, and what will settle it, written down before the experiment.

Every file ``claims/*.yml`` is a list of rows. A row has

========================  =======================================================================================
``id``                    ``S036`` for the 36th claim of the three source documents; ``DLR77-T1`` for a paper's
``chapter``               number of the chapter in which the row is settled, its home
``statement``             the claim, fairly paraphrased, in plain text
``source``                ``{key, place}``: key in ``references.bib`` and where in that source; with ``quoted_by``, the
                          key of the text that quotes it, where the source itself could not be read
``kind``                  one of `embook.ledger.schema.KINDS`
``verdict``               one of `embook.ledger.schema.VERDICTS`, foretold
``why``                   one or two sentences: what settles it
``expected``              the value (quoted text where printed digits count), with ``tolerance``
``tolerance``             name of a policy, or ``{policy: identity, below: 1.0e-12}``; see `embook.ledger.verdicts`
``propositions``          which truth values the cell must compute
``digits``                significant digits to store (6 unless given)
``answered_by``           rows that answer a question
``missing``               what an open row still lacks
``reading``               the sensible reading that was tried, where the words admit more than one
``population``            what *often*, *usually* or *generally* is taken over; such words need it
``limits``                how far the verdict goes, and what it leaves out
``cites``                 bib key that the chapter must cite, for a reference
``profile``               ``run`` (each build) or ``stored`` (a stored study)
========================  =======================================================================================

Rows that no cell can compute (answered questions, references, definitions, open rows) are settled by text: their home
chapter marks the place with the label ``(claim-S036)=``, and a reference's chapter cites its key.

A row of kind ``certified`` prints digits of an optimum that are proved. Its tolerance is ``truncated`` or ``rounded``;
its one proposition ``as_stated`` is the outcome of `embook.intervals.certify`, one stationary point in the box and
a strict local maximum, and never a comparison of floats; ``measured`` holds the proved digits as text.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from embook.ledger.schema import TEXT_VERDICTS, faults_of

__all__ = ["SCOPE", "Row", "load"]

#: The compiled safe loader where there is one.
LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
#: The fields that say how far a verdict goes, with the words that a card shows before them.
SCOPE = {"reading": "read as", "population": "taken over", "limits": "limits"}


@dataclass(frozen=True)
class Row:
    """One registered claim; the module's docstring says what each field holds."""

    id: str
    chapter: int
    statement: str
    source: dict[str, str]
    kind: str
    verdict: str
    why: str
    expected: Any = None
    policy: str = "none"
    bounds: dict[str, float] = field(default_factory=dict)
    propositions: tuple[str, ...] = ()
    digits: int = 6
    answered_by: tuple[str, ...] = ()
    missing: str = ""
    cites: str = ""
    profile: str = "run"
    reading: str = ""
    population: str = ""
    limits: str = ""

    @property
    def scope(self) -> dict[str, str]:
        """Return the reading that was tried, the population and the limits, as far as they are given."""
        return {label: text for name, label in SCOPE.items() if (text := getattr(self, name))}

    @property
    def anchor(self) -> str:
        """Return the id of the row's place in its chapter's page."""
        return f"claim-{self.id.lower()}"

    @property
    def by_text(self) -> bool:
        """Return whether the row is settled by a labelled place in the text."""
        return self.verdict in TEXT_VERDICTS


def load(folder: Path) -> tuple[list[Row], list[str]]:
    """Read every registry file below ``folder/claims``.

    Returns
    -------
    rows : list of Row
        The valid rows, in the order of files and lines; a row that stands twice is listed twice.
    faults : list of str
        One sentence for each thing that is wrong: file, row, what was found, and the remedy.
    """
    texts = {path.name: path.read_text(encoding="utf-8") for path in sorted((folder / "claims").glob("*.yml"))}
    files = [_parsed(name, text) for name, text in texts.items()]
    return [row for rows, _ in files for row in rows], [fault for _, faults in files for fault in faults]


def row_of(folder: Path, identifier: str) -> Row | None:
    """Return the valid row with this id, or None."""
    return next((row for row in load(folder)[0] if row.id == identifier), None)


@lru_cache(maxsize=64)  # every claim of a chapter reads the registry
def _parsed(name: str, text: str) -> tuple[list[Row], list[str]]:
    """Return the valid rows of one file and what is wrong with the others."""
    rows: list[Row] = []
    entries, faults = _entries(name, text)
    for entry in entries:
        found = faults_of(entry)
        row = entry.get("id", "a row without id") if isinstance(entry, dict) else repr(entry)[:40]
        faults += [f"claims/{name}: {row}: {fault}" for fault in found]
        rows += [] if found else [_row(entry)]
    return rows, faults


def _entries(name: str, text: str) -> tuple[list[Any], list[str]]:
    try:
        content = yaml.load(text, Loader=LOADER)
    except yaml.YAMLError as error:
        return [], [f"claims/{name}: not YAML ({str(error).splitlines()[0]}): mend the file"]
    if isinstance(content, list):
        return content, []
    return [], [f"claims/{name}: holds a {type(content).__name__}: write a list of rows"]


def _row(entry: dict[str, Any]) -> Row:
    values = {key: value for key, value in entry.items() if key != "tolerance"}
    tolerance = entry.get("tolerance", "none")
    bounds = dict(tolerance) if isinstance(tolerance, dict) else {"policy": tolerance}
    for key in ("propositions", "answered_by"):
        values[key] = tuple(values.get(key, ()))
    return Row(policy=bounds.pop("policy"), bounds=bounds, **values)
