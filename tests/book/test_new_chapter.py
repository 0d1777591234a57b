"""A new chapter: it runs, keeps every rule, settles its claim, and its page has no warning."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml

import build_book
import chapters
from embook.contents import pages
from embook.ledger.collect import collect
from new_chapter import new_chapter
from notebook_rules import faults
from refresh import refresh
from setup_env import ROOT
from staging import stage

COPIED = ["_config.yml", "_toc.yml", "references.bib", "requirements.txt", "tests/book/other_parameters.yml"]
ALONE = "format: jb-book\nroot: index\nchapters:\n  - file: chapters/11_toy\n  - file: reference/bibliography\n"


@pytest.fixture
def book(tmp_path: Path) -> Path:
    """Return the files of the book that a new chapter is entered into."""
    for name in COPIED:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    for name in ("chapters", "claims", "reference"):
        (tmp_path / name).mkdir()
    return tmp_path


def test_it_is_entered_where_its_number_belongs_and_nothing_else_changes(book: Path) -> None:
    before, table = pages(book), yaml.safe_load((book / COPIED[-1]).read_text())
    new_chapter("06", "toy", "A toy", book)
    after = pages(book)
    assert after[after.index("chapters/06_toy") - 1] == "chapters/05_projection_matrix"
    assert [page for page in after if page != "chapters/06_toy"] == before
    other = yaml.safe_load((book / COPIED[-1]).read_text())
    assert other == {**table, "06_toy": other["06_toy"]}
    own = chapters.parameters(chapters.read(book / "chapters" / "06_toy.ipynb"))
    assert set(other["06_toy"]) == set(own)
    assert not set(other["06_toy"].items()) & set(own.items())


def test_its_cells_have_the_same_ids_when_it_is_written_again(book: Path) -> None:
    first = new_chapter("11", "toy", "A toy", book)
    ids = [cell["id"] for cell in chapters.read(first).cells]
    first.unlink()
    (book / "claims" / "toy.yml").unlink()
    (book / "theorems" / "11_toy.yml").unlink()
    assert [cell["id"] for cell in chapters.read(new_chapter("11", "toy", "A toy", book)).cells] == ids


@pytest.mark.parametrize(("number", "slug"), [
    ("7", "toy"), ("11", "a toy"), ("11", "Toy"), ("11", "old"), ("12", "other"), ("00", "toy")])
def test_a_name_that_cannot_be_or_is_taken_is_refused_before_anything_is_written(
    book: Path, number: str, slug: str
) -> None:
    for name in ("chapters/11_old.ipynb", "claims/other.yml"):
        (book / name).touch()
    files = {path: path.read_bytes() for path in book.rglob("*") if path.is_file()}
    with pytest.raises(SystemExit, match=r"give two digits|exists already|no chapter before it"):
        new_chapter(number, slug, "A toy", book)
    assert {path: path.read_bytes() for path in book.rglob("*") if path.is_file()} == files


@pytest.mark.slow
def test_it_runs_keeps_the_rules_settles_its_claim_and_its_page_has_no_warning(
    book: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = new_chapter("11", "toy", "A toy", book)
    (book / "_toc.yml").write_text(ALONE)
    (book / "theorems" / "assumptions.yml").write_text("m-step-attained: {name: M-step attained, says: It is.}\n")
    (book / "index.md").write_text("# Tiny\n")
    shutil.copy(ROOT / "reference" / "bibliography.md", book / "reference")
    shutil.copytree(ROOT / "assets", book / "assets")
    assert refresh([path], book) == []
    assert faults(path) == []
    ledger = collect(book)
    assert ledger.faults == []
    assert [(row["id"], row["verdict"], row["agrees"]) for row in ledger.claims] == [("CH11-FIRST", "holds", True)]
    assert build_book.sphinx(book, stage(book, [path])) == 0, capfd.readouterr().err
    page = (book / "_build" / "html" / "chapters" / "11_toy.html").read_text(encoding="utf-8")
    assert "for the author" not in page
    assert "@" not in path.read_text(encoding="utf-8")
    assert "8 steps of EM" in page.replace("</span>", "").replace("<span class=\"pasted-text\">", "")
