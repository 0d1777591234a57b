"""The files of ``theorems/``: for each labelled statement what it says and supposes, and which claims rest on it.

A page's file, ``theorems/05_projection_matrix.yml``, has its name and maps each label to an entry with

===========  =====================================================================================================
``says``     one plain sentence
``needs``    what the statement supposes: names in ``assumptions.yml``, which holds ``name`` and ``says`` of each
``uses``     labels of the statements that it or its proof cites, by ``{prf:ref}`` or by an equation, or in words
``claims``   ids of rows in ``claims/`` whose verdict rests on it
===========  =====================================================================================================

``without_a_statement.yml`` lists the claims of kind theorem that rest on none, with the reason.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

__all__ = ["Assumption", "Entry", "Theorems", "files", "load"]

FOLDER, GLOSSARY, WITHOUT = "theorems", "assumptions", "without_a_statement"
LISTS = ("needs", "uses", "claims")


@dataclass(frozen=True)
class Assumption:
    """What a statement may suppose: a short name, and one sentence."""

    name: str
    says: str


@dataclass(frozen=True)
class Entry:
    """What one statement says and rests on; the module's docstring says what each field holds."""

    file: str
    says: str
    needs: tuple[str, ...] = ()
    uses: tuple[str, ...] = ()
    claims: tuple[str, ...] = ()


@dataclass(frozen=True)
class Theorems:
    """All entries by label, the glossary of assumptions, and the claims without a statement by reason."""

    entries: dict[str, Entry] = field(default_factory=dict)
    assumptions: dict[str, Assumption] = field(default_factory=dict)
    without: dict[str, tuple[str, ...]] = field(default_factory=dict)


def files(folder: Path) -> list[Path]:
    """Return the files below ``folder/theorems``; none where the book has no such folder."""
    return sorted((folder / FOLDER).glob("*.yml"))


def load(folder: Path) -> tuple[Theorems, list[str]]:
    """Read the files of a book's folder.

    Returns
    -------
    theorems : Theorems
        What is well formed in them.
    faults : list of str
        One sentence for each thing whose form is wrong: file, place, what was found, and the remedy.
    """
    found, faults = Theorems(), []
    for path in files(folder):
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        read = {GLOSSARY: _assumptions, WITHOUT: _without}.get(path.stem, _entries)
        faults += [f"{FOLDER}/{path.name}: {fault}" for fault in read(content, path.stem, found)]
    return found, faults


def _assumptions(content: Any, file: str, found: Theorems) -> list[str]:
    bad = [name for name, about in content.items() if not _has(about, {"name": str, "says": str})]
    found.assumptions.update({name: Assumption(**about) for name, about in content.items() if name not in bad})
    return [f"{name}: give the texts name and says, and no more" for name in bad]


def _without(content: Any, file: str, found: Theorems) -> list[str]:
    bad = [place for place, about in enumerate(content, 1) if not _has(about, {"reason": str, "claims": list})]
    found.without.update({one["reason"]: tuple(one["claims"]) for n, one in enumerate(content, 1) if n not in bad})
    return [f"item {place}: give the text reason and the list claims, and no more" for place in bad]


def _entries(content: Any, file: str, found: Theorems) -> list[str]:
    faults = []
    for label, about in content.items():
        given: dict[str, type] = {"says": str, **{name: list for name in LISTS if name in (about or {})}}
        if label in found.entries:
            faults.append(f"{label}: has an entry in {found.entries[label].file}.yml already; remove one")
        elif not _has(about, given):
            faults.append(f"{label}: give the text says and, where there are any, the lists needs, uses and claims")
        else:
            found.entries[label] = Entry(file, about["says"], *(tuple(about.get(name, ())) for name in LISTS))
    return faults


def _has(about: Any, kinds: dict[str, type]) -> bool:
    """Return whether a mapping has these keys and no others, each of its kind."""
    return (isinstance(about, dict) and about.keys() == kinds.keys()
            and all(isinstance(about[name], kind) for name, kind in kinds.items()))  # fmt: skip
