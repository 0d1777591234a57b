"""The audit: what it runs, what it judges, and that a verdict or an output that moves is a fault."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import audit_book
import chapters
import noisy_chapters
import run_chapters
import tiny_book
from embook.ledger.judge import Run, judge_other
from embook.ledger.registry import Row
from run_chapters import BOOK, Setting, cache_folder, run_all

ROW = Row(id="AB99-T1", chapter=1, statement="It grows.", source={"key": "x", "place": "y"}, kind="theorem",
          verdict="holds", why="", propositions=("as_stated",))


def run(holds: bool, **changes: Any) -> Run:
    record = {"id": ROW.id, "measured": 0.5, "propositions": {"as_stated": holds}, "parameters": {"seed": 11}}
    return Run({**record, **changes}, Path("01_one.ipynb"), "cell")


def test_another_seed_must_bear_the_verdict_out() -> None:
    assert judge_other([ROW], [run(True)]) == []
    assert judge_other([ROW], [run(False)]) == [
        "AB99-T1 is registered as holds, but {'seed': 11} gives false ({'as_stated': False}; measured 0.5)"]


@pytest.mark.parametrize("runs", [[], [run(True), run(True)], [run(True, parameters="default")],
                                  [run(True, id="XY00-T1")]], ids=["none", "two", "the book's own", "another's"])
def test_every_row_needs_one_run_of_its_own(runs: list[Run]) -> None:
    assert "one run is needed" in judge_other([ROW], runs)[0]


def test_a_proposition_that_was_not_computed_is_a_fault() -> None:
    assert judge_other([ROW], [run(True, propositions={"as_stated": True, "corrected": True})])


def test_a_setting_gives_each_chapter_only_the_parameters_that_it_has(tmp_path: Path) -> None:
    path = tiny_book.make(tmp_path)[0]
    assert Setting("other", {"n": 7, "start_seed": 3}).parameters(path) == {"n": 7}


def test_settings_keep_their_runs_apart(tmp_path: Path) -> None:
    paths = tiny_book.make(tmp_path, good="print(n * 2)", other="import os\nprint(os.environ.get('EMLIB_TRIED'))")
    other = Setting("other", {"n": 7}, {"EMLIB_TRIED": "yes"})
    assert run_all(paths, tmp_path, setting=other) == []
    outputs = [chapters.code_cells(chapters.read(cache_folder(tmp_path, other) / path.name))[-1].outputs[0].text
               for path in paths]
    assert outputs == ["14\n", "yes\n"]
    assert not any(cache_folder(tmp_path, BOOK).glob("*"))


def test_a_kept_run_counts_only_while_what_it_rests_on_is_the_same(tmp_path: Path,
                                                                  capsys: pytest.CaptureFixture[str]) -> None:
    paths, code = tiny_book.make(tmp_path), tmp_path / "code"
    code.mkdir()
    setting = Setting("other", {"n": 7}, code=(code,))
    for content in ("one", "one", "two"):
        (code / "noise.py").write_text(content)
        run_all(paths, tmp_path, setting=setting)
    assert [line.split()[1] for line in capsys.readouterr().out.splitlines()] == ["ran", "ran", "unchanged",
                                                                                  "unchanged", "ran", "ran"]


def test_an_output_that_noise_changes_is_a_fault(tmp_path: Path) -> None:
    paths = tiny_book.make(tmp_path, good="import numpy as np\nprint(float(np.exp(0.1 * n)))", other="print(n)")
    for path in paths:
        done = run_chapters.execute(path)
        chapters.write(chapters.with_outputs(chapters.read(path), done.notebook), path)
    faults = [noisy_chapters.faults([path], 2, tmp_path) for path in paths]
    assert faults[0][0].startswith("01_good, noise 2, code cell 2: stdout: where it said \"1.6487")
    assert faults[1] == []


@pytest.mark.parametrize("found", [[], ["a fault"]])
def test_every_part_is_run_and_one_fault_fails(found: list[str], monkeypatch: pytest.MonkeyPatch,
                                               capsys: pytest.CaptureFixture[str]) -> None:
    parts: dict[str, Any] = {"noise": lambda: found, "seeds": lambda: []}
    monkeypatch.setattr(audit_book, "PARTS", parts)
    assert audit_book.main([]) == len(found)
    told = capsys.readouterr()
    assert told.out.strip() == f"audit: noise {len(found)} faults, seeds 0 faults"
    assert ("audit: a fault" in told.err) is bool(found)


@pytest.mark.parametrize(("one", "other", "same"), [
    (0.5, 0.5049, True), (0.5, 0.51, False), (250, 252, True), (250, 254, False), ([0.1, 0.2], [0.1, 0.2], True),
    (1e-9, 9e-3, False), (-0.004, 0.004, False), (True, False, False), ("infinity", "infinity", True),
    ({"a": 0.1}, {"a": 0.15}, False), ({"a": 0.1}, {"b": 0.1}, False), ("holds", "holds", True), (0.5, None, False),
    ("< 1e-6", "< 1e-6", True), (["a"], ["a", "b"], False),
])
def test_what_is_measured_on_two_tables_agrees_to_a_hundredth(one: Any, other: Any, same: bool) -> None:
    assert audit_book.same_measured(one, other) is same
