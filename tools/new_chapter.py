"""Begin a chapter: a notebook that runs and keeps every rule, a claim that it settles, its theorem, its place.

    python tools/new_chapter.py 11 annealing "EM at a temperature"

The text is `chapter_skeleton.md`; its author replaces it piece by piece.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import sys
from pathlib import Path

import jupytext

import chapters
from refresh import refresh
from run_chapters import report
from setup_env import ROOT

SKELETON = Path(__file__).with_name("chapter_skeleton.md")
IN_CONTENTS = re.compile(r"^( *- file: chapters/)(\d\d)_.*\n", re.MULTILINE)
CLAIMS = """\
# Chapter @number@: @title@.
- id: @claim@
  chapter: @number@
  statement: A step of EM does not lower the log-likelihood.
  source: {key: dempster1977, place: "theorem 1"}
  kind: theorem
  tolerance: {policy: identity, below: 1.0e-9}
  propositions: [as_stated]
  verdict: holds
  why: Proved; measured is the largest loss of a step on the linkage data, and steps the other way lose.
"""
THEOREMS = """\
# Chapter @number@: @title@.
thm:ch@number@-main:
  says: A step of EM does not lower the log-likelihood.
  needs: [m-step-attained]
  claims: [@claim@]
"""
OTHER = "@stem@: {n_steps: 4, theta_start: 0.3}\n"


def new_chapter(number: str, slug: str, title: str, root: Path = ROOT) -> Path:
    """Write notebook, claims, theorems and the two entries of a chapter, and return the notebook's path.

    Raises
    ------
    SystemExit
        When number or name cannot be a chapter's, or another one has it; nothing is written then.
    """
    if not re.fullmatch(r"\d\d", number) or not re.fullmatch(r"[a-z][a-z0-9_]*", slug):
        raise SystemExit(f"chapter {number} {slug}: give two digits, and a name of small letters, digits and _")
    stem = f"{number}_{slug}"
    notebook, claims = root / "chapters" / f"{stem}.ipynb", root / "claims" / f"{slug}.yml"
    theorems = root / "theorems" / f"{stem}.yml"
    taken = [path for path in (*(root / "chapters").glob(f"{number}_*.ipynb"), claims, theorems) if path.exists()]
    if taken:
        raise SystemExit(f"chapter {stem}: {taken[0].relative_to(root)} exists already; take another number or name")
    words = {"number": str(int(number)), "stem": stem, "title": title, "claim": f"CH{number}-FIRST"}
    _into_contents(root / "_toc.yml", number, stem)
    chapters.write(_notebook(words), notebook)
    claims.write_text(_filled(CLAIMS, words), encoding="utf-8")
    theorems.parent.mkdir(exist_ok=True)
    theorems.write_text(_filled(THEOREMS, words), encoding="utf-8")
    with (root / "tests" / "book" / "other_parameters.yml").open("a", encoding="utf-8") as table:
        table.write(_filled(OTHER, words))
    return notebook


def _filled(text: str, words: dict[str, str]) -> str:
    """Return a text with ``@stem@`` and the like filled in."""
    return re.sub(r"@(\w+)@", lambda found: words[found[1]], text)


def _notebook(words: dict[str, str]) -> chapters.Notebook:
    """Return the skeleton as a notebook without outputs; a cell's id follows from chapter and place."""
    book = jupytext.reads(_filled(SKELETON.read_text(encoding="utf-8"), words), fmt="md:myst")
    for place, cell in enumerate(book.cells):
        cell["id"] = hashlib.sha256(f"{words['stem']} {place}".encode()).hexdigest()[:8]
    book.metadata = {"kernelspec": dict(chapters.KERNEL), "language_info": {"name": "python"}}
    return book


def _into_contents(path: Path, number: str, stem: str) -> None:
    """Enter a chapter into the table of contents, behind the last one with a smaller number."""
    text = path.read_text(encoding="utf-8")
    before = [line for line in IN_CONTENTS.finditer(text) if line[2] < number]
    if not before:
        raise SystemExit(f"chapter {stem}: no chapter before it in {path.name}; enter it there by hand")
    end = before[-1].end()
    path.write_text(f"{text[:end]}{before[-1][1]}{stem}\n{text[end:]}", encoding="utf-8")


def main(arguments: list[str] | None = None) -> int:
    """Write the chapter, run it, and say what comes next."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("number", help="two digits: 11")
    parser.add_argument("slug", help="its name in file names: annealing")
    parser.add_argument("title", help='"EM at a temperature"')
    chosen = parser.parse_args(arguments)
    path = new_chapter(chosen.number, chosen.slug, chosen.title)
    faults = refresh([path], ROOT)
    print(f"{path.relative_to(ROOT)} written and run; next: make edit CHAPTER={chosen.number}")
    return report(faults)


if __name__ == "__main__":
    sys.exit(main())
