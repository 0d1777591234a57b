"""Outputs of a cell against the committed ones: explorables, words and numbers, and all of it in ``pytest --nbval``."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from nbformat.v4 import new_output

import chapters
import same_outputs
import tiny_book
from embook import explorables as ex
from same_explorable import differences as seen
from same_outputs import compared, differences
from setup_env import ROOT
from slider_words import WORDS

X = np.linspace(0, 1, 40)
UNITS = 2 / 3140  # a picture unit, in numbers of the vertical axis


def slider(lift: float = 0.0, start: int = 0, points: int = 40) -> str:
    """Return a slider whose last frame lies `lift` picture units higher."""
    x = np.linspace(0, 1, points)
    frames = [{"line": np.column_stack([x, k * x / 3 + lift * UNITS * (k == 2)])} for k in range(3)]
    return ex.slider("a-slider", frames, start=start, **WORDS).html


def draggable(lift: float = 0.0) -> str:
    """Return a figure whose handle lies `lift` picture units higher at its last position."""
    frames = [{"line": np.column_stack([X, k * X / 3])} for k in range(3)]
    at = [(0, 0), (0.5, 0), (1, lift * UNITS)]
    return ex.draggable("a-handle", frames, at, start=2, **WORDS).html


def restepped(html: str, change: Any) -> str:
    """Change the steps, shape (n, 2), of the last path."""
    path = re.findall(r"M[-\d]+ [-\d]+l([-\d ]+)", html)[-1]
    steps = np.array(path.split(), dtype=int).reshape(-1, 2)
    other = " ".join(map(str, np.ravel(steps + change(steps)).tolist()))
    return f"{other}".join(html.rsplit(path, 1))


def test_one_frame_of_a_slider_may_not_move_by_two_pixels() -> None:
    assert slider(4) != slider()
    assert seen(slider(), slider(4)) == []
    (found,) = seen(slider(), slider(20))
    assert "up to 2.0 px away" in found
    assert len(seen(slider(start=2), slider(20, start=2))) == 2  # in the markup, too


def test_steps_may_differ_where_they_lead_to_the_same_place_and_may_not_drift_away() -> None:
    def forth_and_back(steps: Any) -> Any:
        return (-1) ** np.arange(len(steps))[:, None] * [0, 1]

    def drift(steps: Any) -> Any:
        return np.ones_like(steps) * [0, 1]

    assert restepped(slider(), forth_and_back) != slider()
    assert seen(slider(), restepped(slider(), forth_and_back)) == []
    (found,) = seen(slider(), restepped(slider(), drift))
    assert "up to 3.9 px away" in found


def test_a_straight_path_may_have_fewer_vertices() -> None:
    assert seen(slider(points=40), slider(points=14)) == []


def test_the_handle_may_not_move_by_two_pixels() -> None:
    assert seen(draggable(), draggable(4)) == []
    found = seen(draggable(), draggable(20))
    assert len(found) == 2  # where it is drawn, and among the positions
    assert all("up to 2.0 px away" in said for said in found)


@pytest.mark.parametrize(
    ("old", "new"),
    [(">one<", ">only<"), ('"two"', '"too"'), ('max="2"', 'max="3"'), ("s0", "s1"), ('viewBox="0', 'viewBox="1'),
     ('text-anchor="middle">0.2<', 'text-anchor="middle">0.3<'), ("stroke-width", "stroke-breadth"),
     ('"positions":null', '"positions":[[1,2]]'), ("M15 60h270", "M15 60h290")],
)  # fmt: skip
def test_all_else_in_an_explorable_is_compared_exactly(old: str, new: str) -> None:
    assert old in slider()
    (found,) = seen(slider(), slider().replace(old, new, 1))
    assert found.startswith("where it said")


def test_numbers_that_the_script_computes_with_are_compared_exactly() -> None:
    html = ex.same_slope().html
    (found,) = seen(html, html.replace('"reach":0.4', '"reach":0.40000000000000002'))
    assert "0.40000000000000002" in found


def shown(**data: Any) -> Any:
    """Return an output with contents by mime type, written with underscores."""
    kinds = {"html": "text/html", "plain": "text/plain", "claim": "application/vnd.emlib.claim+json"}
    return new_output("display_data", data={kinds.get(kind, kind): value for kind, value in data.items()})


TABLE = "<table><tr><td>86</td><td>-328.236776</td></tr></table>"


@pytest.mark.parametrize(
    ("committed", "new"),
    [
        ([shown(html=TABLE)], [shown(html=TABLE.replace("776", "777"))]),
        ([shown(plain="EM  0.333")], [shown(plain="EM  0.334")]),
        ([shown(claim={"measured": "0.5"})], [shown(claim={"measured": "0.6"})]),
        ([tiny_book.stream("0.1\n")], [tiny_book.stream("0.10000000000000001\n")]),
        ([tiny_book.stream("1\n")], [tiny_book.stream("1\n", "stderr")]),
        ([shown(plain="a"), shown(plain="b")], [shown(plain="b"), shown(plain="a")]),
        ([shown(plain="a")], []),
        ([], [shown(plain="a")]),
        ([shown(html=slider())], [shown(html=TABLE)]),
        ([new_output("error", ename="E", evalue="1")], [new_output("error", ename="E", evalue="2")]),
    ],
)
def test_words_and_numbers_are_compared_exactly(committed: list[Any], new: list[Any]) -> None:
    assert differences(committed, new)
    assert differences(committed, committed) == differences(new, new) == []


def test_into_how_many_messages_a_text_is_cut_does_not_count() -> None:
    def said(*parts: str) -> list[Any]:
        return [new_output("stream", name="stdout", text=part) for part in parts]

    assert differences(said("one\n", "two\n"), said("one\ntwo\n")) == []
    assert differences(said("one\ntwo\n"), said("one\n", "tw", "o\n")) == []
    assert differences(said("one\n", "two\n"), said("one\n", "three\n")) != []
    assert len(compared(said("one\n"), said("on", "e\n"))[0]) == 1


def test_what_nbval_replaces_does_not_count() -> None:
    assert differences([shown(plain="<f at 0x7f0000000010>")], [shown(plain="<f at 0x7f0000000020>")]) == []


def test_what_shows_the_same_is_handed_on_as_the_committed_text() -> None:
    committed, new = [shown(html=slider())], [shown(html=slider(3))]
    handed, found = compared(committed, new)
    assert (handed, found) == (committed, [])
    assert new[0].data["text/html"] == slider(3)
    far = [shown(html=slider(30))]
    assert compared(committed, far)[0] == far


def test_pixels_are_compared_only_where_the_locked_matplotlib_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    committed, new = [shown(**{"image/png": "one"})], [shown(**{"image/png": "two"})]
    monkeypatch.setattr(same_outputs.same_pixels, "differences", lambda one, two: [f"{one} {two}"])
    for locked, found in [(True, ["image/png: one two"]), (False, [])]:
        monkeypatch.setattr(same_outputs, "_has_locked_matplotlib", lambda locked=locked: locked)
        assert differences(committed, new) == found


SVG = (
    '<svg width="100pt" height="100pt" viewBox="0 0 100 100"><g id="curve">'
    '<path d="M 0 0 L 100 {end}" style="stroke: black"/></g></svg>'
)
SHOW = "get_ipython().display_pub.publish({{'image/svg+xml': '''{}''', 'text/plain': 'figure'}})"


def project(folder: Path) -> Path:
    """Make a project with our configuration and a notebook of four cells; return the notebook."""
    for name in ("pyproject.toml", "conftest.py", "nbval_sanitize.cfg"):
        shutil.copy(ROOT / name, folder / name)
    (folder / "tools").symlink_to(ROOT / "tools")
    pictures = [SVG.format(end=end) for end in ("50", "50.000001", "52")]
    committed = [
        (SHOW.format(pictures[1]), shown(plain="figure", **{"image/svg+xml": pictures[0]})),
        (SHOW.format(pictures[2]), shown(plain="figure", **{"image/svg+xml": pictures[0]})),
        ("print(0.1 + 0.2)", tiny_book.stream("0.3\n")),
        ("print(1)", tiny_book.stream("1\n")),
    ]
    notebook = tiny_book.notebook("tiny", *(code for code, _ in committed))
    for count, cell in enumerate(chapters.code_cells(notebook)):
        cell.execution_count = count + 1
        cell.outputs = [committed[count - 2][1]] if count > 1 else []
    path = folder / "chapters" / "tiny.ipynb"
    chapters.write(notebook, path)
    return path


@pytest.mark.slow
@pytest.mark.parametrize("parallel", [[], ["-n", "2", "--dist", "loadscope"]], ids=["alone", "xdist"])
def test_nbval_passes_what_shows_the_same_and_says_what_does_not(tmp_path: Path, parallel: list[str]) -> None:
    path = project(tmp_path)
    command = [sys.executable, "-m", "pytest", "--nbval", "-v", *parallel, str(path.relative_to(tmp_path))]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    failed = sorted(set(re.findall(r"FAILED chapters/tiny.ipynb::Cell (\d)", done.stdout)))
    assert failed == ["3", "4"], done.stdout[-3000:]
    assert "image/svg+xml: curve is drawn elsewhere, up to 2.7 px away" in done.stdout
    assert 'stdout: where it said "0.3' in done.stdout
    assert "4 passed" in done.stdout


def test_without_nbval_other_tests_run_as_ever(tmp_path: Path) -> None:
    project(tmp_path)
    (tmp_path / "test_one.py").write_text("def test_one():\n    pass\n", encoding="utf-8")
    for options in ([], ["-p", "no:nbval", "-o", "addopts="]):
        command = [sys.executable, "-m", "pytest", *options, "chapters", "test_one.py"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert "1 passed" in done.stdout, done.stdout[-3000:] + done.stderr[-1000:]
