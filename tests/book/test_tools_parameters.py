"""Every chapter runs with other, small parameters, and by the plain papermill command."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

import chapters
import setup_env
from execute import execute
from setup_env import ROOT

TABLE = Path(__file__).with_name("other_parameters.yml")
OTHER: dict[str, dict[str, Any]] = yaml.safe_load(TABLE.read_text(encoding="utf-8")) or {}
CHAPTERS = {path.stem: path for path in chapters.listed()}


def unfit(other: dict[str, Any], own: dict[str, Any]) -> list[str]:
    """Return the names that the chapter lacks, and those whose value is the chapter's own."""
    return [name for name, value in other.items() if name not in own or own[name] == value]


def test_the_table_names_every_chapter_and_no_other() -> None:
    assert set(OTHER) == set(CHAPTERS)


@pytest.mark.parametrize("stem", CHAPTERS)
def test_the_values_are_other_ones(stem: str) -> None:
    own = chapters.parameters(chapters.read(CHAPTERS[stem]))
    assert OTHER[stem]
    assert unfit(OTHER[stem], own) == []


def test_values_that_are_not_other_ones_are_seen() -> None:
    assert unfit({"n": 5, "m": 1, "seed": 3}, {"n": 5, "seed": 2}) == ["n", "m"]


@pytest.mark.slow
@pytest.mark.parametrize("stem", CHAPTERS)
def test_a_chapter_runs_with_other_parameters(stem: str) -> None:
    assert execute(CHAPTERS[stem], OTHER[stem]).fault == ""


@pytest.mark.slow
def test_the_plain_papermill_command_works_as_typed_from_the_root(tmp_path: Path) -> None:
    program, out = setup_env.VENV_PYTHON.with_name("papermill"), tmp_path / "out.ipynb"
    command = [str(program), "chapters/05_projection_matrix.ipynb", str(out), "-p", "n_samples", "5000"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "unknown parameter" not in done.stderr
    assert out.exists()
