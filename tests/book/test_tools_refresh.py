"""A chapter's life: edited as Markdown, taken back, run, written back."""

from __future__ import annotations

from pathlib import Path

import pytest

import chapters
import refresh
import tiny_book
from notebook_rules import faults


@pytest.fixture
def chapter(tmp_path: Path) -> Path:
    """Return a chapter with committed outputs in a book of its own."""
    path = tiny_book.make(tmp_path)[0]
    chapters.write(tiny_book.finished("01_good", "print(n * 2)"), path)
    return path


def turn(task: str, root: Path) -> int:
    """Call the command as make does."""
    return refresh.main([task, "01"], root)


def test_edit_and_saved_without_an_edit_leave_the_file_as_it_was(chapter: Path, tmp_path: Path) -> None:
    before = chapter.read_bytes()
    assert turn("edit", tmp_path) == 0
    assert turn("saved", tmp_path) == 0
    assert chapter.read_bytes() == before
    assert not (tmp_path / "01.md").exists()


def test_an_edit_of_code_keeps_the_outputs_but_is_seen_as_stale_until_refreshed(
    chapter: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    turn("edit", tmp_path)
    page = tmp_path / "01.md"
    page.write_text(page.read_text(encoding="utf-8").replace("n * 2", "n * 3"), encoding="utf-8")
    turn("saved", tmp_path)
    assert "make refresh CHAPTER=01" in capsys.readouterr().out
    assert [fault for fault in faults(chapter) if "fresh_outputs" in fault]
    assert turn("refresh", tmp_path) == 0
    assert faults(chapter) == []
    assert chapters.code_cells(chapters.read(chapter))[-1].outputs[0].text == "15\n"


def test_a_second_refresh_changes_nothing(chapter: Path, tmp_path: Path) -> None:
    turn("refresh", tmp_path)
    before = chapter.read_bytes()
    turn("refresh", tmp_path)
    assert chapter.read_bytes() == before


def test_a_failed_refresh_keeps_the_committed_outputs(tmp_path: Path) -> None:
    path = tiny_book.make(tmp_path, good="n / 0")[0]
    before = path.read_bytes()
    assert turn("refresh", tmp_path) == 1
    assert path.read_bytes() == before


def test_edit_never_overwrites_an_edit(chapter: Path, tmp_path: Path) -> None:
    turn("edit", tmp_path)
    with pytest.raises(SystemExit, match=r"01\.md exists already"):
        turn("edit", tmp_path)
    (tmp_path / "01.md").unlink()
    with pytest.raises(SystemExit, match=r"there is no 01\.md"):
        turn("saved", tmp_path)
