"""A book of one chapter with a registry, for the tests of the ledger: sound as made, then sabotaged by each test."""

from __future__ import annotations

import copy
import json
import zlib
from pathlib import Path
from typing import Any

import yaml

from embook.context import MIME
from embook.ledger.collect import collect

CONFIG = """\
title: Tiny
only_build_toc_files: true
bibtex_bibfiles: [references.bib]
execute: {execute_notebooks: "off"}
sphinx:
  extra_extensions: [embook.pages.extension]
"""
TOC = """\
format: jb-book
root: index
chapters:
  - file: chapters/01_one
  - file: reference/ledger
  - file: reference/bibliography
"""
BIB = "@misc{somebody1900, author = {Somebody, A.}, title = {A Title}, year = {1900}}\n"
NUMBER: dict[str, Any] = {
    "id": "AB99-T1", "chapter": 1, "statement": "The rate is 0.132778.",
    "source": {"key": "somebody1900", "place": "Table 1"}, "kind": "number", "expected": "0.132778",
    "tolerance": "truncated", "digits": 8, "propositions": ["as_stated"], "verdict": "holds", "why": "It is computed.",
}  # fmt: skip
QUESTION: dict[str, Any] = {
    "id": "S001", "chapter": 1, "statement": "Why?", "source": {"key": "somebody1900", "place": "title"},
    "kind": "question", "answered_by": ["AB99-T1"], "verdict": "answered", "why": "Because of the rate.",
}  # fmt: skip
REFERENCE: dict[str, Any] = {
    "id": "S002", "chapter": 1, "statement": "A paper exists.", "source": {"key": "somebody1900", "place": "title"},
    "kind": "reference", "cites": "somebody1900", "verdict": "reference", "why": "It is cited.",
}  # fmt: skip
RECORD: dict[str, Any] = {
    "id": "AB99-T1", "measured": 0.1327787, "propositions": {"as_stated": True}, "parameters": "default",
}  # fmt: skip
PROSE = "# One\n\n(claim-S001)=\n## Why\n\nBecause.\n\n(claim-S002)=\nBy {cite:t}`somebody1900`.\n"


def rows() -> list[dict[str, Any]]:
    """Return a sound registry, free to be spoilt."""
    return copy.deepcopy([NUMBER, QUESTION, REFERENCE])


def record(**changes: Any) -> dict[str, Any]:
    """Return a sound record with some entries changed."""
    return {**copy.deepcopy(RECORD), **changes}


def code(source: str, records: list[dict[str, Any]] | None = None, tags: list[str] | None = None) -> dict[str, Any]:
    """Return an executed code cell that left the given records."""
    data = [{MIME: one, "text/html": f"<p>{one['id']}</p>", "text/plain": one["id"]} for one in records or []]
    outputs = [{"output_type": "display_data", "metadata": {}, "data": one} for one in data]
    return {
        "cell_type": "code", "id": f"c{zlib.crc32(source.encode())}", "source": source, "execution_count": 1,
        "metadata": {"tags": tags or []}, "outputs": outputs,
    }  # fmt: skip


def chapter(cells: list[dict[str, Any]], prose: str = PROSE) -> str:
    """Return a notebook's text."""
    text = {"cell_type": "markdown", "id": "prose", "source": prose, "metadata": {}}
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    return json.dumps({"cells": [text, *cells], "metadata": kernel, "nbformat": 4, "nbformat_minor": 5})


def make(
    folder: Path,
    registry: list[Any] | None = None,
    records: list[dict[str, Any]] | None = None,
    prose: str = PROSE,
) -> Path:
    """Write a book; sound unless something else is asked for."""
    for name in ("chapters", "claims", "reference"):
        (folder / name).mkdir(exist_ok=True)
    (folder / "_config.yml").write_text(CONFIG)
    (folder / "_toc.yml").write_text(TOC)
    (folder / "references.bib").write_text(BIB)
    (folder / "index.md").write_text("# Tiny\n\nA book.\n")
    (folder / "reference" / "ledger.md").write_text("# Ledger\n\n```{ledger}\n```\n")
    (folder / "reference" / "bibliography.md").write_text("# Bibliography\n\n```{bibliography}\n```\n")
    (folder / "claims" / "all.yml").write_text(yaml.safe_dump(rows() if registry is None else registry))
    cells = [code("n: int = 3  # draws\nspread: float = 2.0", tags=["parameters"])]
    cells += [code(f"claim({k})", [one]) for k, one in enumerate([record()] if records is None else records)]
    (folder / "chapters" / "01_one.ipynb").write_text(chapter(cells, prose))
    return folder


def faults(folder: Path) -> str:
    """Return the faults of a book as one text."""
    return "\n".join(collect(folder).faults)
