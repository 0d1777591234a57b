"""Check cells of a stored table against new computations, as far as rounding determines them.

A cell of an iterative method is not determined to the last count: another processor rounds otherwise, and a line search
or a chaotic path then takes another turn. How far that goes is measured, not assumed: the table has noisy copies, and a
cell in doubt is computed again under noise. A stored value agrees with draws of its cell, one of them without noise,

- if it lies within their range, widened by one unit of the last decimal that the table keeps, or by 1e-6 nats for a
  log-likelihood; a count, too, by as much as noise moves it in other cells of the same problem and method; and, where
  the draws differ among themselves, by half of their range at either end;
- if it is a log-likelihood at the end of a run, and both it and a draw are at optima that the table names: heights at
  which at least three runs of the problem ended.

A wrong value lies outside what the draws span, whatever the copies say, and is caught.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import numpy as np

from embook.study import store
from embook.study.store import Cell, Study
from emlib.numerics import Array

__all__ = ["Draws", "recompute", "sample"]

SAME_HEIGHT = 1e-6  # nats: two log-likelihoods this close are of one optimum
N_NAMED = 3  # runs that must end in an optimum before the table names it
BATCHES = (4, 12, 48)  # draws under noise for a cell in doubt, batch after batch until it agrees
NONE = -1  # in place of a count or a height that a cell does not have

Name = tuple[Any, ...]  # of a cell, or of a group of cells: values of its key
#: Computes a cell of a study (name, key) once for each seed of the noise.
Draws = Callable[[str, dict[str, Any], Sequence[int]], Sequence[Cell]]
Compute = Callable[[str, dict[str, Any]], Cell]


def sample(table: Study, share: float, rng: np.random.Generator) -> list[dict[str, Any]]:
    """Draw a share of the cells, at least one, without replacement, in the table's order."""
    drawn = rng.choice(len(table), max(1, round(share * len(table))), replace=False)
    rows = table.rows()
    return [rows[index] for index in sorted(drawn)]


def recompute(table: Study, rows: Sequence[Cell], noisy: Sequence[Study] = (), draws: Draws | None = None,
              compute: Compute | None = None) -> list[str]:
    """Compute cells anew and say where they disagree with the table.

    Parameters
    ----------
    table : Study
    rows : sequence of mappings
        Cells of the table.
    noisy : sequence of Study
        Its noisy copies, which say how far noise moves the counts of a problem and method.
    draws : callable, optional
        Computes a cell under noise; without it a value that one computation does not bear out disagrees at once.
    compute : callable, optional
        Computes a cell (name, key) anew; the study's own `cell` unless given.

    Returns
    -------
    list of str
        One sentence for each value that disagrees.
    """
    name = table.head["study"]
    source, faults = store.module(name), []
    rule = Rule(table, noisy, getattr(source, "HEIGHTS", ()), getattr(source, "ENDS", ()))
    for row in rows:
        key = table.key(row)
        fresh: list[Cell] = [store.plain(key, compute(name, key) if compute else source.cell(**key))]
        doubtful = rule.disagreeing(row, fresh)
        if doubtful and compute is not None and draws is not None:
            fresh.append(store.plain(key, source.cell(**key)))
            doubtful = rule.disagreeing(row, fresh)
        for count in BATCHES:
            if doubtful and draws is not None:
                seeds = range(len(fresh) + 100, len(fresh) + 100 + count)
                fresh += [store.plain(key, found) for found in draws(name, dict(key), seeds)]
                doubtful = rule.disagreeing(row, fresh)
        faults += [f"{key}: {column} is stored as {store.text(row[column])}, computed as {_told(fresh, column)}"
                   for column in doubtful]
    return faults


def _told(rows: Sequence[Cell], column: str) -> str:
    return " or ".join(dict.fromkeys(store.text(row[column]) for row in rows))


class Rule:
    """The part of each column that rounding leaves determined."""

    def __init__(self, table: Study, noisy: Sequence[Study], heights: Sequence[str], ends: Sequence[str]) -> None:
        self.keys = list(table.columns)[: table.n_keys]
        self.slack = {name: SAME_HEIGHT if name in heights else _unit(column)
                      for name, column in table.columns.items() if name not in self.keys and column.dtype.kind in "if"}
        self.named = {name: _optima(table, name) for name in ends}
        self.moves = _moves(table, noisy)

    def disagreeing(self, row: Cell, fresh: Sequence[Cell]) -> list[str]:
        """Return the columns in which a stored cell lies outside what draws of it span."""
        return [name for name in row if name not in self.keys and not self._agrees(name, row, fresh)]

    def _agrees(self, name: str, row: Cell, fresh: Sequence[Cell]) -> bool:
        value, draws = row[name], [cell[name] for cell in fresh]
        if store.text(value) in {store.text(draw) for draw in draws}:
            return True
        numbers = [draw for draw in draws if not isinstance(draw, str) and np.isfinite(draw) and draw != NONE]
        if name not in self.slack or value == NONE or not np.isfinite(value) or not numbers:
            return False
        optima = self.named.get(name, {}).get(row.get("problem"), ())
        if _at(optima, [value]) and _at(optima, numbers):
            return True
        low, high = min(numbers), max(numbers)
        slack = self.slack[name] * (1 + 1e-9)  # decimals are no binary fractions
        room = slack + (high - low) / 2 + self._moved_elsewhere(name, row)
        return bool(low - room <= value <= high + room)

    def _moved_elsewhere(self, name: str, row: Cell) -> float:
        """Return how far noise moves a count in the other cells of its problem and method."""
        if not isinstance(row[name], int):
            return 0.0
        own = tuple(row[key] for key in self.keys)
        group = self.moves.get(_group(self.keys, row), {})
        return float(max((by.get(name, 0) for key, by in group.items() if key != own), default=0))


def _at(optima: Sequence[float], values: Sequence[float]) -> bool:
    return any(abs(value - optimum) <= SAME_HEIGHT for value in values for optimum in optima)


def _group(keys: Sequence[str], row: Cell) -> Name:
    """Return what names the problem and the method of a cell: its key without the start."""
    return tuple(row[key] for key in keys if key != "start")


def _moves(table: Study, noisy: Sequence[Study]) -> dict[Name, dict[Name, dict[str, int]]]:
    """Return by group and cell how far the counts of the noisy copies lie from the table's, where they differ."""
    keys = list(table.columns)[: table.n_keys]
    counts = [name for name, column in table.columns.items() if name not in keys and column.dtype.kind == "i"]
    found: dict[Name, dict[Name, dict[str, int]]] = {}
    for copy in noisy:
        for row, other in zip(table.rows(), copy.rows(), strict=True):
            moved = [name for name in counts if row[name] != other[name] and NONE not in (row[name], other[name])]
            if moved:
                cell = found.setdefault(_group(keys, row), {}).setdefault(tuple(row[key] for key in keys), {})
                cell.update({name: max(abs(row[name] - other[name]), cell.get(name, 0)) for name in moved})
    return found


def _unit(column: Array) -> float:
    """Return one unit of the last decimal that a column keeps, zero for counts."""
    if column.dtype.kind == "i":
        return 0.0
    exponents = [Decimal(str(value)).as_tuple().exponent for value in column.tolist() if np.isfinite(value)]
    return float(Decimal(1).scaleb(min(int(exponent) for exponent in exponents))) if exponents else 0.0


def _optima(table: Study, name: str) -> Mapping[Any, Sequence[float]]:
    """Return for each problem, if the study has several, the heights at which several runs ended."""
    problems = dict.fromkeys(table["problem"].tolist()) if "problem" in table.columns else ()
    parts = {problem: table.where(problem=problem)[name] for problem in problems} or {None: table[name]}
    found = {}
    for problem, column in parts.items():
        values = np.sort(column[column != NONE])
        groups = np.split(values, np.flatnonzero(np.diff(values) > SAME_HEIGHT) + 1)
        found[problem] = [float(np.median(group)) for group in groups if len(group) >= N_NAMED]
    return found
