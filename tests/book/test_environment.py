"""The environment files agree with the lock, and what they name can be installed."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
import yaml
from packaging.markers import Marker
from packaging.requirements import InvalidRequirement, Requirement
from rattler import MatchSpec

import lock
import setup_env
from setup_env import ROOT

OURS = {"em-and-gradients", "em-and-gradients-book"}
LOCK = (ROOT / "requirements.txt").read_text(encoding="utf-8")
MATPLOTLIB = ("3.10.", "3.11.")  # under both the pictures show the same, see `tools/same_picture.py`
NO_NETWORK = re.compile(r"dns error|failed to fetch|error sending request|connection (?:refused|reset)|timed out", re.I)


def specs(text: str) -> tuple[list[str], list[str]]:
    """Return the conda specifications and the lines of the pip section."""
    entries = yaml.safe_load(text)["dependencies"]
    conda = [entry for entry in entries if isinstance(entry, str)]
    return conda, next(entry["pip"] for entry in entries if isinstance(entry, dict))


def disagreements(environment: str, locked: dict[str, str]) -> list[str]:
    """Return the pins that are not the lock's."""
    pins = [line.split("==") for line in specs(environment)[1] if "==" in line]
    return [name for name, version in pins if locked.get(name) != version]


def test_the_pins_of_environment_yml_are_those_of_the_lock() -> None:
    text = (ROOT / "environment.yml").read_text(encoding="utf-8")
    assert len(specs(text)[1]) > 5
    assert disagreements(text, lock.locked(LOCK)) == []
    assert disagreements(text.replace("numpy==2", "numpy==1"), lock.locked(LOCK)) == ["numpy"]


def test_the_files_for_conda_are_what_the_lock_gives() -> None:
    assert (ROOT / "environment.yml").read_text(encoding="utf-8") == lock.environment(LOCK)
    assert (ROOT / "constraints.txt").read_text(encoding="utf-8") == lock.constraints(LOCK)


def test_the_conda_specifications_parse() -> None:
    conda, _ = specs((ROOT / "environment.yml").read_text(encoding="utf-8"))
    assert [MatchSpec(spec).name.normalized for spec in conda] == ["python", "pip"]
    with pytest.raises(Exception, match=r"3\.\.11"):
        MatchSpec("python==3..11")


def test_every_package_of_the_lock_has_a_hash_and_no_address() -> None:
    blocks = re.split(r"\n(?=\S)", LOCK.strip())
    assert len(blocks) == len(lock.locked(LOCK)) > 100
    assert [block.split()[0] for block in blocks if "--hash=sha256:" not in block] == []
    assert "://" not in LOCK


def test_the_lock_satisfies_pyproject() -> None:
    locked = lock.locked(LOCK)
    wanted = [Requirement(line) for name in OURS for line in metadata.requires(name) or []]
    extras = {"test", "jax"}
    for need in wanted:
        optional = {extra for extra in extras if need.marker and need.marker.evaluate({"extra": extra})}
        if need.name not in OURS and (optional or need.marker is None):
            assert need.specifier.contains(locked[need.name.lower()]), str(need)


def wrong_versions(rows: str) -> list[str]:
    """Return the constraints that this environment does not keep."""
    wrong = []
    for row in rows.splitlines():
        pin, _, marker = row.partition(" ; ")
        name, version = pin.split("==")
        if (not marker or Marker(marker).evaluate()) and _installed(name) != version:
            wrong.append(name)
    return wrong


def _installed(name: str) -> str:
    """Return the installed version, or nothing."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""


def test_the_environment_that_runs_this_is_the_locked_one_or_has_another_matplotlib_that_is_tried() -> None:
    rows = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    tried = {"matplotlib"} if _installed("matplotlib").startswith(MATPLOTLIB) else set()
    assert set(wrong_versions(rows)) <= tried
    assert set(wrong_versions(rows.replace("numpy==2", "numpy==1"))) - tried == {"numpy"}


@pytest.mark.slow
def test_the_pip_section_installs_into_a_fresh_environment(tmp_path: Path) -> None:
    """Install it for real; where there is no network each line must at least be readable."""
    for name in ("pyproject.toml", "README.md", "LICENSE", "constraints.txt"):
        shutil.copy(ROOT / name, tmp_path)
    for name in ("emlib", "embook"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    lines = specs((ROOT / "environment.yml").read_text(encoding="utf-8"))[1]
    (tmp_path / "pip.txt").write_text("\n".join(lines), encoding="utf-8")
    python, *install = fresh_environment(tmp_path / "venv")
    done = subprocess.run([*install, "-r", "pip.txt"], cwd=tmp_path, capture_output=True, text=True, check=False)
    if done.returncode and NO_NETWORK.search(done.stderr):
        assert unreadable(lines) == []
        return
    assert done.returncode == 0, done.stderr
    shown = "import embook, emlib, numpy; print(numpy.__version__)"
    version = subprocess.run([python, "-c", shown], cwd=tmp_path.parent, capture_output=True, text=True, check=True)
    assert version.stdout.strip() == lock.locked(LOCK)["numpy"]


def fresh_environment(folder: Path) -> list[str]:
    """Make an environment; return its interpreter and the command that installs into it."""
    python = str(folder / setup_env.BIN / "python")
    if setup_env.UV.exists():
        subprocess.run([str(setup_env.UV), "venv", "-q", str(folder), "--python", sys.executable], check=True)
        return [python, str(setup_env.UV), "pip", "install", "-q", "--python", python]
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    return [python, python, "-m", "pip", "install", "-q"]


def unreadable(lines: list[str]) -> list[str]:
    """Return the lines that are neither an option nor a requirement."""
    wrong = []
    for line in lines:
        try:
            Requirement("emlib" if line.startswith("-") else line)
        except InvalidRequirement:
            wrong.append(line)
    return wrong


def test_an_unreadable_line_of_the_pip_section_is_seen() -> None:
    assert unreadable(["-e .[test]", "numpy==2.4.6", "numpy=>2"]) == ["numpy=>2"]


def test_the_books_distribution_names_each_of_its_packages() -> None:
    """Its folder is the package itself, so that they cannot be searched for and are listed by hand."""
    settings = tomllib.loads((ROOT / "embook" / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]
    folders = {path.parent.relative_to(ROOT) for path in (ROOT / "embook").rglob("__init__.py")}
    assert set(settings["packages"]) == {".".join(folder.parts) for folder in folders}
