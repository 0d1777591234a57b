"""Other parameters for a chapter: checked against what it declares before anything runs."""

from __future__ import annotations

from typing import Any

import nbformat
import pytest

import chapters
import run_chapters

SOURCE = """n_units: int = 80  # observations, from 2 to 1000
variance: float = 2.0  # known
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
    ({"variance": "2"}, r"variance of chapter 04_x: '2' found, of type str; it is declared as float"),
    ({"levels": 3}, r"levels of chapter 04_x: 3 found"),
    ({"units": 3}, r"units: chapter 04_x has no such parameter; there are \['levels', 'n_units', 'variance'\]")])
def test_the_rest_names_parameter_and_chapter(notebook: Any, given: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        chapters.fitting(notebook, given, "04_x")


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
