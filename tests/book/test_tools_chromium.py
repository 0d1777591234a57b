"""The task that finds or installs Chromium: what it says and does on machines with and without one."""

from __future__ import annotations

import subprocess
from typing import Any

import pytest

import chromium as chromium_task


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """A machine whose programs are the ones in the set that is returned."""
    present: set[str] = set()
    monkeypatch.setattr(chromium_task.shutil, "which", lambda name: f"/bin/{name}" if name in present else None)
    return present


def test_a_browser_that_is_there_is_found_under_each_of_its_names(bare: set[str]) -> None:
    for name in chromium_task.NAMES:
        bare.clear()
        bare.add(name)
        assert chromium_task.find() == f"/bin/{name}"
        assert chromium_task.ensure()


def test_a_user_who_may_not_install_is_told_what_to_do(
    bare: set[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    bare.add("apt-get")
    monkeypatch.setattr(chromium_task.os, "geteuid", lambda: 1000)
    assert not chromium_task.ensure()
    assert "Debian: package chromium" in capsys.readouterr().out


@pytest.mark.parametrize("works", [True, False])
def test_root_installs_it_and_hears_of_a_failure(
    bare: set[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], works: bool
) -> None:
    calls: list[list[str]] = []

    def run(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        calls.append(command)
        if works and "install" in command:
            bare.add("chromium")
        return subprocess.CompletedProcess(command, 0 if works else 100, "", "" if works else "no such package")

    bare.add("apt-get")
    monkeypatch.setattr(chromium_task.os, "geteuid", lambda: 0)
    monkeypatch.setattr(chromium_task.subprocess, "run", run)
    assert chromium_task.ensure() is works
    assert [call[1] for call in calls] == ["update", "install"]
    assert ("no such package" in capsys.readouterr().out) is not works
