"""Run chapters with noise in the last place of their arithmetic, and compare them with their committed outputs.

    python tools/noisy_chapters.py [--noise 1] [--run] [05 ...]      --run leaves the comparison to the tests
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import chapters
import noisy
from run_chapters import Setting, cache_folder, report, run_all
from same_outputs import by_cell
from setup_env import ROOT

SEED = 1  # the one that `make test` tries; `make audit` tries five


def setting(seed: int) -> Setting:
    """Return how chapters are run under the noise of a seed."""
    return Setting(f"noise/{seed}", variables=noisy.environment(seed), code=(noisy.FOLDER,))


def run(paths: list[Path], seed: int = SEED, root: Path = ROOT) -> list[str]:
    """Run what changed under noise; return the faults."""
    return run_all(paths, root, setting=setting(seed))


def compared(path: Path, seed: int = SEED, root: Path = ROOT) -> list[str]:
    """Return in what a chapter's kept run under noise shows something else than its committed outputs."""
    here, there = (chapters.read(file) for file in (path, cache_folder(root, setting(seed)) / path.name))
    return [f"{path.stem}, noise {seed}, {fault}" for fault in by_cell(here, there)]


def faults(paths: list[Path], seed: int = SEED, root: Path = ROOT) -> list[str]:
    """Run chapters under noise and return what fails or differs."""
    failed = run(paths, seed, root)
    ran = [path for path in paths if not any(fault.startswith(f"{path.stem}:") for fault in failed)]
    return failed + [fault for path in ran for fault in compared(path, seed, root)]


def main(arguments: list[str] | None = None) -> int:
    """Run as a command."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("chapter", nargs="*", help="05, or 05_projection_matrix; default: all")
    parser.add_argument("--noise", type=int, default=SEED, metavar="SEED")
    parser.add_argument("--run", action="store_true", help="run only, and leave the comparison to the tests")
    chosen = parser.parse_args(arguments)
    paths = [chapters.find(name) for name in chosen.chapter] or chapters.listed()
    return report(run(paths, chosen.noise) if chosen.run else faults(paths, chosen.noise))


if __name__ == "__main__":
    sys.exit(main())
