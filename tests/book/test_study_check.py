"""What of a study's cell counts as determined, and that a wrong cell is caught whatever its neighbours do."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from embook import study
from embook.study import Study
from embook.study.noise_range import NoiseRange

HEAD = {"study": "toy"}
NAMES = ("problem", "start", "steps", "end", "word", "share")
ROWS = [("a", 0, 12, -3.5, "goal", 0.25), ("a", 1, 94, -3.5, "budget", 0.5), ("a", 2, 30, -3.5, "goal", 0.75),
        ("a", 3, 31, -9.25, "goal", 0.125), ("a", 4, -1, -1.0, "goal", 0.5)]


def table(rows: Sequence[tuple[Any, ...]]) -> Study:
    columns = {name: np.array(values) for name, values in zip(NAMES, zip(*rows, strict=True), strict=True)}
    return Study(HEAD, 2, columns)


def changed(start: int, **values: Any) -> list[tuple[Any, ...]]:
    """Return the rows with other values in the cell of this start."""
    rows = [dict(zip(NAMES, row, strict=True)) for row in ROWS]
    rows[start].update(values)
    return [tuple(row.values()) for row in rows]


@pytest.fixture
def computes(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a function that sets what the study computes."""
    source = ModuleType("embook.studies.toy")

    def sets(rows: Sequence[tuple[Any, ...]]) -> None:
        by_start = {row[1]: dict(zip(NAMES[2:], row[2:], strict=True)) for row in rows}
        source.__dict__.update(HEIGHTS=("end",), ENDS=("end",), cell=lambda problem, start: by_start[start])

    monkeypatch.setitem(sys.modules, source.__name__, source)
    return sets


def draws(*values: Any, **columns: Sequence[Any]) -> Any:
    """Return a source of noisy draws of a cell: its values in turn, over and over."""

    def drawn(name: str, key: dict[str, Any], seeds: Sequence[int]) -> list[dict[str, Any]]:
        rows = [dict(zip(NAMES[2:], ROWS[key["start"]][2:], strict=True)) for _ in seeds]
        for place, row in enumerate(rows):
            row.update({column: options[place % len(options)] for column, options in columns.items()})
        return rows

    return drawn


@pytest.mark.parametrize(("found", "agrees"), [
    ({}, True),
    ({"steps": 95}, False),  # a count that nothing moves
    ({"word": "goal"}, False),
    ({"end": -3.5 + 0.9e-6}, True),
    ({"end": -3.5 + 3e-6}, False),
    ({"end": -9.25}, False),  # one run ended there: that is not yet an optimum with a name
    ({"share": 0.501}, True),  # one unit of the last decimal that the column keeps
    ({"share": 0.502}, False),
    ({"steps": -1}, False),
    ({"steps": np.nan}, False),
])
def test_without_noise_a_value_agrees_to_the_decimals_of_its_column(found: dict[str, Any], agrees: bool,
                                                                   computes: Any) -> None:
    computes(changed(1, **found))
    whole = table(ROWS)
    assert (study.recompute(whole, whole.rows()) == []) is agrees


def test_a_count_may_move_as_far_as_noise_moves_it_in_other_cells_of_its_kind(computes: Any) -> None:
    """In the copy the cell with start 2 needs three steps more."""
    whole, copy = table(ROWS), table(changed(2, steps=33))
    for steps, agrees in ((95, True), (97, True), (98, False)):
        computes(changed(1, steps=steps))
        assert (study.recompute(whole, [whole.rows()[1]], [copy]) == []) is agrees
    computes(changed(2, steps=33))
    assert study.recompute(whole, [whole.rows()[2]], [copy]), "its own move is no excuse for a cell"


@pytest.mark.parametrize(("stored", "agrees"), [(-3.5, True), (-3.25, True), (-3.4, False)])
def test_another_optimum_agrees_if_the_table_names_both(stored: float, agrees: bool, computes: Any) -> None:
    more = [("a", start, 12, -3.25, "goal", 0.25) for start in (5, 6, 7)]
    rows = [*changed(3, end=stored), *more]
    computes([*changed(3, end=-3.25), *more])
    whole = table(rows)
    assert (study.recompute(whole, [whole.rows()[3]]) == []) is agrees


def test_a_count_in_doubt_is_settled_by_draws_under_noise(computes: Any) -> None:
    """At a level that rounding decides the draws go both ways; where nothing moves, a wrong count stays wrong."""
    whole = table(ROWS)
    computes(changed(1, steps=95))
    assert study.recompute(whole, whole.rows(), draws=draws(steps=(95, 94, 95))) == []
    faults = study.recompute(whole, whole.rows(), draws=draws(steps=(95,)))
    assert faults == ["{'problem': 'a', 'start': 1}: steps is stored as 94, computed as 95"]


@pytest.mark.parametrize("lie", [{"steps": 1094}, {"steps": 47}, {"end": -3.4}, {"end": -126.5}, {"word": "STANDSTILL"},
                                 {"share": 0.6}, {"steps": -1}], ids=repr)
@pytest.mark.parametrize("also", [False, True], ids=["honest copy", "the same lie in the copy"])
def test_a_wrong_cell_is_caught_whatever_its_copies_say(lie: dict[str, Any], also: bool, computes: Any) -> None:
    """The twin: the table lies, and the draws round the right value do not reach it."""
    computes(ROWS)
    wrong, copies = table(changed(1, **lie)), [table(changed(1, **lie) if also else ROWS)]
    told = draws(steps=(94, 95, 93), end=(-3.5, -3.5 + 5e-7), word=("budget",), share=(0.5,))
    assert len(study.recompute(wrong, [wrong.rows()[1]], copies, told)) == 1


def test_what_is_computed_elsewhere_can_be_handed_in(computes: Any) -> None:
    computes(ROWS)
    whole = table(ROWS)
    found = study.recompute(whole, whole.rows()[:1], compute=lambda name, key: {
        "steps": 13, "end": -3.5, "word": "goal", "share": 0.25})
    assert found == ["{'problem': 'a', 'start': 0}: steps is stored as 12, computed as 13"]


def test_what_noise_always_moves_is_computed_once_without_it(computes: Any) -> None:
    def moved(name: str, key: dict[str, Any]) -> dict[str, Any]:
        return {"steps": 13, "end": -3.5, "word": "goal", "share": 0.25}

    def under_noise(name: str, key: dict[str, Any], seeds: Sequence[int]) -> list[dict[str, Any]]:
        return [moved(name, key) for _ in seeds]

    computes(ROWS)
    whole = table(ROWS)
    assert study.recompute(whole, whole.rows()[:1], draws=under_noise, compute=moved) == []
    wrong = table(changed(0, steps=15))
    assert len(study.recompute(wrong, wrong.rows()[:1], draws=under_noise, compute=moved)) == 1


def test_a_range_tells_where_its_copies_part() -> None:
    found = NoiseRange(np.array([3.0, 2.0, 1.0]), np.array([3.0, 2.0, 0.5]), np.array([3.0, 2.01, 1.5]))
    assert found.parts_at(0.1) == 2
    assert found.parts_at(5.0) is None
    assert found.keeps(np.array([3.0, 2.05, 99.0]), 0.1)
    assert not found.keeps(np.array([3.0, 2.2, 1.0]), 0.1)
