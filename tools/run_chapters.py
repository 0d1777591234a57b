"""Run the chapters of the table of contents, two at a time, and keep what has not changed.

    python tools/run_chapters.py                                     every chapter that changed
    python tools/run_chapters.py 05 --param n_samples=50 --out out   one chapter with other parameters
"""

from __future__ import annotations

import argparse
import ast
import hashlib
import json
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tqdm import tqdm

import chapters
from execute import Run, execute
from setup_env import ROOT


@dataclass(frozen=True)
class Setting:
    """Parameters and environment of runs; the runs of each setting are kept in a folder of its own."""

    name: str = "runs"
    given: Mapping[str, Any] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)
    code: tuple[Path, ...] = ()  # folders outside the book that its runs rest on

    def key(self) -> str:
        """Return a digest of the setting, empty for the book's own."""
        if self == BOOK:
            return ""
        parts = [repr((dict(self.given), dict(self.variables))).encode()]
        parts += [path.read_bytes() for folder in self.code for path in chapters.files_under(folder)]
        return "-" + hashlib.sha256(b"".join(parts)).hexdigest()[:16]

    def parameters(self, path: Path) -> dict[str, Any]:
        """Return those of the given parameters that a chapter has."""
        known = chapters.parameters(chapters.read(path))
        return {name: value for name, value in self.given.items() if name in known}


BOOK = Setting()


def cache_folder(root: Path, setting: Setting = BOOK) -> Path:
    """Return where finished runs are kept."""
    return root / "_build" / setting.name


def cached(path: Path, key: str, folder: Path) -> bool:
    """Return whether a run with this key is kept."""
    record = folder / f"{path.stem}.json"
    notebook = record.with_suffix(".ipynb")
    return record.exists() and notebook.exists() and json.loads(record.read_text())["key"] == key


def keep(run: Run, key: str, folder: Path) -> None:
    """Keep a finished run; the record is written last, so a half-written one is never used."""
    record = folder / f"{run.stem}.json"
    record.unlink(missing_ok=True)
    chapters.write(run.notebook, record.with_suffix(".ipynb"))
    record.write_text(json.dumps({"key": key, "seconds": run.seconds, "cells": run.cells}))


def run_all(paths: list[Path], root: Path = ROOT, workers: int = 2, fresh: bool = False,
            setting: Setting = BOOK) -> list[str]:
    """Run what changed, one line a chapter; return the faults."""
    around, folder = chapters.surroundings(root), cache_folder(root, setting)
    keys = {path: chapters.fingerprint(chapters.read(path), around) + setting.key() for path in paths}
    stale = [path for path in paths if fresh or not cached(path, keys[path], folder)]
    for path in [path for path in paths if path not in stale]:
        print(f"{path.stem:<28} unchanged", flush=True)
    faults = []
    for path, run in _finished(stale, workers, setting):
        tqdm.write(f"{run.stem:<28} {'FAILED' if run.fault else 'ran'} in {run.seconds:.1f} s")
        if run.fault:
            faults.append(run.fault)
        else:
            keep(run, keys[path], folder)
    return faults


def _finished(paths: list[Path], workers: int, setting: Setting) -> Iterator[tuple[Path, Run]]:
    """Run chapters in processes of their own and yield each as it ends."""
    if not paths:
        return
    with ProcessPoolExecutor(workers) as pool, tqdm(total=len(paths), unit="chapter", disable=None) as bar:
        tasks = {path: (setting.parameters(path), dict(setting.variables)) for path in paths}
        waiting = {pool.submit(execute, path, *task): path for path, task in tasks.items()}
        for future in as_completed(waiting):
            bar.update()
            yield waiting[future], _outcome(future, waiting[future])


def _outcome(future: Future[Run], path: Path) -> Run:
    """Turn a worker that died into a fault of its chapter, so that the others are still reported."""
    error = future.exception()
    return Run(path.stem, 0.0, fault=f"{path.stem}: {type(error).__name__}: {error}") if error else future.result()


def report(faults: list[str]) -> int:
    """Print the faults to stderr and return the exit status."""
    for fault in faults:
        print(f"\nchapter failed: {fault}", file=sys.stderr)
    return 1 if faults else 0


def literal(text: str) -> tuple[str, Any]:
    """Split ``name=value``; a value that is no Python literal is taken as text."""
    name, equals, value = text.partition("=")
    if not equals or not name.isidentifier():
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form name=value")
    try:
        return name, ast.literal_eval(value)
    except (ValueError, SyntaxError):
        return name, value


def with_parameters(paths: list[Path], given: dict[str, Any], out: Path | None) -> int:
    """Run chapters with other parameters; nothing is cached or written back."""
    faults, folder = [], out or ROOT / "_build" / "other_parameters"
    try:
        fitted = [chapters.fitting(chapters.read(path), given, path.stem) for path in paths]
    except ValueError as error:
        return report([str(error)])
    for path, values in zip(paths, fitted, strict=True):
        run = execute(path, values)
        faults += [run.fault] if run.fault else []
        if not run.fault:
            folder.mkdir(parents=True, exist_ok=True)
            chapters.write(run.notebook, folder / path.name)
            print(f"{path.stem:<28} ran in {run.seconds:.1f} s, written to {folder / path.name}")
    return report(faults)


def main(arguments: list[str] | None = None) -> int:
    """Run as a command."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("chapter", nargs="*", help="05, or 05_projection_matrix; default: all")
    parser.add_argument("--param", action="append", type=literal, default=[], metavar="name=value")
    parser.add_argument("--out", type=Path,
                        help="folder for the notebooks run with --param; default: _build/other_parameters")
    parser.add_argument("--fresh", action="store_true", help="run even what has not changed")
    chosen = parser.parse_args(arguments)
    paths = [chapters.find(name) for name in chosen.chapter] or chapters.listed()
    if chosen.param:
        return with_parameters(paths, dict(chosen.param), chosen.out)
    return report(run_all(paths, fresh=chosen.fresh))


if __name__ == "__main__":
    sys.exit(main())
