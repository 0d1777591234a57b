"""The runner: faults are named, nothing is written in place, only what changed is run."""

from __future__ import annotations

import tempfile
from pathlib import Path
from types import SimpleNamespace

import pytest

import chapters
import run_chapters
import tiny_book
from execute import execute


@pytest.fixture(scope="module")
def failed(tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    """Run a book whose second chapter divides by zero."""
    root, scratch = tmp_path_factory.mktemp("book"), tmp_path_factory.mktemp("scratch")
    paths = tiny_book.make(root, other="print('before')\nn / 0")
    before = {path: path.read_bytes() for path in root.rglob("*.ipynb")}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "tempdir", str(scratch))
        faults = run_chapters.run_all(paths, root)
    return SimpleNamespace(root=root, scratch=scratch, paths=paths, before=before, faults=faults)


def test_a_failed_chapter_is_named_with_cell_and_exception(failed: SimpleNamespace) -> None:
    assert len(failed.faults) == 1
    assert failed.faults[0].startswith("02_other: cell 4: ZeroDivisionError: division by zero")
    assert run_chapters.report(failed.faults) == 1
    assert run_chapters.report([]) == 0


def test_the_other_chapter_finishes_and_is_kept(failed: SimpleNamespace) -> None:
    kept = sorted(path.name for path in (failed.root / "_build" / "runs").iterdir())
    assert kept == ["01_good.ipynb", "01_good.json"]


def test_sources_stay_as_they_were_and_nothing_temporary_is_left(failed: SimpleNamespace) -> None:
    assert {path: path.read_bytes() for path in failed.before} == failed.before
    assert [path for path in failed.scratch.rglob("*") if "emlib-" in path.name] == []
    assert list(failed.root.rglob("*.part")) == []


def test_a_second_call_runs_only_the_failed_one_and_fails_again(
    failed: SimpleNamespace, capsys: pytest.CaptureFixture[str]
) -> None:
    assert len(run_chapters.run_all(failed.paths, failed.root)) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["01_good", "unchanged"]
    assert lines[1].split()[:3] == ["02_other", "FAILED", "in"]


def test_the_key_sees_code_tags_and_ground_but_not_prose_or_outputs(tmp_path: Path) -> None:
    path = tiny_book.make(tmp_path)[0]

    def key() -> str:
        return chapters.fingerprint(chapters.read(path), chapters.surroundings(tmp_path))

    def edited(place: int, **changes: object) -> str:
        book = chapters.read(path)
        book.cells[place].update(changes)
        chapters.write(book, path)
        return key()

    first = key()
    assert edited(0, source="# Another title") == first
    assert edited(3, outputs=[tiny_book.stream("old")]) == first
    keys = [first, edited(3, source="print(n * 4)"), edited(3, metadata={"tags": ["hide-input"]})]
    for name in ("emlib/__init__.py", "claims/a.yml", "requirements.txt", "emlib/data.csv"):
        (tmp_path / name).write_text("changed", encoding="utf-8")
        keys.append(key())
    assert len(set(keys)) == len(keys)


def test_two_runs_are_the_same_bytes(tmp_path: Path) -> None:
    path = tiny_book.make(tmp_path, good="print(n * 2)\n[n]")[0]
    source = chapters.read(path)
    texts = [chapters.text(chapters.with_outputs(source, execute(path).notebook)) for _ in range(2)]
    assert texts[0] == texts[1]
    assert '"10\\n"' in texts[0]
    assert "papermill\":" not in texts[0]
    assert "version" not in texts[0]


def test_an_unknown_parameter_is_an_error(tmp_path: Path) -> None:
    path = tiny_book.make(tmp_path)[0]
    assert execute(path, {"m": 3}).fault == "01_good: unknown parameter m; it has: n"
    changed = execute(path, {"n": 4})
    assert changed.fault == ""
    assert chapters.code_cells(changed.notebook)[-1].outputs[0].text == "8\n"


def test_a_kernel_that_dies_is_named_with_its_cell(tmp_path: Path) -> None:
    path = tiny_book.make(tmp_path, good="import os\nos._exit(1)")[0]
    assert execute(path).fault.startswith("01_good: cell 4: DeadKernelError")


def test_chapters_are_found_by_number_and_name(tmp_path: Path) -> None:
    paths = tiny_book.make(tmp_path)
    assert [chapters.find(name, tmp_path) for name in ("1", "02", "02_other")] == [paths[0], paths[1], paths[1]]
    with pytest.raises(SystemExit, match="chapter '7': 0 notebooks match; name one of: 01_good, 02_other"):
        chapters.find("7", tmp_path)


def test_the_parameter_option_reads_literals_and_text() -> None:
    assert run_chapters.literal("n=5_000") == ("n", 5000)
    assert run_chapters.literal("kind=full") == ("kind", "full")
    with pytest.raises(Exception, match="not of the form name=value"):
        run_chapters.literal("n 5")
