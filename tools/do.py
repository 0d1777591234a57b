"""The one entry for every task: ``python3 tools/do.py book`` is what ``make book`` runs.

Only the standard library is used here, because this file runs before the environment exists.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys

import chromium
import setup_env

TASKS = {
    "setup": "make the environment in .venv",
    "book": "run all chapters and build _build/html",
    "test": "build the book, run its chapters once more under arithmetic noise, then run every test, nbval included",
    "audit": "run the book under noise, with other seeds, on noisy tables and with faults put in, and judge it",
    "refresh": "run one chapter (or all) and write its outputs back",
    "chapter": "begin a chapter: number, name and title, as in 11 annealing 'EM at a temperature'",
    "edit": "write one chapter as a Markdown file to edit",
    "saved": "take the edited Markdown file back into the notebook",
    "coverage": "run the tests of emlib under coverage, and fail where too few branches were taken",
    "pythons": "run the tests of emlib, installed alone, on Python 3.11, 3.12 and 3.13",
    "lint": "ruff, mypy, codespell and the notebook rules, without running anything",
    "bench": "time emlib against its peers",
    "lock": "renew requirements.txt, constraints.txt and environment.yml",
    "browser": "install Chromium for the tests of the pages, where there is none and this user may",
    "clean": "remove what was built, caches included",
}
SCRIPTS = {
    "book": ["build_book.py"],
    "refresh": ["refresh.py", "refresh"],
    "chapter": ["new_chapter.py"],
    "edit": ["refresh.py", "edit"],
    "saved": ["refresh.py", "saved"],
    "lock": ["lock.py"],
    "coverage": ["branch_coverage.py"],
    "pythons": ["pythons.py"],
    "audit": ["audit_book.py"],
}
CODESPELL = ["README.md", "CONTRIBUTING.md", "CHANGES.md", "index.md", "reference", "claims", "theorems", "emlib",
             "embook", "tools", "tests"]
LINT = [
    ["-m", "ruff", "check", "--no-cache", "."],
    ["-m", "mypy"],
    ["-m", "codespell_lib", *CODESPELL],
    ["tools/notebook_rules.py"],
]
TESTS = ["-m", "pytest", "--nbval", "-n", "2", "--dist", "loadscope", "chapters", "tests"]


def environment() -> dict[str, str]:
    """Return the environment with one thread a process, which fixes the order of sums and so the printed digits.

    Byte code is kept even where the surroundings say otherwise: some hundred kernels start, and each would compile its
    libraries anew.
    """
    single = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, **single, "JAX_PLATFORMS": "cpu", "PYDEVD_DISABLE_FILE_VALIDATION": "1"}


def python(*arguments: str) -> int:
    """Run the environment's own interpreter at the root and return its exit status."""
    command = [str(setup_env.VENV_PYTHON), *arguments]
    return subprocess.run(command, cwd=setup_env.ROOT, env=environment(), check=False).returncode


def lint() -> int:
    """Run every check even when one fails, so that one call shows all faults."""
    present = [[part for part in line if part not in CODESPELL or (setup_env.ROOT / part).exists()] for line in LINT]
    return max(python(*line) for line in present)


def run_tests(arguments: list[str]) -> int:
    """Build what the tests read, the runs under noise among it, then run the one pytest call."""
    chromium.ensure()
    python("-m", "embook.machine")
    return python("tools/build_book.py") or python("tools/noisy_chapters.py", "--run") or python(*TESTS, *arguments)


def main(arguments: list[str] | None = None) -> int:
    """Set up if need be, then run the task."""
    listing = "\n".join(f"  {name:<8} {text}" for name, text in TASKS.items())
    parser = argparse.ArgumentParser(
        description="Tasks:\n" + listing, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("task", choices=TASKS, metavar="task")
    chosen, rest = parser.parse_known_args(arguments)
    if chosen.task == "clean":
        return setup_env.clean()
    if chosen.task == "browser":
        return 0 if chromium.ensure() else 1
    setup_env.setup(force=chosen.task == "setup")
    if chosen.task in SCRIPTS:
        script, *first = SCRIPTS[chosen.task]
        return python(f"tools/{script}", *first, *rest)
    if chosen.task == "bench":
        return python("-m", "benchmarks", *rest)
    if chosen.task == "lint":
        return lint()
    return run_tests(rest) if chosen.task == "test" else 0


if __name__ == "__main__":
    sys.exit(main())
