"""The formatter, tables, identities and figures: same input, same characters, same bytes."""

from __future__ import annotations

import ast
import json
import math
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook

import embook

PRINTED: list[tuple[Any, int, str]] = [
    (0.13277873374559881, 6, "0.132779"),
    (-0.0, 6, "0"),
    (-1e-300 * 1e-300, 6, "0"),
    (3.0, 6, "3"),
    (1e-9, 6, "1e-9"),
    (1.25e7, 2, "1.2e7"),
    (1234567, 2, "1234567"),
    (math.inf, 6, "infinity"),
    (-math.inf, 6, "-infinity"),
    (math.nan, 6, "undefined"),
    (True, 6, "true"),
    (np.bool_(False), 6, "false"),
    (np.float64(2.5), 6, "2.5"),
    (np.int64(7), 6, "7"),
    (None, 6, "–"),
    (object(), 6, "a object"),
    ("as it is", 6, "as it is"),
    (0.626821484, 9, "0.626821484"),
]


@pytest.mark.parametrize(("value", "digits", "text"), PRINTED)
def test_number_prints(value: Any, digits: int, text: str) -> None:
    assert embook.number(value, digits) == text


def test_number_refuses_no_digits() -> None:
    with pytest.raises(ValueError, match="digits must be at least 1, found 0"):
        embook.number(1.0, 0)


def test_gap_prints_noise_as_a_bound_and_a_difference_as_itself() -> None:
    assert embook.gap(-3e-16) == "< 1e-12"
    assert embook.gap(0.38123) == "0.38"
    assert embook.gap(2e-9, floor=1e-8) == "< 1e-8"
    assert embook.gap(1e-12) == "1e-12"


def test_rounded_values_survive_json() -> None:
    value = embook.rounded({"a": np.array([1 / 3, -0.0]), "b": (math.nan, 2), "c": None}, 3)
    assert json.dumps(value, allow_nan=False) == '{"a": [0.333, 0.0], "b": ["undefined", 2], "c": null}'
    assert math.copysign(1.0, value["a"][1]) == 1.0


def test_table_as_text(capsys: pytest.CaptureFixture[str]) -> None:
    embook.table([["EM", 1 / 3], ["Newton", 2]], ["method", "<gap>"], caption="Two & more", digits=3)
    assert capsys.readouterr().out == "Two & more\nmethod  <gap>\nEM      0.333\nNewton  2\n"


def test_table_names_the_row_that_is_too_short() -> None:
    with pytest.raises(ValueError, match=r"rows\[1\] has 1 cells, columns has 2"):
        embook.table([[1, 2], [3]], ["a", "b"])


def test_identity_needs_its_twin_caught(capsys: pytest.CaptureFixture[str]) -> None:
    assert embook.identity("Gap", 3e-16, control=0.38)
    assert not embook.identity("Gap", 3e-16, control=2e-16)
    assert not embook.identity("Gap", 0.1, control=0.38)
    assert capsys.readouterr().out.splitlines() == [
        "Gap: largest gap < 1e-12; sabotaged twin: 0.38 (caught)",
        "Gap: largest gap < 1e-12; sabotaged twin: 2e-16 (NOT caught)",
        "Gap: largest gap 0.1 (above 1e-12: NOT met); sabotaged twin: 0.38 (caught)",
    ]


def test_rows_are_named_above_and_not_in_the_margin() -> None:
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots()
    axes.plot([0, 1], [0, 1], "o")
    embook.name_rows(axes, ["EM", "Newton"])
    figure.canvas.draw()
    assert [label.get_text() for label in axes.get_yticklabels()] == ["", ""]
    for row, text in enumerate(axes.texts):
        box, (_, foot) = text.get_window_extent(), axes.transData.transform((0, row))
        assert box.x0 > axes.bbox.x0  # inside the panel
        assert 0 < box.y0 - foot < 15  # a little above its row, in pixels
    assert [text.get_text() for text in axes.texts] == ["EM", "Newton"]
    plt.close(figure)


def test_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        embook.nothing  # noqa: B018


SOURCE = """\
import embook

embook.setup()
import matplotlib.pyplot as plt
import numpy as np
plt.plot([1, 2, 4])
plt.show()
with embook.png():
    plt.scatter([1, 2], [3, 4])
plt.plot([4, 2, 1])
plt.show()
embook.glue("third", 1 / 3, 3)
embook.table([[1, np.float64(0.5)]], ["a", "b"])
"""


def run_once(tmp_path: Path) -> list[dict[str, Any]]:
    """Run the cell in a fresh kernel; return the data of its outputs."""
    notebook = new_notebook(cells=[new_code_cell(SOURCE)])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    NotebookClient(notebook, resources={"metadata": {"path": str(tmp_path)}}).execute()
    nbformat.validate(notebook)
    return [dict(output["data"]) for output in notebook.cells[0].outputs]


def test_figures_are_the_same_bytes_on_the_next_run(tmp_path: Path) -> None:
    first, second = run_once(tmp_path), run_once(tmp_path)
    assert first == second
    kinds = [next(kind for kind in data if kind.startswith(("image", "application", "text/html"))) for data in first]
    assert kinds == [
        "image/svg+xml", "image/png", "image/svg+xml", "application/papermill.record/text/plain", "text/html",
    ]  # fmt: skip
    assert "dc:date" not in first[0]["image/svg+xml"]
    assert first[3]["application/papermill.record/text/plain"] == "'0.333'"
    assert '<table class="emlib-table">' in first[4]["text/html"]


def test_names_that_embook_does_not_have() -> None:
    assert callable(embook.slider)
    with pytest.raises(AttributeError, match=r"module 'embook' has no attribute 'nothing'"):
        embook.nothing  # noqa: B018


PACKAGE = Path(embook.__file__).parent
#: What a folder may import of the rest of embook, as its first lines say.
MAY_IMPORT = {
    "explorables": set(), "intervals": set(), "ledger": {"contents", "context", "format", "tables"},
    "study": {"machine"}, "studies": {"study", "explorables", "format"}, "exercises": {"exercises", "format"},
    "pages": {"ledger", "explorables", "context", "theorems"}, "theorems": {"ledger", "contents", "context"},
}  # fmt: skip


def imported(source: str) -> set[str]:
    """Return the parts of embook that a module imports, wherever the statement stands."""
    nodes = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ImportFrom) and node.module]
    names = [f"{node.module}.{alias.name}" for node in nodes for alias in node.names]
    return {name.split(".")[1] for name in names if name.startswith("embook.")}


@pytest.mark.parametrize("folder", MAY_IMPORT)
def test_a_folder_imports_no_other_part_than_it_says(folder: str) -> None:
    found = set().union(*(imported(path.read_text(encoding="utf-8")) for path in (PACKAGE / folder).glob("*.py")))
    assert found - {folder} <= MAY_IMPORT[folder]


def test_every_folder_says_what_it_imports() -> None:
    assert {path.parent.name for path in PACKAGE.glob("*/__init__.py")} == set(MAY_IMPORT)
    assert imported("from embook import study\nfrom embook.ledger.card import claim") == {"study", "ledger"}
