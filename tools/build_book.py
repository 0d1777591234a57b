"""Run the chapters, then build the HTML of *this* run from a staging copy, warnings as errors."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import chapters
from execute import plain
from run_chapters import cache_folder, report, run_all
from setup_env import ROOT
from staging import stage

OPTIONS = ["-W", "-n", "--keep-going", "-q"]


def ledger(root: Path, *arguments: str) -> int:
    """Run the ledger's command line and return its exit status."""
    command = [sys.executable, "-m", "embook.ledger", *arguments]
    return subprocess.run(command, cwd=root, check=False).returncode


def sphinx(root: Path, source: Path) -> int:
    """Build the pages; delete Sphinx's cache after a failure.

    Sphinx repeats no warning of a page that it has read before, so a second build would pass with
    the fault still there.  The mark outlives a build that was killed.
    """
    mark, doctrees = root / "_build" / "unfinished", root / "_build" / ".doctrees"
    if mark.exists():
        shutil.rmtree(doctrees, ignore_errors=True)
    mark.touch()
    command = [str(Path(sys.executable).with_name("jupyter-book")), "build", str(source), "--path-output", str(root)]
    done = subprocess.run([*command, *OPTIONS], cwd=root, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    if done.returncode == 0:
        mark.unlink()
        return 0
    shutil.rmtree(doctrees, ignore_errors=True)
    (root / "_build" / "sphinx-errors.txt").write_text(done.stderr, encoding="utf-8")
    # what follows is Jupyter Book's own traceback, which says nothing about the fault
    print(plain(done.stderr).partition("Traceback (most recent call last):")[0].rstrip(), file=sys.stderr)
    return done.returncode


def slowest(root: Path, stems: list[str], count: int = 10) -> list[str]:
    """Return one line for each of the slowest cells of the runs that the book shows."""
    rows = []
    for stem in stems:
        record = json.loads((cache_folder(root) / f"{stem}.json").read_text())
        rows += [(seconds, f"{stem} cell {number}: {first}") for number, seconds, first in record["cells"]]
    return [f"  {seconds:7.2f} s  {what}" for seconds, what in sorted(rows, reverse=True)[:count]]


def build(root: Path = ROOT) -> int:
    """Run the chapters, check the ledger and build the pages; stop at the first that fails."""
    paths = chapters.listed(root)
    faults = run_all(paths, root)
    if faults:
        return report(faults)
    staging = stage(root, paths)
    if ledger(root, "check", str(staging)):
        print("book: the ledger has faults (above); no page was built", file=sys.stderr)
        return 1
    if sphinx(root, staging):
        print("book: the pages have warnings (above), which count as errors", file=sys.stderr)
        return 1
    print(f"\n{root / '_build' / 'html' / 'index.html'}\n", flush=True)
    status = ledger(root, "summary", str(root / "_build" / "html" / "ledger.json"))
    print("\nslowest cells", *slowest(root, [path.stem for path in paths]), sep="\n", flush=True)
    return status


if __name__ == "__main__":
    sys.exit(build())
