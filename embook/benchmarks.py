"""The kept results of the benchmarks, for the performance page; ``python -m benchmarks --keep`` measures them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from embook.tables import table
from emlib.numerics import Array

__all__ = ["Results", "load"]

KEPT = Path(__file__).resolve().parent / "data" / "benchmarks.json"
DIGITS = 3  # of a measured time: more would be the noise of the machine


@dataclass(frozen=True, eq=False)
class Results:
    """Tables by name, each with what it was measured on.

    Attributes
    ----------
    tables : mapping
        To mappings with title, columns, rows and measured.
    """

    tables: Mapping[str, Mapping[str, Any]]

    def show(self, name: str, columns: Sequence[str] | None = None, shorter: Mapping[str, str] | None = None) -> None:
        """Show a table under its title.

        Parameters
        ----------
        name : str
            Of the table.
        columns : sequence of str, optional
            Those to show, in this order; otherwise all.
        shorter : mapping, optional
            From phrases in headings and cells to what stands for them.
        """
        found = self._table(name)
        columns = found["columns"] if columns is None else columns
        rows = [[_brief(_plain(row[column]), shorter or {}) for column in columns] for row in self.rows(name)]
        headings = [_brief(column, shorter or {}) for column in columns]
        table(rows, headings, caption=found["title"], digits=DIGITS)

    def rows(self, name: str, **wanted: Any) -> list[dict[str, Any]]:
        """Return the rows of a table in which the named columns have these values, as mappings."""
        found = self._table(name)
        rows = [dict(zip(found["columns"], row, strict=True)) for row in found["rows"]]
        return [row for row in rows if all(row[column] == value for column, value in wanted.items())]

    def costs(self, methods: Sequence[str], table: str = "runs", **wanted: Any) -> Array:
        """Return what every run of some methods cost, E-steps or seconds, infinite where one counts as not finished.

        Returns
        -------
        ndarray, shape (n_methods, n_runs)
        """
        rows = self.rows(table, **wanted)
        return np.array([[np.inf if row[name] is None else row[name] for row in rows] for name in methods])

    def said(self, what: str) -> str:
        """Return the dates, processors and so on that the tables record, each once."""
        answers = dict.fromkeys(_text(entry["measured"][what]) for entry in self.tables.values())
        return " and ".join(sorted(answers))

    def versions(self) -> list[list[str]]:
        """Return name and version of each package that took part."""
        found: dict[str, set[str]] = {}
        for entry in self.tables.values():
            for name, version in entry["measured"]["versions"].items():
                found.setdefault(name, set()).add(version)
        return [[name, ", ".join(sorted(versions))] for name, versions in found.items()]

    def _table(self, name: str) -> Mapping[str, Any]:
        if name not in self.tables:
            raise KeyError(f"benchmarks: no table {name!r}; there are {', '.join(self.tables)}")
        return self.tables[name]


def _plain(value: Any) -> Any:
    """Round large floats to whole numbers, so that they are shown without a power of ten."""
    return round(value) if isinstance(value, float) and abs(value) >= 10**DIGITS else value


def _brief(value: Any, shorter: Mapping[str, str]) -> Any:
    """Replace phrases of a text."""
    if isinstance(value, str):
        for phrase, brief in shorter.items():
            value = value.replace(phrase, brief)
    return value


def _text(answer: Any) -> str:
    return ", ".join(answer) if isinstance(answer, list) else str(answer)


def load(path: Path = KEPT) -> Results:
    """Read the kept results.

    Raises
    ------
    FileNotFoundError
        If nothing was kept; the text says how to measure.
    """
    if not path.is_file():
        raise FileNotFoundError(f"benchmarks: no file {path.name}; run python -m benchmarks --keep")
    return Results(json.loads(path.read_text(encoding="utf-8"))["tables"])
