"""How studies are run and stored: kept cell by cell, resumed, written at one stroke, read as computed, sampled."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from embook import study
from embook.study import run as study_run


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Return a study of six cells that notes which of them it computes."""
    source = ModuleType("embook.studies.toy", "A toy: roots of small numbers.\n\nMore words.")
    source.__file__ = str(tmp_path / "toy.py")
    (tmp_path / "toy.py").write_text("# first version")
    computed: list[int] = []

    def cell(kind: str, n: int) -> dict[str, Any]:
        computed.append(n)
        return {"root": float(np.sqrt(n)) if kind == "a" else np.inf, "twice": np.int64(2 * n), "word": f"{kind}, {n}"}

    source.__dict__.update(SEED=5, cell=cell, computed=computed,
                           keys=lambda: [{"kind": kind, "n": n} for kind in "ab" for n in (1, 2, 3)])
    monkeypatch.setitem(sys.modules, source.__name__, source)
    return source


def run(folder: Path, **options: Any) -> int:
    return study_run.run("toy", folder=folder, notes=folder, **options)


def test_a_table_is_read_as_it_was_computed(toy: ModuleType, tmp_path: Path) -> None:
    assert run(tmp_path) == 6
    table = study.load("toy", tmp_path)
    assert table["root"].tolist() == [*np.sqrt([1, 2, 3]).tolist(), np.inf, np.inf, np.inf]
    assert table["twice"].dtype.kind == "i"
    assert table.where(kind="b", n=3)["word"].tolist() == ["b, 3"]
    assert (table.head["about"], table.head["seed"]) == ("A toy: roots of small numbers.", "5")
    assert table.key(table.rows()[4]) == {"kind": "b", "n": 2}
    with pytest.raises(KeyError, match="no column 'cube'; there are kind, n, root"):
        table["cube"]


def test_a_changed_cell_is_caught(toy: ModuleType, tmp_path: Path) -> None:
    run(tmp_path)
    table = study.load("toy", tmp_path)
    assert study.recompute(table, table.rows()) == []
    path = tmp_path / "toy.csv"
    path.write_text(path.read_text().replace("1.7320508075688772", "1.73205080757"))
    table = study.load("toy", tmp_path)
    faults = study.recompute(table, table.rows())
    assert faults == ["{'kind': 'a', 'n': 3}: root is stored as 1.73205080757, computed as 1.7320508075688772"]


def test_a_run_that_was_cut_off_goes_on(toy: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = toy.cell

    def stops(kind: str, n: int) -> dict[str, Any]:
        if (kind, n) == ("b", 1):
            raise KeyboardInterrupt
        return dict(whole(kind, n))

    monkeypatch.setattr(toy, "cell", stops)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path)
    assert not (tmp_path / "toy.csv").exists()
    monkeypatch.setattr(toy, "cell", whole)
    with (tmp_path / "toy.jsonl").open("a") as file:
        file.write('{"key": {"kind": "b", "n"')  # what a stop in the middle of a line leaves
    assert run(tmp_path) == 3
    assert toy.computed == [1, 2, 3, 1, 2, 3]
    table = study.load("toy", tmp_path)
    assert study.recompute(table, table.rows()) == []


def test_a_run_does_not_go_on_with_other_code(toy: ModuleType, tmp_path: Path) -> None:
    run(tmp_path)
    Path(str(toy.__file__)).write_text("# second version")
    with pytest.raises(ValueError, match="begun with other code of the study; add --fresh"):
        run(tmp_path)
    assert run(tmp_path, fresh=True) == 6


def test_the_head_names_every_commit_that_took_part(toy: ModuleType, tmp_path: Path,
                                                    monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("one", "two", "one"):
        monkeypatch.setattr(study_run, "commit", lambda name=name: name)
        run(tmp_path)
    assert study.load("toy", tmp_path).head["commit"] == "one, two"


@pytest.mark.parametrize("value", [True, None, [1], "two\nlines", "", "# a comment"])
def test_a_value_that_a_table_cannot_hold_is_refused(value: Any) -> None:
    with pytest.raises(TypeError, match="cell: "):
        study.text(value)


def test_a_column_has_one_type(toy: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(toy, "cell", lambda kind, n: {"value": 1 if kind == "a" else 1.0})
    with pytest.raises(TypeError, match="column value: int and float found"):
        run(tmp_path)


def test_a_damaged_table_and_an_unknown_study_are_refused(toy: ModuleType, tmp_path: Path) -> None:
    run(tmp_path)
    path = tmp_path / "toy.csv"
    path.write_text(path.read_text()[:-12])
    with pytest.raises(ValueError, match="damaged"):
        study.load("toy", tmp_path)
    with pytest.raises(FileNotFoundError, match=r"python -m embook\.study nosuch"):
        study.load("nosuch", tmp_path)
    with pytest.raises(ValueError, match="'nosuch' is unknown; choose one of accelerations, basins, hybrid, "):
        study.module("nosuch")


def test_sample_draws_the_share_in_order(toy: ModuleType, tmp_path: Path) -> None:
    run(tmp_path)
    table = study.load("toy", tmp_path)
    drawn = [table.rows().index(row) for row in study.sample(table, 0.5, np.random.default_rng(0))]
    assert drawn == sorted(set(drawn))
    assert len(drawn) == 3
    assert len(study.sample(table, 1e-6, np.random.default_rng(0))) == 1


def test_a_noisy_copy_lies_beside_the_table_and_names_the_machine(toy: ModuleType, tmp_path: Path) -> None:
    run(tmp_path)
    for seed in (2, 1):
        assert run(tmp_path, noise=seed) == 6
    assert sorted(path.name for path in (tmp_path / "noisy").iterdir()) == ["toy-1.csv", "toy-2.csv"]
    copies = study.copies("toy", tmp_path)
    assert [copy["n"].tolist() for copy in copies] == [[1, 2, 3, 1, 2, 3]] * 2
    assert "numpy" in study.load("toy", tmp_path, noise=2).head["machine"]
    with pytest.raises(FileNotFoundError, match=r"run python tools/noisy_study\.py toy --noise 3"):
        study.load("toy", tmp_path, noise=3)


def test_workers_compute_the_same_table(toy: ModuleType, tmp_path: Path) -> None:
    run(tmp_path)
    alone = (tmp_path / "toy.csv").read_bytes()
    assert run(tmp_path, workers=2, fresh=True) == 6
    assert (tmp_path / "toy.csv").read_bytes() == alone


def test_the_command_wants_one_thread(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    with pytest.raises(SystemExit):
        study_run.command(["toy"])
    assert "set OMP_NUM_THREADS=1 and OPENBLAS_NUM_THREADS=1" in capsys.readouterr().err
