"""The benchmarks run, what they keep can be read again, and their clock tells much work from little."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks import machine
from benchmarks.__main__ import PARTS, main, options
from benchmarks.tables import Table, shown
from benchmarks.timing import peak_memory, slope
from embook import benchmarks
from setup_env import ROOT


def test_the_benchmarks_run_and_their_tables_can_be_read_again(tmp_path: Path) -> None:
    kept = tmp_path / "results.json"
    command = [sys.executable, "-m", "benchmarks", "--small", "--out", str(kept)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert "scikit-learn" in done.stdout
    assert "fit's default" in done.stdout
    found = benchmarks.load(kept)
    assert {"hasselblad", "counts", "runs", "gmm", "growth", "threads", "memory", "optimum"} <= set(found.tables)
    for costs in (found.costs(["EM", "Adaptive"], kind="easy"), found.costs(["EM", "default"], table="seconds-runs")):
        assert costs.shape[0] == 2
        assert np.isfinite(costs).any()
    assert found.said("date").count("-") == 2
    assert "numpy" in dict(found.versions())


def test_times_with_kernels_chosen_by_hand_are_not_kept(monkeypatch: pytest.MonkeyPatch,
                                                        capsys: pytest.CaptureFixture[str]) -> None:
    for name in machine.BLAS_SETTINGS:
        monkeypatch.delenv(name, raising=False)
    assert options(["gmm", "--keep"]).parts == ["gmm"]
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Haswell")
    assert machine.by_hand() == ["OPENBLAS_CORETYPE"]
    with pytest.raises(SystemExit):
        options(["gmm", "--keep"])
    assert "unset them" in capsys.readouterr().err
    assert options(["gmm", "--quick"]).scale == "quick"


def test_a_run_of_one_part_keeps_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = tmp_path / "results.json"
    for name in ("one", "two"):
        monkeypatch.setitem(PARTS, name, lambda scale, name=name: [Table(name, scale, ["a"], [[1.5]])])
        assert main([name, "--quick", "--out", str(kept)]) == 0
    assert set(json.loads(kept.read_text())["tables"]) == {"one", "two"}
    assert benchmarks.load(kept).rows("two") == [{"a": 1.5}]
    with pytest.raises(KeyError, match="no table 'three'; there are one, two"):
        benchmarks.load(kept).show("three")


def test_some_columns_are_shown_in_the_order_asked_for_with_shorter_phrases(capsys: pytest.CaptureFixture[str]) -> None:
    table = {"title": "Times", "columns": ["model", "ms", "ratio"], "rows": [["hidden chain, long", 2.0, 1.5]]}
    benchmarks.Results({"times": table}).show("times", ["model", "ratio"], {"hidden chain": "chain", "ratio": "times"})
    assert capsys.readouterr().out.split() == ["Times", "model", "times", "chain,", "long", "1.5"]


def test_an_unknown_part_and_a_missing_file_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        options(["nothing"])
    assert "'nothing' found; there are hasselblad" in capsys.readouterr().err
    with pytest.raises(FileNotFoundError, match=r"no file none\.json; run python -m benchmarks --keep"):
        benchmarks.load(tmp_path / "none.json")


SHOWN = [(None, "–"), (0.01234, "0.0123"), (12345.6, "12346"), (7, "7"), ("a", "a")]


@pytest.mark.parametrize(("value", "text"), SHOWN)
def test_values_are_shown_to_three_digits(value: float | str | None, text: str) -> None:
    assert shown(value) == text


def test_the_slope_grows_with_the_work() -> None:
    def work(size: int) -> float:
        return slope(lambda steps: [np.sin(np.arange(size)).sum() for _ in range(steps)], 2, 12)

    assert work(2_000_000) > 5 * work(20_000)


def test_peak_memory_sees_what_is_taken_and_not_what_was_there() -> None:
    before = "import numpy\nheld = numpy.ones(4_000_000)"
    assert 50 < peak_memory(before, "more = numpy.ones(8_000_000)") < 80
    assert peak_memory(before, "held += 1") < 10
