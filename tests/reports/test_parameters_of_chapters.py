"""Other parameters for a chapter: checked against what it declares before anything runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest
import yaml

import chapters
import run_chapters

OTHERS = Path(__file__).parents[1] / "book" / "other_parameters.yml"
SOURCE = """n_units: int = 80  # observations, from 2 to 1000
variance: float = 2.0  # known, of steps from each
share: float = 0.1  # of them, from 1e-6
levels: list = [1, 2]  # of both"""


@pytest.fixture
def notebook() -> Any:
    cell = nbformat.v4.new_code_cell(SOURCE)
    cell.metadata["tags"] = ["parameters"]
    return nbformat.v4.new_notebook(cells=[cell])


@pytest.mark.parametrize(("given", "needed"), [({"n_units": 1e2}, {"n_units": 100}),
                                               ({"n_units": 7}, {"n_units": 7}), ({"variance": 3}, {"variance": 3.0}),
                                               ({"levels": [5]}, {"levels": [5]})])
def test_what_loses_nothing_is_taken_as_declared(notebook: Any, given: Any, needed: Any) -> None:
    found = chapters.fitting(notebook, given, "04_x")
    assert found == needed
    assert [type(value) for value in found.values()] == [type(value) for value in needed.values()]


@pytest.mark.parametrize(("given", "message"), [
    ({"n_units": 1.5}, r"n_units of chapter 04_x: 1.5 found, of type float; it is declared as int"),
    ({"n_units": True}, r"n_units of chapter 04_x: True found, of type bool"),
    ({"n_units": "many"}, r"n_units of chapter 04_x: 'many' found"),
    ({"n_units": 1}, r"n_units of chapter 04_x: 1 found, it goes from 2 to 1000"),
    ({"n_units": 1001}, r"n_units of chapter 04_x: 1001 found, it goes from 2 to 1000"),
    ({"share": 0}, r"share of chapter 04_x: 0 found, it goes from 1e-06 on"),
    ({"share": float("nan")}, r"share of chapter 04_x: nan found, it goes from 1e-06 on"),
    ({"variance": "2"}, r"variance of chapter 04_x: '2' found, of type str; it is declared as float"),
    ({"levels": 3}, r"levels of chapter 04_x: 3 found"),
    ({"units": 3}, r"units: chapter 04_x has no such parameter; there are \['levels', 'n_units', 'share', 'v")])
def test_the_rest_names_parameter_and_chapter(notebook: Any, given: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        chapters.fitting(notebook, given, "04_x")


@pytest.mark.parametrize("path", chapters.listed(), ids=lambda path: path.stem)
def test_the_ranges_that_a_chapter_states(path: Any) -> None:
    """Its own value and the one of the second run lie inside; what lies below is refused by chapter and name."""
    book = chapters.read(path)
    own, others = chapters.parameters(book), yaml.safe_load(OTHERS.read_text())[path.stem]
    stated = {name: limits for name, limits in chapters.ranges(book).items() if limits is not None}
    for name, limits in stated.items():
        assert limits[0] <= own[name] <= limits[1]
        assert limits[0] <= others.get(name, own[name]) <= limits[1]
        with pytest.raises(ValueError, match=f"{name} of chapter {path.stem}: .* found, it goes from"):
            chapters.fitting(book, {name: type(own[name])(np.floor(limits[0] - 1))}, path.stem)


def test_the_command_says_so_and_runs_nothing(capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_chapters, "execute", lambda *given: pytest.fail("nothing may run"))
    assert run_chapters.main(["04", "--param", "n_units=1.5"]) == 1
    assert "n_units of chapter 04_fisher_identity: 1.5 found" in capsys.readouterr().err


def test_the_result_has_a_place_without_out(capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, Any] = {}

    def pretend(path: Any, given: Any) -> Any:
        seen.update(given)
        return run_chapters.Run(path.stem, 0.1, notebook=chapters.read(path))

    monkeypatch.setattr(run_chapters, "execute", pretend)
    assert run_chapters.main(["04", "--param", "n_units=1e2"]) == 0
    assert seen == {"n_units": 100}
    assert isinstance(seen["n_units"], int)
    assert "_build/other_parameters/04_fisher_identity.ipynb" in capsys.readouterr().out
