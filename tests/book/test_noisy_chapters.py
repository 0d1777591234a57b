"""Chapters under arithmetic noise: their outputs show what is committed; ``make test`` has made the runs."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest

import chapters
import execute
import noisy_chapters
import same_outputs
from run_chapters import BOOK, cache_folder
from setup_env import ROOT

PATHS = chapters.listed()


@pytest.mark.parametrize("path", PATHS, ids=[path.stem for path in PATHS])
def test_a_chapter_under_noise_shows_what_is_committed(path: Path) -> None:
    assert noisy_chapters.faults([path]) == []


def test_the_runs_were_made_under_noise() -> None:
    """What differs without being seen shows that the noise was there: full digits of figures and sliders."""
    setting = noisy_chapters.setting(noisy_chapters.SEED)
    changed = []
    for path in PATHS:
        runs = (chapters.read(cache_folder(ROOT, kind) / path.name) for kind in (setting, BOOK))
        noisy, plain = ([cell.outputs for cell in chapters.code_cells(run)] for run in runs)
        changed += [path.stem] if noisy != plain else []
    assert len(changed) > 2


@pytest.mark.slow
@pytest.mark.parametrize(("source", "seen"), [
    ("print(repr(float(np.exp(x).sum())))", True),  # all 17 digits
    ("print(repr((x @ x.T)[0, 1]))", True),
    ("print(f'{np.exp(x).sum():.6g}')", False),
    ("print(f'{np.linalg.det(x):.6g}', str(emlib.fit(PoissonMixture(2), counts, rng=0).loglik)[:9])", False),
])
def test_a_cell_that_prints_all_digits_is_caught(source: str, seen: bool, tmp_path: Path) -> None:
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(text) for text in (
        "import numpy as np\nimport emlib\nfrom emlib.models import PoissonMixture", "a: int = 1  # nothing",
        "rng = np.random.default_rng(5)\nx, counts = rng.standard_normal((7, 7)), rng.poisson(3.0, 80)", source)])
    notebook.cells[1].metadata["tags"] = ["parameters"]
    path = tmp_path / "01_tiny.ipynb"
    chapters.write(notebook, path)
    outputs = []
    for variables in ({}, noisy_chapters.setting(1).variables):
        run = execute.execute(path, variables=dict(variables))
        assert not run.fault
        outputs.append(run.notebook.cells[-1].outputs)
    assert bool(same_outputs.differences(*outputs)) is seen
