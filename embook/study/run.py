"""Run a study cell by cell; each is kept as soon as it is known, and the table is written at the end."""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from embook import machine
from embook.study import store

__all__ = ["command", "run"]

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def run(name: str, *, workers: int = 1, fresh: bool = False, noise: int = 0, folder: Path = store.FOLDER,
        notes: Path | None = None) -> int:
    """Run all cells of a study that no earlier run has kept, then write its table.

    Parameters
    ----------
    name : str
    workers : int
        Processes that share the work.
    fresh : bool
        Whether to forget what an earlier run has kept.
    noise : int
        Seed of the noisy copy to write, whose noise the caller sees to; 0 for the table itself.
    folder : Path
        Where the table is written.
    notes : Path, optional
        Where finished cells are kept until all are; ``_build/studies`` of the project unless given.

    Returns
    -------
    int
        How many cells this run computed.

    Raises
    ------
    ValueError
        If the study is unknown, or was begun with other code.
    """
    source = store.module(name)
    named = source.keys()
    keys = [store.plain(key, {}) for key in named]
    path = store.place(folder, name, noise)
    kept = Kept((notes or folder.parents[2] / "_build" / "studies") / f"{path.stem}.jsonl", _digest(source))
    if fresh:
        kept.forget()
    done = kept.begin(commit())
    missing = [key for key in keys if _name(key) not in done]
    for key, found in _results(name, missing, workers):
        done[_name(key)] = dict(found)
        kept.add(key, found)
        _show(len(done), len(keys))
    head = {"study": name, "about": str(source.__doc__).splitlines()[0], "commit": ", ".join(kept.commits),
            "machine": machine.line(), "seed": source.SEED, "keys": len(keys[0])}
    path.parent.mkdir(parents=True, exist_ok=True)
    store.write(path, head, [store.plain(key, done[_name(key)]) for key in keys])
    return len(missing)


class Kept:
    """Finished cells, one a line; an incomplete last line of an interrupted run is dropped."""

    def __init__(self, path: Path, digest: str) -> None:
        self.path, self.digest = path, digest
        self.commits: list[str] = []

    def forget(self) -> None:
        """Delete what was kept."""
        self.path.unlink(missing_ok=True)

    def begin(self, commit: str) -> dict[str, dict[str, Any]]:
        """Return the finished cells by name, and record the commit that continues the run."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        lines = self.path.read_text(encoding="utf-8").split("\n") if self.path.exists() else [""]
        whole = [json.loads(line) for line in lines[:-1]]
        if any(entry.get("digest", self.digest) != self.digest for entry in whole):
            raise ValueError(f"{self.path.name}: begun with other code of the study; add --fresh to start anew")
        found = {_name(entry["key"]): entry["found"] for entry in whole if "key" in entry}
        self.commits = list(dict.fromkeys([*(entry["commit"] for entry in whole if "commit" in entry), commit]))
        begun = json.dumps({"digest": self.digest, "commit": commit})
        self.path.write_text("".join(f"{line}\n" for line in (*lines[:-1], begun)), encoding="utf-8")
        return found

    def add(self, key: store.Cell, found: store.Cell) -> None:
        """Keep one cell."""
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"key": dict(key), "found": dict(found)}) + "\n")


def _results(name: str, keys: Sequence[store.Cell], workers: int) -> Iterator[tuple[store.Cell, store.Cell]]:
    """Yield each key with its values, in order."""
    if workers == 1:
        yield from ((key, _compute(name, key)) for key in keys)
        return
    with ProcessPoolExecutor(workers) as pool:
        yield from zip(keys, pool.map(_compute, [name] * len(keys), keys, chunksize=4), strict=True)


def _compute(name: str, key: store.Cell) -> store.Cell:
    return store.plain({}, store.module(name).cell(**key))


def _name(key: store.Cell) -> str:
    return json.dumps(dict(key))


def _digest(source: Any) -> str:
    """Return a digest of the study's code: a table must not be put together from two versions of it.

    Modules whose name begins with the same word belong together: ``race``, ``race_field``.
    """
    path = Path(source.__file__)
    family = path.stem.split("_")[0]
    return hashlib.sha256(b"".join(part.read_bytes() for part in sorted(path.parent.glob(f"{family}*.py")))).hexdigest()


def commit() -> str:
    """Return the project's commit, marked if `emlib` or `embook` holds changes that are in no commit."""
    here = Path(__file__).parents[2]
    asked = (["git", "rev-parse", "HEAD"], ["git", "status", "--porcelain", "--", "emlib", "embook"])
    try:
        head, changes = (subprocess.run(a, cwd=here, capture_output=True, text=True, check=True).stdout for a in asked)
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    touched = [line for line in changes.splitlines() if line.endswith(".py")]
    return head.strip() + (" with changes" if touched else "")


def _show(n_done: int, n_all: int) -> None:
    if n_done % max(1, n_all // 100) == 0:
        sys.stderr.write(f"\r{n_done} of {n_all} cells ")
        sys.stderr.flush()


def command(arguments: Sequence[str] | None = None) -> None:
    """Run the study that the command line names and print what was done."""
    parser = argparse.ArgumentParser(prog="python -m embook.study", description="Run and store a study.")
    parser.add_argument("name", help="module in embook/studies")
    parser.add_argument("--workers", type=int, default=1, help="processes that share the work")
    parser.add_argument("--fresh", action="store_true", help="forget what an earlier run has kept")
    parser.add_argument("--noise", type=int, default=0, help="write a noisy copy: see tools/noisy_study.py")
    given = parser.parse_args(arguments)
    if any(os.environ.get(name) != "1" for name in THREADS[:2]):
        parser.error(f"set {' and '.join(f'{name}=1' for name in THREADS[:2])}: sums over threads have no fixed order")
    n_cells = run(given.name, workers=given.workers, fresh=given.fresh, noise=given.noise)
    print(f"\n{given.name}: {n_cells} cells computed, table written")
