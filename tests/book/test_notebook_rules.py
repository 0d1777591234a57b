"""Each rule for chapters is broken in a small notebook and must say so; no other rule may."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output

import chapters
import notebook_rules
import tiny_book
from rules import lesson

PNG = {"image/png": "iVBORw0KGgo="}
FIGURE = {
    "figure": {"name": "fig-hill", "caption": "The climb takes nine steps."},
    "image": {"alt": "A rising curve with nine dots."},
}
PROOF = """\
````{dropdown} Proof
```{prf:proof}
By Jensen, e.g. as in Lange, $a \\le b$.
Now sum over the rows (cf. St. Andrews).
- **Ties $a = b$.** Then the bound touches.
```
````"""
LONG_FUNCTION = "def f(x):\n" + "    x += 1\n" * 11 + "    return x"
Sabotage = Callable[[Any], None]


def good() -> Any:
    """Return a chapter without any fault, with a figure and a proof."""
    book = tiny_book.finished("01_good", "print(n)")
    figure = new_code_cell("draw()", id="figure", metadata={"mystnb": FIGURE})
    figure.outputs = [new_output("display_data", data=PNG)]
    book.cells += [figure, new_markdown_cell(PROOF, id="proof")]
    return chapters.with_outputs(book, book)


def code(source: str, *outputs: Any, **metadata: Any) -> Sabotage:
    """Add a code cell, refreshed as if it had been run."""

    def add(book: Any) -> None:
        added = new_code_cell(source, id="new", metadata=metadata)
        added.outputs = list(outputs)
        book.cells.append(added)
        book.update(chapters.with_outputs(book, book))

    return add


def exercises_then(source: str) -> Sabotage:
    """Add two exercises and code."""

    def add(book: Any) -> None:
        prose("```{exercise}\n:label: a\n\nOne.\n```\n\n:::{exercise}\n:label: b\n\nTwo.\n:::")(book)
        book.cells[-1]["id"] = "exercises"
        code(source)(book)

    return add


def folded_then(source: str, end: str = "") -> Sabotage:
    """Add the mark of a fold, what may end it, and code."""

    def add(book: Any) -> None:
        prose(f":::{{fold-rest}} More\n:::\n\nText.\n\n{end}".rstrip())(book)
        book.cells[-1]["id"] = "fold"
        code(source)(book)

    return add


def many_cells(book: Any) -> None:
    """Add more code than a student reads."""
    for place in range(12):
        code("f()")(book)
        book.cells[-1]["id"] = f"new-{place}"


def prose(source: str) -> Sabotage:
    """Add a Markdown cell."""
    return lambda book: book.cells.append(new_markdown_cell(source, id="new"))


def cell(place: int, **changes: Any) -> Sabotage:
    """Change a cell and refresh."""

    def change(book: Any) -> None:
        book.cells[place].update(changes)
        book.update(chapters.with_outputs(book, book))

    return change


def about(**metadata: Any) -> Sabotage:
    """Change the notebook's metadata."""
    return lambda book: book.metadata.update(metadata)


def result(kind: str, **fields: Any) -> Any:
    """Return an output."""
    return new_output(kind, **fields)


def figure(**changes: Any) -> Sabotage:
    """Change what describes the figure."""
    return lambda book: book.cells[4].metadata.update(mystnb={**FIGURE, **changes})


SABOTAGES: list[tuple[str, Sabotage]] = [
    ("valid_format", lambda book: book.update(nbformat_minor=4)),
    ("valid_format", lambda book: book.cells[1].pop("outputs")),
    ("unique_ids", lambda book: book.cells[1].update(id="title")),
    ("fresh_outputs", lambda book: book.cells[3].update(source="print(n + 1)")),
    ("fresh_outputs", lambda book: book.metadata.pop("emlib")),
    ("counted", lambda book: book.cells[3].update(execution_count=9)),
    ("counted", lambda book: book.cells[3].update(execution_count=None)),
    ("no_errors", code("f()", result("error", ename="KeyError", evalue="'x'", traceback=[]))),
    ("no_errors", code("f()", tiny_book.stream("RuntimeWarning", "stderr"))),
    ("metadata", about(papermill={})),
    ("metadata", about(language_info={"name": "python", "version": "3.11.7"})),
    ("metadata", about(kernelspec={"name": "venv", "display_name": "venv", "language": "python"})),
    ("metadata", code("f()", execution={})),
    ("metadata", code("f()", result("display_data", data={"text/plain": "1"}, metadata={"isolated": True}))),
    ("known_tags", code("f()", tags=["nbval-skip"])),
    ("known_tags", code("f()", tags=["raises-exception"])),
    ("round_trip", prose("ends with a line break\n")),
    ("plain_python", code("%timeit f()")),
    ("plain_python", code("!ls")),
    ("plain_python", code("")),
    ("parameters_cell", lambda book: cell(2, metadata={})(book)),
    ("parameters_cell", code("m: int = 5  # more", tags=["parameters"])),
    ("parameters_cell", cell(2, source="n = 5")),
    ("parameters_cell", cell(2, source="n: int = 5; m: int = 6")),
    ("parameters_cell", cell(2, source="n: int = math.floor(5.5)")),
    ("parameters_cell", cell(2, source="n: int = 5\nimport os")),
    ("parameters_cell", cell(2, source="n: list = [\n    5]")),
    ("parameters_cell", lambda book: book.cells.insert(1, new_code_cell("a = 1", id="early", execution_count=1))),
    ("not_rebound", code("n = 7")),
    ("not_rebound", code("for n in range(3):\n    pass")),
    ("not_rebound", code("def n():\n    return 1")),
    ("no_semicolon", code("plot(n);")),
    ("lengths", code("\n".join("f()" for _ in range(26)))),
    ("lengths", code(LONG_FUNCTION)),
    ("offline", code("import urllib.request")),
    ("offline", code("from subprocess import run")),
    ("local_random", code("np.random.seed(1)")),
    ("local_random", code("x = np.random.normal(size=3)")),
    ("figures", figure(figure={"name": "fig-hill"})),
    ("figures", figure(figure={"caption": "The climb takes nine steps."})),
    ("figures", figure(image={})),
    ("figures", figure(image={"alt": "plot"})),
    ("figures", code("g()", result("display_data", data=PNG), result("display_data", data=PNG), mystnb=FIGURE)),
    ("sizes", code("f()", tiny_book.stream("x" * 150_001))),
    ("sizes", lambda book: book.cells[0].update(source=book.cells[0].source + "\n" + "x" * 1_000_000)),
    ("no_machine_paths", code("f()", tiny_book.stream("saved to /home/me/book"))),
    ("no_machine_paths", code("f()", tiny_book.stream(str(notebook_rules.ROOT)))),
    ("no_split_mark", lambda book: book.cells[0].update(source=book.cells[0].source + "\n+++")),
    ("proofs_unfolded", prose("```{prf:proof}\n:class: dropdown\nBy Jensen.\n```")),
    ("proofs_unfolded", prose("```{prf:theorem} Name\n:label: t\n:class: tip dropdown\nText.\n```")),
    ("unhurried", prose("This is clearly so.")),
    ("unhurried", prose("It is easy to see that it holds.")),
    ("sentence_a_line", prose("One sentence ends. Another begins.")),
    ("narrow_code", code(f"x = {'1' * 81}")),
    ("narrow_code", code(f"x = {'1' * 81}", tags=["hide-input"])),
    ("small_text", code('ax.legend(fontsize="x-small")')),
    ("small_text", code("ax.tick_params(labelsize=8)")),
    ("little_code", code("\n".join("f()" for _ in range(13)))),
    ("little_code", many_cells),
    ("checked_exercises", code('embook.check("ex-1-1", ...)')),
    ("checked_exercises", exercises_then('embook.check("ex-1-1", ...)')),
    ("checked_exercises", exercises_then('embook.check("ex-2-2", ...)')),
    ("banner", lambda book: book.cells[0].update(source=book.cells[0].source.replace("# A title", "A title"))),
    ("banner", lambda book: book.cells[0].update(source="# A title")),
    ("banner", lambda book: book.cells[0].update(source=book.cells[0].source.replace("-p n", "-p m"))),
]
# a fault of one kind may have to be another kind of fault, too
ALSO = {
    "lengths": {"little_code"},
    "no_split_mark": {"round_trip"},
    "parameters_cell": {"counted", "fresh_outputs", "banner"},
    "plain_python": {"round_trip"},
}


@pytest.fixture(autouse=True)
def lesson_form(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hold the small chapter, whose number is 01, to the form of a lesson, whatever the list says."""
    monkeypatch.setattr(lesson, "is_lesson", lambda chapter: chapter.path.stem == "01_good")


def rules_broken(book: Any, folder: Path) -> set[str]:
    """Write the notebook and return the names of the rules that speak up."""
    path = folder / "01_good.ipynb"
    path.write_text(json.dumps(book), encoding="utf-8")  # nbformat's writer would mend some faults
    return {fault.rpartition("[")[2].rstrip("]") for fault in notebook_rules.faults(path)}


def test_a_good_chapter_breaks_no_rule(tmp_path: Path) -> None:
    assert rules_broken(good(), tmp_path) == set()


@pytest.mark.parametrize("sabotage", [
    code("\n".join("f()" for _ in range(13)), tags=["hide-input"]),
    folded_then("\n".join("f()" for _ in range(13))),
    exercises_then('embook.check("ex-1-2", ...)'),
])
def test_folded_code_may_be_long_and_an_exercise_is_checked_behind_it(sabotage: Sabotage, tmp_path: Path) -> None:
    book = good()
    sabotage(book)
    assert rules_broken(book, tmp_path) == set()


@pytest.mark.parametrize("end", [":::{fold-end}\n:::", "## A heading"])
def test_code_behind_a_fold_is_visible_again(end: str, tmp_path: Path) -> None:
    book = good()
    folded_then("\n".join("f()" for _ in range(13)), end)(book)
    assert rules_broken(book, tmp_path) == {"little_code"}


@pytest.mark.parametrize(("rule", "sabotage"), SABOTAGES)
def test_a_sabotaged_chapter_is_caught(rule: str, sabotage: Sabotage, tmp_path: Path) -> None:
    book = good()
    sabotage(book)
    broken = rules_broken(book, tmp_path)
    assert rule in broken
    assert broken <= {rule} | ALSO.get(rule, set())


def test_every_rule_is_sabotaged() -> None:
    assert {rule for rule, _ in SABOTAGES} == {rule.__name__ for rule in notebook_rules.RULES}


def test_the_command_names_file_cell_and_rule(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    book = good()
    chapters.write(book, tmp_path / "01_good.ipynb")
    assert notebook_rules.main([str(tmp_path / "01_good.ipynb")]) == 0
    code("plot(n);")(book)
    chapters.write(book, tmp_path / "01_good.ipynb")
    capsys.readouterr()
    assert notebook_rules.main([str(tmp_path / "01_good.ipynb")]) == 1
    found = capsys.readouterr().out
    assert found == "01_good.ipynb: cell 7: ends with ';'; end with plt.show() or assign to _ [no_semicolon]\n"


def test_no_chapter_at_all_is_a_fault(tmp_path: Path) -> None:
    assert notebook_rules.main([], tmp_path) == 1


def test_the_committed_chapters_break_no_rule() -> None:
    assert notebook_rules.main([]) == 0
