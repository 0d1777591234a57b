"""The stored tables: each is that of its study, and a random share of its cells is computed anew, to the last digit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from emlib.report import study

STORED = sorted(path.stem for path in study.FOLDER.glob("*.csv"))
SHARE = 0.02


@pytest.mark.parametrize("name", STORED)
def test_a_share_of_the_cells_is_what_the_table_says(name: str) -> None:
    table = study.load(name)
    assert study.recompute(table, study.sample(table, SHARE, np.random.default_rng(2))) == []


@pytest.mark.parametrize("name", STORED)
def test_the_table_is_that_of_the_study(name: str) -> None:
    table, source = study.load(name), study.module(name)
    assert [table.key(row) for row in table.rows()] == source.keys()
    assert table.head["study"] == name
    assert table.head["seed"] == str(source.SEED)
    assert "changes" not in table.head["commit"], "stored by code that no commit holds: commit, then run it again"


def test_every_study_is_stored_and_every_table_has_its_study() -> None:
    modules = [path.stem for path in (Path(study.__file__).parent / "studies").glob("[!_]*.py")]
    studies = {name for name in modules if hasattr(study.module(name), "cell")}
    assert studies == set(STORED)


def test_a_changed_cell_of_a_stored_study_is_caught() -> None:
    table = study.load("race_goals")
    row = dict(table.where(problem="Poisson mixture").rows()[0])
    assert study.recompute(table, [row]) == []
    row["goal"] += 1e-7
    assert "goal is stored as" in study.recompute(table, [row])[0]


