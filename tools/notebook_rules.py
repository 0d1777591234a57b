"""Check the committed chapters by the rules of the book, without running them.

    python tools/notebook_rules.py                      every notebook in chapters/
    python tools/notebook_rules.py chapters/05_….ipynb  these (as the pre-commit hook calls it)
"""

from __future__ import annotations

import sys
from pathlib import Path

import chapters
from rules import form, lesson, pages, source
from rules.chapter import Chapter
from setup_env import ROOT

RULES = [form.valid_format, *form.RULES, *source.RULES, *pages.RULES, *lesson.RULES]


def faults(path: Path) -> list[str]:
    """Return what is wrong with one notebook, each with the name of its rule."""
    chapter = Chapter(path, chapters.read(path))
    # the other rules rely on the fields of a valid notebook
    rules = [form.valid_format] if list(form.valid_format(chapter)) else RULES
    return [f"{path.name}: {text} [{rule.__name__}]" for rule in rules for text in rule(chapter)]


def main(arguments: list[str], root: Path = ROOT) -> int:
    """Print every fault; the status says whether there was one."""
    paths = [Path(name) for name in arguments] or sorted((root / "chapters").glob("*.ipynb"))
    if not paths:  # nothing looked at is not nothing wrong
        print("notebook rules: there is no notebook in chapters/")
        return 1
    found = [text for path in paths for text in faults(path)]
    print(*found, sep="\n", end="\n" if found else "")
    if not found:
        print(f"notebook rules: {len(paths)} chapters, no fault")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
