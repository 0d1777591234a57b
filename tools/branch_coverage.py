"""Run the tests under coverage and refuse less than LEAST per cent of the statements, or of the branches, of emlib.

Numba's machine code cannot be traced: the tests of the kernels run a second time with the compiler switched off, on
the same lines as plain Python, as far as that is quick. Left out are the tests that read the built pages, which say
nothing of emlib.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
KEPT = ROOT / "_build" / "coverage"
LEAST = 95.0
PAGES = ("browser_book", "browser_explorables", "browser_rules", "html")
TESTS = ["-n", "2", "--dist", "loadscope", "tests", *(f"--ignore=tests/book/test_{name}.py" for name in PAGES)]
SHORT = "both_ways_agree or impossible or small_as or lost or weight_zero"  # the others take minutes without Numba
KERNELS = [["-k", SHORT, "tests/unit/test_kernels.py", "tests/unit/test_kernels_hmm.py"],
           ["tests/unit/test_batch_faults.py", "tests/unit/test_batch_steps.py", "tests/unit/test_kernels_kalman.py",
            "tests/unit/test_kernels_scores.py"]]


def coverage(*arguments: str | Path, **variables: str) -> int:
    """Run coverage.py at the root and return its exit status."""
    command = [sys.executable, "-m", "coverage", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, env={**os.environ, **variables}, check=False).returncode


def shares(totals: dict[str, float]) -> dict[str, float]:
    """Return the per cent of statements and of branches that were run, from the totals of coverage's JSON report."""
    statements, branches = (100.0 * totals[f"covered_{kind}"] / totals[f"num_{whole}"]
                            for kind, whole in (("lines", "statements"), ("branches", "branches")))
    return {"statements": statements, "branches": branches}


def verdict(totals: dict[str, float]) -> int:
    """Print both shares; the exit status says whether one is too small."""
    found = shares(totals)
    for name, share in found.items():
        print(f"coverage: {share:.1f} % of the {name} of emlib, at least {LEAST:.0f} % are needed")
    return int(min(found.values()) < LEAST)


def main(arguments: list[str]) -> int:
    """Measure, report the lines that were missed, and judge; further arguments go to the first pytest call."""
    shutil.rmtree(KEPT, ignore_errors=True)
    KEPT.mkdir(parents=True)
    failed = coverage("run", "-m", "pytest", "-q", *TESTS, *arguments)
    for chosen in KERNELS:
        failed = coverage("run", "-m", "pytest", "-q", "-m", "not compiled", *chosen, NUMBA_DISABLE_JIT="1") or failed
    report = KEPT / "report.json"
    failed = coverage("combine", "-q") or coverage("report") or coverage("json", "-q", "-o", report) or failed
    return failed or verdict(json.loads(report.read_text(encoding="utf-8"))["totals"])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
