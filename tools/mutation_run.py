"""Run the chapters on a copy of the tree with one fault in it, until one of them catches it.

A fault is caught where a chapter's run raises or does not end, or where the ledger is at fault afterwards. Whether some
output shows something else than the committed one is noted separately: `make test` would see that, a reader would not.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from pathlib import Path

import chapters
import mutation_trace
from embook.ledger.judge import judge
from embook.ledger.registry import load
from execute import Run, execute
from mutation_places import Mutant
from mutation_trace import Trace
from same_outputs import by_cell

PATIENCE, LEAST_SECONDS = 6, 120  # a cell may take so many times as long as the slowest did, and at least so long


@dataclass(frozen=True)
class Outcome:
    """Result of trying one fault."""

    mutant: str
    caught: str = ""  # "run", "ledger" or nothing
    by: str = ""
    why: str = ""
    changed: str = ""  # the first output that differs from the committed one
    chapters: tuple[str, ...] = ()  # that were run; none reaches the line where this is empty
    seconds: float = 0.0

    @property
    def is_seen(self) -> bool:
        """Return whether it is caught, or visible in an output."""
        return bool(self.caught or self.changed)


Execute = Callable[..., Run]


def outcomes(mutants: list[Mutant], root: Path, maps: list[Trace],
             workers: int = 2) -> Iterator[tuple[Mutant, Outcome]]:
    """Yield the outcome of every fault, the kept ones first; each new one is kept as soon as it is there."""
    place, waiting = results(root), []
    for mutant in mutants:
        if outcome := kept(mutant, place):
            yield mutant, outcome
        elif not order(mutant, maps):
            yield mutant, Outcome(str(mutant))
        else:
            waiting.append(mutant)
    with ProcessPoolExecutor(workers) as pool:
        jobs = {pool.submit(tried, mutant, mutation_trace.base(root), maps): mutant for mutant in waiting}
        for job in as_completed(jobs):
            keep(job.result(), place / f"{jobs[job].digest}.json")
            yield jobs[job], job.result()


def results(root: Path) -> Path:
    """Return the folder with the outcomes for a tree as it stands."""
    return mutation_trace.folder(root) / "results" / mutation_trace.digest(root)


def kept(mutant: Mutant, place: Path) -> Outcome | None:
    """Return the outcome that an earlier run has left, or None."""
    file = place / f"{mutant.digest}.json"
    if not file.exists():
        return None
    found = json.loads(file.read_text(encoding="utf-8"))
    return Outcome(**{**found, "chapters": tuple(found["chapters"])})


def keep(outcome: Outcome, file: Path) -> None:
    """Write an outcome as one line, whole or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_suffix(f".{os.getpid()}.part")
    partial.write_text(json.dumps(asdict(outcome)) + "\n", encoding="utf-8")
    os.replace(partial, file)


def order(mutant: Mutant, maps: list[Trace]) -> list[Trace]:
    """Return the chapters that run the line, those first that settle many claims in a short time."""
    return sorted((trace for trace in maps if trace.reaches(mutant.file, mutant.line)), key=lambda trace: trace.cost)


def tried(mutant: Mutant, base: Path, maps: list[Trace], runner: Execute = execute) -> Outcome:
    """Put a fault into a copy of its own and run chapters there until one catches it."""
    tree, begin = base.parent / "trees" / mutant.digest, time.monotonic()
    shutil.rmtree(tree, ignore_errors=True)
    shutil.copytree(base, tree)  # with what was compiled there; times are kept
    try:
        break_file(mutant, tree)
        before, done, changed = judged(tree), [], ""
        for trace in order(mutant, maps):
            done.append(trace.stem)
            path = tree / "chapters" / f"{trace.stem}.ipynb"
            limit = max(LEAST_SECONDS, round(PATIENCE * trace.slowest))
            run = runner(path, variables=mutation_trace.environment(tree), limit=limit)
            caught, why = ("run", run.fault.splitlines()[0]) if run.fault else ("", "")
            if not run.fault:
                changed = changed or shown(path, run)
                chapters.write(chapters.with_outputs(chapters.read(path), run.notebook), path)
                why = next((fault for fault in judged(tree) if fault not in before), "")
                caught = "ledger" if why else ""
            if caught:
                return Outcome(str(mutant), caught, trace.stem, why, changed, tuple(done), time.monotonic() - begin)
        return Outcome(str(mutant), changed=changed, chapters=tuple(done), seconds=time.monotonic() - begin)
    finally:
        shutil.rmtree(tree, ignore_errors=True)


def break_file(mutant: Mutant, tree: Path) -> None:
    """Write the fault into a copy of the tree and delete the file's compiled code."""
    path = tree / mutant.file
    path.write_text(mutant.applied(path.read_text(encoding="utf-8")), encoding="utf-8")
    for compiled in (path.parent / "__pycache__").glob(f"{path.stem}.*"):
        compiled.unlink()


def judged(tree: Path) -> list[str]:
    """Return the faults of the ledger of a tree."""
    rows, faults = load(tree)
    return faults + judge(tree, rows)


def shown(path: Path, run: Run) -> str:
    """Return the first output of a run that shows something else than the chapter's own."""
    return next((f"{path.stem}, {words}" for words in by_cell(chapters.read(path), run.notebook, 1)), "")
