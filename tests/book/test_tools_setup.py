"""The entry, the set-up and the files about them agree."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

import do
import lock
import setup_env
from setup_env import ROOT


def test_make_and_readme_know_every_task() -> None:
    verbs = re.search(r"^VERBS = (.*)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert verbs is not None
    assert set(verbs[1].split()) == set(do.TASKS)
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert {name for name in do.TASKS if f"tools/do.py {name}" in readme} == set(do.TASKS)


def test_the_example_of_the_readme_runs() -> None:
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) == 1
    done = subprocess.run([sys.executable, "-c", blocks[0]], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "CONVERGED" in done.stdout.upper()


@pytest.mark.parametrize("name", ["do.py", "setup_env.py"])
def test_what_runs_before_the_environment_needs_only_the_standard_library(name: str) -> None:
    """``-I -S`` leaves no installed package in reach."""
    path = f"import sys; sys.path.insert(0, {str(ROOT / 'tools')!r}); import {name.removesuffix('.py')}"
    subprocess.run([sys.executable, "-I", "-S", "-c", path], check=True)


def test_an_unchanged_lock_means_nothing_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    calls: list[str] = []
    stamp = tmp_path / "stamp"
    monkeypatch.setattr(setup_env, "STAMP", stamp)
    monkeypatch.setattr(setup_env, "get_uv", lambda: True)
    monkeypatch.setattr(setup_env, "by_uv", lambda: calls.append("uv"))
    monkeypatch.setattr(setup_env, "by_pip", lambda: calls.append("pip"))
    setup_env.setup()
    setup_env.setup()
    stamp.write_text("of another lock", encoding="utf-8")
    setup_env.setup()
    assert calls == ["uv", "uv"]


@pytest.mark.parametrize(("uv", "choice", "expected"), [(False, "", "pip"), (True, "pip", "pip"), (True, "", "uv")])
def test_pip_is_used_where_uv_is_not(
    uv: bool, choice: str, expected: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    calls: list[str] = []
    monkeypatch.setenv("EMLIB_SETUP", choice)
    monkeypatch.setattr(setup_env, "STAMP", tmp_path / "stamp")
    monkeypatch.setattr(setup_env, "get_uv", lambda: uv)
    monkeypatch.setattr(setup_env, "by_uv", lambda: calls.append("uv"))
    monkeypatch.setattr(setup_env, "by_pip", lambda: calls.append("pip"))
    setup_env.setup()
    assert calls == [expected]


def test_a_failed_set_up_says_so_and_leaves_no_stamp(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def fail() -> None:
        raise subprocess.CalledProcessError(2, ["uv", "pip", "sync"])

    monkeypatch.delenv("EMLIB_SETUP", raising=False)
    monkeypatch.setattr(setup_env, "STAMP", tmp_path / "stamp")
    monkeypatch.setattr(setup_env, "get_uv", lambda: True)
    monkeypatch.setattr(setup_env, "by_uv", fail)
    with pytest.raises(SystemExit, match="setup: failed"):
        setup_env.setup()
    assert not (tmp_path / "stamp").exists()


def test_the_lock_is_read_with_its_markers() -> None:
    text = "a-b==1.2 \\\n    --hash=sha256:00\nc==3.post1 ; sys_platform == 'win32' \\\n    # via a\n"
    assert lock.locked(text) == {"a-b": "1.2", "c": "3.post1"}
    assert lock.constraints(text) == "a-b==1.2\nc==3.post1 ; sys_platform == 'win32'\n"


def test_every_hook_calls_something_that_is_there() -> None:
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"][0]["hooks"]
    assert {hook["id"] for hook in hooks} >= {"ruff", "codespell", "notebook-rules"}
    for hook in hooks:
        program, *rest = hook["entry"].split()
        assert program == ".venv/bin/python"
        assert hook["language"] == "system"
        assert rest[0] == "-m" or (ROOT / rest[0]).exists()


def test_the_check_script_is_sound_shell() -> None:
    bash = shutil.which("bash")
    assert bash is not None
    subprocess.run([bash, "-n", str(ROOT / ".ci" / "run")], check=True)


def test_no_file_of_the_project_is_swallowed_by_gitignore(tmp_path: Path) -> None:
    kept = ["README.md", "chapters/05_projection_matrix.ipynb", "emlib/datasets/x.csv", "assets/_static/katex/x.js"]
    thrown = ["05.md", "out.ipynb", "_build/x", ".venv/x", "emlib/__pycache__/x", "emlib.egg-info/x", "uv.lock"]
    command = ["git", "-c", "core.excludesFile=", "check-ignore", "--no-index", *kept, *thrown]
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    shutil.copy(ROOT / ".gitignore", tmp_path)
    found = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False).stdout.split()
    assert found == thrown
