"""Edit a chapter as Markdown, take it back into the notebook, run it and write its outputs back.

    python tools/refresh.py edit 05       writes 05.md
    python tools/refresh.py saved 05      takes 05.md back into the notebook
    python tools/refresh.py refresh 05    runs the chapter and writes its outputs back (no name: all)
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from jupytext.cli import jupytext

import chapters
from notebook_rules import faults
from run_chapters import cache_folder, report, run_all
from setup_env import ROOT


def page(notebook: Path, root: Path) -> Path:
    """Return the Markdown file that a chapter is edited in; git ignores it."""
    return root / f"{notebook.stem.partition('_')[0]}.md"


def edit(notebook: Path, root: Path) -> Path:
    """Write the Markdown file, unless one with edits of its own is in the way."""
    target = page(notebook, root)
    if target.exists():
        raise SystemExit(f"edit: {target.name} exists already; take it back with `saved`, or remove it")
    jupytext(["--quiet", "--to", "md:myst", "-o", str(target), str(notebook)])
    return target


def saved(notebook: Path, root: Path) -> bool:
    """Take the Markdown file back, remove it, and return whether the code changed."""
    source = page(notebook, root)
    if not source.exists():
        raise SystemExit(f"saved: there is no {source.name}; begin with `edit`")
    before = chapters.code_hash(chapters.read(notebook))
    jupytext(["--quiet", "--update", "--to", "ipynb", "-o", str(notebook), str(source)])
    merged = chapters.read(notebook)
    chapters.write(merged, notebook)
    source.unlink()
    return chapters.code_hash(merged) != before


def refresh(notebooks: list[Path], root: Path) -> list[str]:
    """Run afresh and write back each chapter that ran; a failed one keeps its committed outputs."""
    failed = run_all(notebooks, root, fresh=True)
    for path in notebooks:
        if not any(fault.startswith(f"{path.stem}:") for fault in failed):
            run = chapters.read(cache_folder(root) / path.name)
            chapters.write(chapters.with_outputs(chapters.read(path), run), path)
    return failed


def main(arguments: list[str] | None = None, root: Path = ROOT) -> int:
    """Run as a command."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("task", choices=["edit", "saved", "refresh"])
    parser.add_argument("chapter", nargs="*", help="05, or 05_projection_matrix; refresh alone may do without: all")
    chosen = parser.parse_args(arguments)
    paths = [chapters.find(name, root) for name in chosen.chapter]
    if chosen.task == "refresh":
        return report(refresh(paths or chapters.listed(root), root))
    if not paths:
        parser.error(f"{chosen.task} needs a chapter: make {chosen.task} CHAPTER=05")
    for path in paths:
        _turn(chosen.task, path, root)
    return 0


def _turn(task: str, path: Path, root: Path) -> None:
    """Do one step of the round trip and print the next."""
    number = path.stem.partition("_")[0]
    if task == "edit":
        print(f"edit {edit(path, root).name}, then: make saved CHAPTER={number}")
        return
    changed = saved(path, root)
    print(f"{path.name} taken back" + (f"; its code changed, so: make refresh CHAPTER={number}" if changed else ""))
    for fault in faults(path):
        print(f"  {fault}")


if __name__ == "__main__":
    sys.exit(main())
