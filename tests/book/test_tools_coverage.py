"""The task `coverage`: it fails for too few branches, for too few statements, and for tests that fail."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import branch_coverage
from setup_env import ROOT

ENOUGH = {"covered_lines": 95, "num_statements": 100, "covered_branches": 19, "num_branches": 20}


@pytest.mark.parametrize(("change", "status"), [({}, 0), ({"covered_lines": 94}, 1), ({"covered_branches": 18}, 1)])
def test_both_shares_are_asked_for(change: dict[str, int], status: int, capsys: pytest.CaptureFixture[str]) -> None:
    totals = ENOUGH | change
    assert branch_coverage.verdict(totals) == status
    assert f"coverage: {totals['covered_branches'] * 5}.0 % of the branches of emlib" in capsys.readouterr().out


@pytest.mark.parametrize(("failing", "status"), [(None, 0), ("run", 1), ("combine", 2), ("report", 2)])
def test_a_failure_on_the_way_is_a_failure(failing: str | None, status: int, tmp_path: Path,
                                           monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[tuple[str, ...], dict[str, str]]] = []

    def coverage(*arguments: object, **variables: str) -> int:
        calls.append((tuple(map(str, arguments)), variables))
        if arguments[0] == "json":
            Path(str(arguments[-1])).write_text(json.dumps({"totals": ENOUGH}))
        return (1 if failing == "run" else 2) if arguments[0] == failing else 0

    monkeypatch.setattr(branch_coverage, "KEPT", tmp_path / "coverage")
    monkeypatch.setattr(branch_coverage, "coverage", coverage)
    assert branch_coverage.main(["-x"]) == status
    assert calls[0][0][-1] == "-x"
    assert calls[1][1] == {"NUMBA_DISABLE_JIT": "1"}


def test_what_is_run_and_left_out_exists() -> None:
    named = [part.removeprefix("--ignore=") for part in sum(branch_coverage.KERNELS, branch_coverage.TESTS)
             if "/" in part]
    assert len(named) > len(branch_coverage.PAGES)
    assert all((ROOT / name).exists() for name in named)
