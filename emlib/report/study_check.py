"""Whether cells of a study that are computed anew agree with the stored table, as far as rounding determines them.

A cell of an iterative method is not determined to the last count: another processor rounds otherwise, and a line search
or a chaotic path then takes another turn. How far that goes is measured, not assumed: the table has noisy copies, and a
cell in doubt is computed again under noise. A recomputed value agrees

- if it lies within the range that the stored value and its noisy copies span, widened by one unit of the last decimal
  that the table keeps, by 1e-6 nats for a log-likelihood (which also agrees at another optimum that the table names:
  one where at least three runs of the problem ended), by nothing for a count;
- or else if the range of all its draws under noise meets that range: both are then draws from one law.

A wrong value has draws round the right one, and is caught.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import numpy as np

from emlib.numerics import Array
from emlib.report import study
from emlib.report.study import Cell, Study

__all__ = ["Draws", "recompute", "sample"]

SAME_HEIGHT = 1e-6  # nats: two log-likelihoods this close are of one optimum
N_NAMED = 3  # runs that must end in an optimum before the table names it
BATCHES = (4, 12, 48)  # draws under noise for a cell in doubt, batch after batch until it agrees
NONE = -1  # in place of a count or a height that a cell does not have

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
        Its noisy copies.
    draws : callable, optional
        Computes a cell under noise; without it a value outside the stored range disagrees at once.
    compute : callable, optional
        Computes a cell (name, key) anew; the study's own `cell` unless given.

    Returns
    -------
    list of str
        One sentence for each value that disagrees.
    """
    name = table.head["study"]
    source = study.module(name)
    rule, faults = Rule(table, getattr(source, "HEIGHTS", ())), []
    copies = [{_key(copy, row): row for row in copy.rows()} for copy in noisy]
    for row in rows:
        key = table.key(row)
        stored = [row, *(copy[_key(table, row)] for copy in copies)]
        fresh: list[Cell] = [study.plain(key, compute(name, key) if compute else source.cell(**key))]
        doubtful = rule.disagreeing(stored, fresh)
        for count in BATCHES:
            if doubtful and draws is not None:
                seeds = range(len(fresh) + 100, len(fresh) + 100 + count)
                fresh += [study.plain(key, found) for found in draws(name, dict(key), seeds)]
                doubtful = rule.disagreeing(stored, fresh)
        faults += [f"{key}: {column} is stored as {_told(stored, column)}, computed as {_told(fresh, column)}"
                   for column in doubtful]
    return faults


def _key(table: Study, row: Cell) -> tuple[Any, ...]:
    return tuple(table.key(row).values())


def _told(rows: Sequence[Cell], column: str) -> str:
    return " or ".join(dict.fromkeys(study.text(row[column]) for row in rows))


class Rule:
    """What of each column is determined."""

    def __init__(self, table: Study, heights: Sequence[str]) -> None:
        self.keys = list(table.columns)[: table.n_keys]
        self.slack = {name: SAME_HEIGHT if name in heights else _unit(column)
                      for name, column in table.columns.items() if name not in self.keys and column.dtype.kind in "if"}
        self.named = {name: _optima(table, name) for name in heights}

    def disagreeing(self, stored: Sequence[Cell], fresh: Sequence[Cell]) -> list[str]:
        """Return the columns in which stored and recomputed draws do not meet."""
        return [name for name in stored[0] if name not in self.keys and not self._agrees(name, stored, fresh)]

    def _agrees(self, name: str, stored: Sequence[Cell], fresh: Sequence[Cell]) -> bool:
        here, there = ([row[name] for row in rows] for rows in (stored, fresh))
        if {study.text(value) for value in here} & {study.text(value) for value in there}:
            return True
        if name not in self.slack:
            return False
        for optimum in self.named.get(name, {}).get(stored[0].get("problem"), ()):
            if any(abs(value - optimum) <= SAME_HEIGHT for value in there):
                return True
        numbers = [[value for value in values if np.isfinite(value) and value != NONE] for values in (here, there)]
        if not all(numbers):
            return False
        (low, high), (low_there, high_there) = ((min(values), max(values)) for values in numbers)
        slack = self.slack[name] * (1 + 1e-9)  # decimals are no binary fractions
        return bool(low_there <= high + slack and high_there >= low - slack)


def _unit(column: Array) -> float:
    """Return one unit of the last decimal that a column keeps, zero for counts."""
    if column.dtype.kind == "i":
        return 0.0
    exponents = [Decimal(str(value)).as_tuple().exponent for value in column.tolist() if np.isfinite(value)]
    return float(Decimal(1).scaleb(min(int(exponent) for exponent in exponents))) if exponents else 0.0


def _optima(table: Study, name: str) -> Mapping[Any, list[float]]:
    """Return for each problem, if the study has several, the heights at which several runs ended."""
    problems = dict.fromkeys(table["problem"].tolist()) if "problem" in table.columns else ()
    parts = {problem: table.where(problem=problem)[name] for problem in problems} or {None: table[name]}
    found = {}
    for problem, column in parts.items():
        values = np.sort(column[column != NONE])
        groups = np.split(values, np.flatnonzero(np.diff(values) > SAME_HEIGHT) + 1)
        found[problem] = [float(np.median(group)) for group in groups if len(group) >= N_NAMED]
    return found
