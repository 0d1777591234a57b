"""The ledger: registry and runs put side by side, judged, and written as JSON and CSV beside the pages.

``python -m embook.ledger check FOLDER`` prints every fault and exits with 1 if there is one;
``python -m embook.ledger summary LEDGER.json`` counts the verdicts.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import sys
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import emlib
from embook.contents import notebooks
from embook.context import cells, chapter_file
from embook.ledger.judge import judge, runs_of, verdict_of
from embook.ledger.registry import Row, load
from embook.ledger.verdicts import agrees

__all__ = ["Ledger", "collect", "main", "sources", "summary", "write"]

COLUMNS = (
    "id", "chapter", "statement", "source", "kind", "expected", "measured", "tolerance", "verdict", "agrees", "why",
    "reading", "population", "limits", "propositions", "answered_by", "missing", "cell", "page", "profile",
    "fingerprint",
)  # fmt: skip


@dataclass(frozen=True)
class Ledger:
    """The rows of one folder's registry with what its chapters measured, and the rules that are broken."""

    claims: list[dict[str, Any]]
    faults: list[str]


def sources(folder: Path) -> list[Path]:
    """Return the files that the ledger is made of: the registry and the chapters with what they measured."""
    return [*sorted((folder / "claims").glob("*.yml")), *sorted((folder / "chapters").glob("*.ipynb"))]


def collect(folder: Path) -> Ledger:
    """Read registry and chapters of a book's folder and judge them.

    Parameters
    ----------
    folder : Path
        The folder of the ``_config.yml`` in use: the project's, or its staging copy.
    """
    absent = [name for name in ("_config.yml", "_toc.yml", "claims", "chapters") if not (folder / name).exists()]
    if absent:
        return Ledger([], [f"{folder.name} has no {', '.join(absent)}: give the book's folder"])
    rows, faults = load(folder)
    paths = notebooks(folder)
    here = [row for row in rows if chapter_file(folder, row.chapter) in paths]
    claims = [_entry(folder, row) for row in sorted(here, key=lambda row: (row.chapter, row.id))]
    return Ledger(claims, faults + judge(folder, rows))


def _entry(folder: Path, row: Row) -> dict[str, Any]:
    path = chapter_file(folder, row.chapter)
    runs = [run for run in runs_of([path] if path else []) if run.id == row.id]
    record = runs[0].record if runs else {}
    judged = bool(runs) and runs[0].default
    met = agrees(row.policy, row.bounds, row.expected, record.get("measured")) if judged else None
    verdict = verdict_of(row, runs)
    page = f"chapters/{path.stem}.html#{row.anchor}" if path else ""
    values = {
        "measured": record.get("measured"), "propositions": record.get("propositions", {}), "verdict": verdict,
        "agrees": row.by_text or (met and verdict == row.verdict), "tolerance": {"policy": row.policy, **row.bounds},
        "cell": runs[0].cell if runs else None, "page": page, "fingerprint": _fingerprint(folder, path, row),
    }  # fmt: skip
    return {name: values.get(name, getattr(row, name, None)) for name in COLUMNS}


def _fingerprint(folder: Path, path: Path | None, row: Row) -> str:
    """Hash what produced a row: the chapter's code and tags, the package, and the row itself; never any output."""
    digest = hashlib.sha256(repr(row).encode())
    for cell in cells(path) if path else []:
        if cell["cell_type"] == "code":
            digest.update(f"{cell['source']}\0{cell.get('metadata', {}).get('tags', [])}\0".encode())
    digest.update(_package())
    return digest.hexdigest()[:16]


@lru_cache(maxsize=1)
def _package() -> bytes:
    folders = (Path(emlib.__file__).parent, Path(__file__).resolve().parents[1])
    modules = [module for folder in folders for module in sorted(folder.rglob("*.py"))]
    return hashlib.sha256(b"".join(module.read_bytes() for module in modules)).digest()


def write(ledger: Ledger, folder: Path) -> None:
    """Write ``ledger.json`` and ``ledger.csv`` into a folder."""
    text = json.dumps({"claims": ledger.claims}, indent=1, ensure_ascii=False, allow_nan=False)
    (folder / "ledger.json").write_text(text + "\n", encoding="utf-8")
    with (folder / "ledger.csv").open("w", encoding="utf-8", newline="") as stream:
        table = csv.DictWriter(stream, COLUMNS)
        table.writeheader()
        table.writerows({name: _cell(value) for name, value in entry.items()} for entry in ledger.claims)


def _cell(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list | tuple) else value


def summary(claims: list[dict[str, Any]]) -> str:
    """Return one line: how many claims, by verdict."""
    counts = Counter(str(entry["verdict"]) for entry in claims)
    parts = ", ".join(f"{count} {verdict}" for verdict, count in sorted(counts.items(), key=lambda item: -item[1]))
    return f"ledger: {len(claims)} claims: {parts}" if claims else "ledger: no claims"


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return its exit status."""
    parser = argparse.ArgumentParser(prog="python -m embook.ledger", description=__doc__)
    parser.add_argument("command", choices=["check", "summary"])
    parser.add_argument("path", type=Path, help="the book's folder to check, or the ledger.json to sum up")
    options = parser.parse_args(arguments)
    if options.command == "summary":
        print(summary(json.loads(options.path.read_text(encoding="utf-8"))["claims"]))
        return 0
    ledger = collect(options.path)
    for fault in ledger.faults:
        print(f"ledger: {fault}", file=sys.stderr)
    print(f"{summary(ledger.claims)}; {len(ledger.faults)} faults")
    return 1 if ledger.faults else 0

