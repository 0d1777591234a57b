"""Tables of stored studies: reading, writing and selecting; a text for every value that reads back exactly.

A study is a module ``embook.studies.NAME`` with

``SEED``
    The integer from which every random number of the study is drawn.
``keys()``
    The list of its cells, each a flat mapping of names to integers, floats or texts; the same names in each.
``cell(**key)``
    What is measured in one cell, again a flat mapping. It must be pure: the same key gives the same values, whatever
    ran before it.
``HEIGHTS``, ``ENDS``
    Names of the values that are log-likelihoods, nats, stored to six decimals; those at the ends of runs (none unless
    given).

``python -m embook.study NAME`` runs all cells and writes ``embook/data/studies/NAME.csv``. A run that was cut off
goes on where it stood. Beside each table lie its *noisy copies*, ``noisy/NAME-1.csv`` and so on: the same cells with
noise in the last place of matrix products, exponentials and decompositions, by ``python tools/noisy_study.py NAME``.
Together they show what of a cell is determined; `embook.study.check` compares recomputed cells with them.
Chapters read a table with `load`, its noisy copies with `copies`.
"""

from __future__ import annotations

import csv
import importlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from emlib.numerics import Array

__all__ = ["FOLDER", "Cell", "Study", "copies", "load", "module", "place", "plain", "text", "write"]

FOLDER = Path(__file__).resolve().parents[1] / "data" / "studies"
PARSERS: dict[str, Any] = {"int": int, "float": float, "str": str}

Cell = Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class Study:
    """The table of a study.

    Attributes
    ----------
    head : mapping of str to str
        study (its name), about, commit, machine (what rounding depends on), seed.
    n_keys : int
        How many of the columns, the first ones, name the cell.
    columns : mapping of str to ndarray, shape (n_cells,)
    """

    head: Mapping[str, str]
    n_keys: int
    columns: Mapping[str, Array]

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))

    def __getitem__(self, name: str) -> Array:
        if name not in self.columns:
            raise KeyError(f"study {self.head['study']}: no column {name!r}; there are {', '.join(self.columns)}")
        return self.columns[name]

    def where(self, **wanted: Any) -> Study:
        """Return the part of the table in which the named columns have these values."""
        kept = np.ones(len(self), dtype=bool)
        for name, value in wanted.items():
            kept &= self[name] == value
        return Study(self.head, self.n_keys, {name: column[kept] for name, column in self.columns.items()})

    def rows(self) -> list[dict[str, Any]]:
        """Return the cells as mappings of plain values."""
        lists = [column.tolist() for column in self.columns.values()]
        return [dict(zip(self.columns, values, strict=True)) for values in zip(*lists, strict=True)]

    def key(self, row: Cell) -> dict[str, Any]:
        """Return the part of a row that names its cell."""
        return {name: row[name] for name in list(self.columns)[: self.n_keys]}


def load(name: str, folder: Path = FOLDER, *, noise: int = 0) -> Study:
    """Read the stored table of a study, or the noisy copy of this seed.

    Raises
    ------
    FileNotFoundError
        If the study was never run; the text says how to run it.
    ValueError
        If the file is damaged.
    """
    path = place(folder, name, noise)
    run = f"tools/noisy_study.py {name} --noise {noise}" if noise else f"-m embook.study {name}"
    if not path.is_file():
        raise FileNotFoundError(f"study {name!r}: no table {path.name}; run python {run}")
    lines = path.read_text(encoding="utf-8").splitlines()
    head = dict(line[2:].split(": ", 1) for line in lines if line.startswith("# "))
    names, *cells = csv.reader(line for line in lines if not line.startswith("#"))
    types = head.pop("types", "").split()
    if not {"study", "keys"} <= set(head) or any(len(row) != len(types) for row in (names, *cells)):
        raise ValueError(f"study {name!r}: {path.name} is damaged; run python {run} --fresh")
    columns = {column: np.array([PARSERS[kind](row[place]) for row in cells])
               for place, (column, kind) in enumerate(zip(names, types, strict=True))}
    return Study(head, int(head.pop("keys")), columns)


def place(folder: Path, name: str, noise: int) -> Path:
    """Return where a table lies, or its noisy copy of this seed."""
    return folder / "noisy" / f"{name}-{noise}.csv" if noise else folder / f"{name}.csv"


def copies(name: str, folder: Path = FOLDER) -> list[Study]:
    """Return the noisy copies of a table, by seed."""
    seeds = sorted(int(path.stem.removeprefix(f"{name}-")) for path in (folder / "noisy").glob(f"{name}-*.csv"))
    return [load(name, folder, noise=seed) for seed in seeds]


def write(path: Path, head: Mapping[str, Any], rows: Sequence[Cell]) -> None:
    """Write a table atomically: a reader sees the old one or the whole new one."""
    kinds = " ".join(_kind(name, [row[name] for row in rows]) for name in rows[0])
    lines = [f"# {name}: {value}" for name, value in {**head, "types": kinds}.items()]
    beside = path.with_name(path.name + ".part")
    with beside.open("w", encoding="utf-8", newline="") as file:
        file.write("\n".join(lines) + "\n")
        table = csv.writer(file, lineterminator="\n")
        table.writerow(rows[0])
        table.writerows([[text(value) for value in row.values()] for row in rows])
    beside.replace(path)


def _kind(name: str, values: Sequence[Any]) -> str:
    """Return the type that all values of a column share."""
    kinds = list(dict.fromkeys(type(value).__name__ for value in values))
    if len(kinds) > 1:
        raise TypeError(f"column {name}: {' and '.join(kinds)} found; let every cell give the same type")
    return kinds[0]


def text(value: Any) -> str:
    """Return the text of a value from which exactly that value is read again.

    Raises
    ------
    TypeError
        If the value is no integer, float or text.
    """
    if type(value).__name__ not in PARSERS:
        raise TypeError(f"cell: {value!r} is a {type(value).__name__}; give int, float or str, a truth value as 0 or 1")
    if isinstance(value, str) and (not value or value.startswith("#") or "\n" in value):
        raise TypeError(f"cell: {value!r} found; a text of one line, not empty, without # in front is needed")
    return "nan" if isinstance(value, float) and math.isnan(value) else str(value)


def plain(key: Cell, found: Cell) -> dict[str, Any]:
    """Return key and values of a cell as one row, numpy's numbers as plain ones."""
    both = {**key, **found}
    return {name: value.item() if isinstance(value, np.generic) else value for name, value in both.items()}


def module(name: str) -> Any:
    """Import the module of a study.

    Raises
    ------
    ValueError
        If there is none of this name.
    """
    try:
        return importlib.import_module(f"embook.studies.{name}")
    except ModuleNotFoundError:
        files = sorted((Path(__file__).parents[1] / "studies").glob("[!_]*.py"))
        known = ", ".join(path.stem for path in files if "def keys(" in path.read_text(encoding="utf-8"))
        raise ValueError(f"study: {name!r} is unknown; choose one of {known}") from None
