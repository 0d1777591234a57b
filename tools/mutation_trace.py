"""A copy of the tree in which faults are tried, and which lines of `emlib` each chapter runs there.

A line map is kept under ``_build/mutations`` as long as the chapter's code and the package stay the same.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import coverage

import chapters
from execute import Run, execute
from same_outputs import by_cell

COPIED = ["emlib", "embook", "claims", "chapters", "_config.yml", "_toc.yml", "references.bib", "requirements.txt"]
SETTINGS = "[run]\nparallel = true\nsigterm = true\ndata_file = {data}\ninclude = {tree}/emlib/*\n"


@dataclass(frozen=True)
class Trace:
    """Record of a clean run of a chapter: the lines that it ran, by file, and the time that it took."""

    stem: str
    lines: dict[str, list[int]]
    seconds: float
    slowest: float  # cell, in seconds
    n_claims: int

    def reaches(self, file: str, line: int) -> bool:
        """Return whether the chapter ran this line."""
        return line in self.lines.get(file, [])

    @property
    def cost(self) -> float:
        """Return the seconds for each claim that the chapter settles; the cheapest is tried first."""
        return self.seconds / (1 + self.n_claims)


def folder(root: Path) -> Path:
    """Return where all that belongs to the faults is kept."""
    return root / "_build" / "mutations"


def digest(root: Path) -> str:
    """Digest everything that a fault's outcome depends on: the package, the claims, the chapters with their outputs."""
    parts = [path.read_bytes() for path in chapters.listed(root)]
    return hashlib.sha256(b"".join([chapters.surroundings(root).encode(), *parts])).hexdigest()[:16]


def base(root: Path) -> Path:
    """Return a clean copy of the tree, made anew when the tree has changed; compiled files gather in it."""
    copy, stamp = folder(root) / "base", folder(root) / "base.txt"
    if stamp.exists() and stamp.read_text() == digest(root):
        return copy
    stamp.unlink(missing_ok=True)
    for name in COPIED:
        _mirror(root / name, copy / name)
    stamp.write_text(digest(root))
    return copy


def _mirror(source: Path, target: Path) -> None:
    """Copy what differs and delete what is gone; an unchanged file keeps its time, and with it what was compiled."""
    wanted = {path.relative_to(source): path for path in chapters.files_under(source)}
    for path in chapters.files_under(target):
        if path.relative_to(target) not in wanted:
            path.unlink()
    for name, path in wanted.items():
        there = target / name if source.is_dir() else target
        if not there.exists() or there.read_bytes() != path.read_bytes():
            there.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, there)


def traces(root: Path, workers: int = 2) -> tuple[list[Trace], list[str]]:
    """Return the line maps of all chapters, and the faults of clean runs, which would make every score meaningless."""
    tree = base(root)
    known = {path: _key(path, root) for path in chapters.listed(root) if path.suffix == ".ipynb"}
    stale = [path for path, key in known.items() if not _is_kept(path, key, root)]
    faults = []
    with ProcessPoolExecutor(workers) as pool:
        jobs = {path: pool.submit(_traced, path.relative_to(root), tree, folder(root)) for path in stale}
        for path, job in jobs.items():
            found = job.result()
            print(f"{path.stem:<28} {'FAILED' if found.fault else 'traced'} in {found.seconds:.1f} s", flush=True)
            faults += _kept(path, found, known[path], root)
    maps = [json.loads(_file(path, root).read_text())["trace"] for path in known if _file(path, root).exists()]
    return [Trace(**found) for found in maps], faults


def _file(path: Path, root: Path) -> Path:
    return folder(root) / "lines" / f"{path.stem}.json"


def _key(path: Path, root: Path) -> str:
    files = [file for name in ("emlib", "embook") for file in chapters.files_under(root / name)]
    package = b"".join(file.read_bytes() for file in files)
    return f"{chapters.code_hash(chapters.read(path))}-{hashlib.sha256(package).hexdigest()[:16]}"


def _is_kept(path: Path, key: str, root: Path) -> bool:
    file = _file(path, root)
    return file.exists() and json.loads(file.read_text())["key"] == key


def _traced(name: Path, tree: Path, kept: Path) -> Run:
    """Run one chapter of the copy under coverage, which the interpreter of its kernel starts by itself."""
    settings, data = kept / "lines" / f"{name.stem}.cfg", kept / "lines" / f"{name.stem}.data"
    settings.parent.mkdir(parents=True, exist_ok=True)
    for old in data.parent.glob(f"{data.name}*"):
        old.unlink()
    settings.write_text(SETTINGS.format(data=data, tree=tree))
    return execute(tree / name, variables={"COVERAGE_PROCESS_START": str(settings), **environment(tree)})


def environment(tree: Path) -> dict[str, str]:
    """Return what makes a kernel import the package of this copy."""
    before = [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]
    return {"PYTHONPATH": os.pathsep.join([str(tree), *before])}


def _kept(path: Path, run: Run, key: str, root: Path) -> list[str]:
    """Keep a line map; return instead what is wrong with the clean run."""
    if run.fault:
        return [f"without any fault put in, {run.fault}"]
    faults = [f"without any fault put in, {path.stem} does not show its committed outputs: {words}"
              for words in by_cell(chapters.read(path), run.notebook)]
    if faults:
        return faults
    n_claims = chapters.text(run.notebook).count('"application/vnd.emlib.claim+json"')
    trace = Trace(path.stem, _lines(path.stem, root), run.seconds, max(cell[1] for cell in run.cells), n_claims)
    partial = _file(path, root).with_suffix(".part")
    partial.write_text(json.dumps({"key": key, "trace": vars(trace)}))
    os.replace(partial, _file(path, root))
    return []


def _lines(stem: str, root: Path) -> dict[str, list[int]]:
    """Return the lines that were run, by file relative to the tree."""
    found: dict[str, set[int]] = {}
    for path in (folder(root) / "lines").glob(f"{stem}.data.*"):
        data = coverage.CoverageData(basename=str(path))
        data.read()
        for file in data.measured_files():
            name = Path(file).relative_to(folder(root) / "base").as_posix()
            found.setdefault(name, set()).update(data.lines(file) or [])
        path.unlink()
    return {name: sorted(lines) for name, lines in sorted(found.items())}
