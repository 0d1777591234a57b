"""Run the book under changes that must not change its verdicts: other seeds, noise in the last place, noisy tables.

    python tools/audit_book.py [noise] [seeds] [tables] [studies] [mutations]     all five unless named

noise      every chapter under five seeds of arithmetic noise: the outputs must show what the committed ones show
seeds      every chapter under five other seeds of its own: the verdicts must be those of the registry
tables     the chapters that read stored studies, on the noisy copies of the tables: the verdicts must be the same
studies    a sample of every stored study, computed under the same noise, against its table
mutations  ten named faults in the mathematics of `emlib`, which chapters must catch, and the score of twenty drawn ones

Runs are kept under ``_build`` and repeated only where something changed.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import chapters
import mutation
import noisy_chapters
import noisy_study
from embook import study
from embook.context import chapter_file
from embook.ledger.judge import judge_other, runs_of
from embook.ledger.registry import load
from run_chapters import Setting, cache_folder, run_all
from setup_env import ROOT

NOISE = (1, 2, 3, 4, 5)
SEEDS = (11, 777, 4242, 31337, 90210)
SHARE = 0.002  # of a study's cells, for each seed of the noise
HUNDREDTH = 0.01


def noise() -> list[str]:
    """Compare every chapter's run under noise with its committed outputs."""
    return [fault for seed in NOISE for fault in noisy_chapters.faults(chapters.listed(), seed)]


def seeds() -> list[str]:
    """Judge the verdicts of every chapter's run with other seeds."""
    paths = [path for path in chapters.listed() if _seeds_of(path)]
    return [fault for seed in SEEDS
            for fault in judged(paths, Setting(f"seeds/{seed}", {"seed": seed, "start_seed": seed}))]


def _seeds_of(path: Path) -> list[str]:
    return [name for name in chapters.parameters(chapters.read(path)) if name in ("seed", "start_seed")]


def tables() -> list[str]:
    """Judge the verdicts that rest on stored tables by their noisy copies, and compare what is measured on the two."""
    paths = [path for path in chapters.listed() if "copy" in chapters.parameters(chapters.read(path))]
    setting = Setting("noisy_tables", {"copy": 1})
    faults, folder = judged(paths, setting), cache_folder(ROOT, setting)
    stored = {row.id for row in load(ROOT)[0] if row.profile == "stored"}
    shown = {run.id: run.record["measured"] for run in runs_of(paths) if run.id in stored}
    noisy = {run.id: run.record["measured"] for run in runs_of([folder / path.name for path in paths])}
    moved = [name for name, value in shown.items() if not same_measured(value, noisy.get(name))]
    return faults + [f"{name} measured {shown[name]} on the table, {noisy.get(name)} on its copy" for name in moved]


def same_measured(one: Any, other: Any) -> bool:
    """Return whether two measurements agree to a hundredth of themselves."""
    if isinstance(one, dict) and isinstance(other, dict):
        return list(one) == list(other) and all(same_measured(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(same_measured(*pair) for pair in zip(one, other, strict=True))
    if one == other or isinstance(one, bool) or isinstance(other, bool):
        return bool(one == other)
    try:
        here, there = float(one), float(other)
    except (TypeError, ValueError):
        return False
    return abs(here - there) <= HUNDREDTH * abs(here)


def judged(paths: list[Path], setting: Setting) -> list[str]:
    """Run chapters in another setting and return what the judge says of their verdicts."""
    rows, faults = load(ROOT)
    rows = [row for row in rows if chapter_file(ROOT, row.chapter) in paths]
    faults = faults + run_all(paths, setting=setting)
    folder = cache_folder(ROOT, setting)
    runs = runs_of([folder / path.name for path in paths if (folder / path.name).exists()])
    print(f"{setting.name}: {len(runs)} claims judged", flush=True)
    return [f"{setting.name}: {fault}" for fault in [*faults, *judge_other(rows, runs)]]


def studies() -> list[str]:
    """Compare cells computed under noise with the stored tables."""
    faults = []
    for path in sorted(study.FOLDER.glob("*.csv")):
        table = study.load(path.stem)
        for seed in NOISE:
            rows = study.sample(table, SHARE, np.random.default_rng(seed))
            one = partial(noisy_study.draw, seed=seed)
            found = study.recompute(table, rows, study.copies(path.stem), noisy_study.draws, one)
            faults += [f"{path.stem}, noise {seed}: {fault}" for fault in found]
    return faults


PARTS: dict[str, Callable[[], list[str]]] = {"noise": noise, "seeds": seeds, "tables": tables, "studies": studies,
                                              "mutations": mutation.run}


def main(arguments: list[str] | None = None) -> int:
    """Run as a command; every part is run even when one has faults."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("part", nargs="*", choices=[[], *PARTS], help="default: all")
    chosen = parser.parse_args(arguments).part or list(PARTS)
    found = {name: PARTS[name]() for name in chosen}
    for fault in (fault for faults in found.values() for fault in faults):
        print(f"audit: {fault}", file=sys.stderr)
    print("audit: " + ", ".join(f"{name} {len(faults)} faults" for name, faults in found.items()))
    return 1 if any(found.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
