"""The task `pythons`: which Python it finds, what it leaves out, and that it fails where a version is not tested."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import package_env
import pythons
import setup_env
from setup_env import ROOT

LACKS = {pythons.module(file): package for file, package in pythons.FILES.items()}
REPORT = '<testsuites><testsuite tests="7" failures="{0}" errors="{1}" skipped="{2}"/></testsuites>'
HERE = "{}.{}".format(*sys.version_info)


def program(path: Path, text: str) -> Path:
    """A file that can be run."""
    path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


def test_a_shim_without_its_python_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """pyenv's `python3.12` is there for every version and fails where this one is not chosen."""
    shims, real = tmp_path / "shims", tmp_path / ".pyenv/versions/9.7.1/bin"
    for folder in (shims, real):
        folder.mkdir(parents=True)
    program(shims / "python9.7", "exit 127")
    program(shims / "python9.8", "echo 3.11")
    wanted = program(real / "python9.7", "echo 9.7")
    monkeypatch.setenv("PATH", str(shims), prepend=os.pathsep)
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    assert package_env.interpreter("9.7") == wanted
    assert package_env.interpreter("9.8") is None
    assert package_env.interpreter("9.9") is None
    assert package_env.interpreter(HERE) == Path(sys.base_prefix, setup_env.BIN, f"python{HERE}")


@pytest.mark.parametrize("uv", [True, False])
@pytest.mark.parametrize("there", [True, False])
def test_an_environment_is_used_again_and_emlib_always_installed_anew(
    there: bool, uv: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[list[str]] = []
    monkeypatch.setattr(package_env, "KEPT", tmp_path)
    monkeypatch.setattr(package_env, "with_uv", lambda: uv)
    monkeypatch.setattr(package_env, "add_checkout", lambda python: None)
    monkeypatch.setattr(setup_env, "run", lambda *command: calls.append([str(part) for part in command]))
    python = tmp_path / HERE / setup_env.BIN / "python"
    if there:
        python.parent.mkdir(parents=True)
        python.touch()
    assert package_env.install(HERE, Path("base"), Path("source")) == python
    assert [call for call in calls if "venv" in call] == ([] if there else calls[:1])
    assert calls[-1][-3:-1] == ["--no-deps", "--reinstall" if uv else "--force-reinstall"]
    assert all(call[-1] == "source" for call in calls[-2:])
    assert not any("[" in part for call in calls for part in call), "an extra is installed"


def test_the_copy_holds_what_the_package_is_built_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(package_env, "KEPT", tmp_path)
    (tmp_path / "source" / "left over").mkdir(parents=True)
    found = package_env.copy_source()
    assert {path.name for path in found.iterdir()} == {"emlib", *package_env.SOURCE}
    assert (found / "emlib" / "datasets" / "old_faithful.csv").exists()


def test_the_path_of_the_checkout_is_not_before_what_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    found = package_env.variables(HERE)
    assert "PYTHONPATH" not in found
    assert found["PYTHONSAFEPATH"] == "1"
    assert not {"-o", "pythonpath=", "--import-mode=append"} - set(pythons.OPTIONS)


def test_another_emlib_than_the_installed_one_is_refused(tmp_path: Path) -> None:
    """`tests/conftest.py` sees that emlib comes from the checkout, where `tmp_path` is the environment."""
    def importing(place: Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run([sys.executable, "-c", "import tests.conftest"], cwd=ROOT, capture_output=True, text=True,
                              env={**os.environ, "EMLIB_INSTALLED_IN": str(place)}, check=False)

    assert importing(ROOT).returncode == 0
    assert f"not the emlib installed in {tmp_path}" in importing(tmp_path).stderr


def test_the_files_left_out_exist_and_need_the_package_that_is_named() -> None:
    assert all((ROOT / name).exists() for name in (*pythons.APART, *pythons.FILES))
    assert pythons.wrongly_listed(LACKS) == []
    file, package = next(iter(pythons.FILES.items()))
    assert pythons.wrongly_listed(LACKS | {pythons.module(file): f"not {package}"}) == [file]
    assert pythons.wrongly_listed(LACKS | {pythons.module(file): ""}) == [file]


@pytest.mark.parametrize(("name", "lacks"), [("absent.thing", "absent"), ("json", None)])
def test_the_probe_tells_what_cannot_be_imported(name: str, lacks: str | None) -> None:
    done = subprocess.run([sys.executable, "-c", pythons.PROBE, name], capture_output=True, text=True, check=True)
    assert ('"lacks": {}' in done.stdout) == (lacks is None)
    assert lacks is None or f'"lacks": {{"{name}": "{lacks}"}}' in done.stdout


@pytest.mark.parametrize(("status", "numbers", "line", "good"), [
    (0, (0, 0, 0), "7 passed, 0 failed, 0 skipped", True),
    (1, (2, 1, 0), "4 passed, 3 failed, 0 skipped", False),
    (0, (0, 0, 1), "6 passed, 0 failed, 1 skipped", False),
    (3, None, "0 passed, 0 failed, 0 skipped", False),
    (0, None, "0 passed, 0 failed, 0 skipped", False),
])
def test_all_must_pass_and_none_be_skipped(status: int, numbers: tuple[int, ...] | None, line: str, good: bool,
                                           tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def run(command: list[Any], **options: Any) -> Any:
        if pythons.PROBE in command:
            return SimpleNamespace(stdout='{"python": "9.7.1", "numpy": "8", "scipy": "6", "lacks": {}}')
        if numbers is not None:
            (tmp_path / "9.7.xml").write_text(REPORT.format(*numbers), encoding="utf-8")
        return SimpleNamespace(returncode=status)

    monkeypatch.setattr(pythons, "KEPT", tmp_path)
    monkeypatch.setattr(pythons, "wrongly_listed", lambda lacks: [])
    monkeypatch.setattr(pythons.subprocess, "run", run)
    found = pythons.run_tests("9.7", Path("python"))
    assert found.line.startswith(f"9.7.1, numpy 8, scipy 6: {line}, ")
    assert found.good == good


def test_every_version_has_a_line_and_one_that_is_missing_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                                                capsys: pytest.CaptureFixture[str]) -> None:
    def install(version: str, base: Path, source: Path) -> Path:
        if version == "3.12":
            raise subprocess.CalledProcessError(2, ["uv", "pip", "install"])
        return base

    monkeypatch.setattr(package_env, "copy_source", lambda: tmp_path)
    monkeypatch.setattr(package_env, "install", install)
    monkeypatch.setattr(package_env, "interpreter", lambda version: None if version == "3.13" else Path("python"))
    monkeypatch.setattr(pythons, "run_tests", lambda version, python: pythons.Outcome(f"{version}: fine", True))
    assert pythons.main([]) == 1
    lines = capsys.readouterr().out.splitlines()[-3:]
    assert lines[0] == "pythons: 3.11: fine"
    assert "3.12: not set up" in lines[1]
    assert "3.13: not found; install it by `.tools/" in lines[2]
    assert pythons.main(["3.11"]) == 0
