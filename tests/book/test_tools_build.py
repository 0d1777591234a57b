"""The build: staging shows this run, a fault stops it, and it fails again until it is mended."""

from __future__ import annotations

from pathlib import Path

import pytest

import build_book
import chapters
import run_chapters
import staging
import tiny_book


def fake_run(path: Path, root: Path, text: str) -> None:
    """Keep a run without running anything."""
    run = chapters.read(path)
    chapters.code_cells(run)[-1].outputs = [tiny_book.stream(text)]
    done = run_chapters.Run(path.stem, 1.0, notebook=run, cells=[(4, 0.5, "print")])
    run_chapters.keep(done, "key", run_chapters.cache_folder(root))


@pytest.fixture
def book(tmp_path: Path) -> Path:
    """Return a book whose chapters have kept runs."""
    for path in tiny_book.make(tmp_path):
        fake_run(path, tmp_path, "of this run\n")
    return tmp_path


def test_staging_holds_this_run_and_rewrites_only_what_changed(book: Path) -> None:
    paths = chapters.listed(book)
    target = staging.stage(book, paths)
    staged = chapters.read(target / "chapters" / "01_good.ipynb")
    assert chapters.code_cells(staged)[-1].outputs[0].text == "of this run\n"
    times = {path: path.stat().st_mtime_ns for path in chapters.files_under(target)}
    (book / "index.md").write_text("# Edited\n", encoding="utf-8")
    (target / "stray.md").write_text("# Stray\n", encoding="utf-8")
    staging.stage(book, paths)
    changed = [path.name for path, time in times.items() if path.stat().st_mtime_ns != time]
    assert changed == ["index.md"]
    assert not (target / "stray.md").exists()


def test_a_build_with_a_warning_fails_again_until_it_is_mended(
    book: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    def build(link: str) -> int:
        (book / "index.md").write_text(f"(here)=\n# Tiny\n\nSee {{ref}}`{link}`.\n", encoding="utf-8")
        return build_book.sphinx(book, staging.stage(book, chapters.listed(book)))

    assert build("nowhere") != 0
    assert "undefined label: 'nowhere'" in capfd.readouterr().err
    assert build("nowhere") != 0
    error = capfd.readouterr().err
    assert "undefined label: 'nowhere'" in error
    assert "Traceback" not in error
    assert build("here") == 0
    assert (book / "_build" / "html" / "index.html").exists()
    assert not (book / "_build" / "unfinished").exists()


def test_faults_of_the_ledger_stop_the_build_before_any_page(book: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build_book, "run_all", lambda paths, root: [])
    assert build_book.build(book) == 1  # the tiny book has no claim at all
    assert not (book / "_build" / "html").exists()


def test_a_failed_chapter_stops_the_build(
    book: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(build_book, "run_all", lambda paths, root: ["01_good: cell 4: KeyError: 'x'"])
    assert build_book.build(book) == 1
    assert "chapter failed: 01_good: cell 4: KeyError: 'x'" in capsys.readouterr().err
    assert not (book / "_build" / "staging").exists()


def test_the_slowest_cells_come_first(book: Path) -> None:
    run = chapters.read(book / "chapters" / "01_good.ipynb")
    cells = [(place, place / 10, f"line {place}") for place in range(20)]
    done = run_chapters.Run("01_good", 9.0, notebook=run, cells=cells)
    run_chapters.keep(done, "key", run_chapters.cache_folder(book))
    rows = build_book.slowest(book, ["01_good", "02_other"])
    assert len(rows) == 10
    assert rows[0].split() == ["1.90", "s", "01_good", "cell", "19:", "line", "19"]
