"""Run the package's own tests on every Python version, with emlib installed alone.

Two rules say which tests need an optional package and are left out:

- a single test that does is marked `extras`;
- a file that cannot be imported without one is listed in FILES, with the package; a file that can be is an error.

The tests are those of the checkout; `tests/conftest.py` refuses any emlib but the installed one.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import package_env
from package_env import KEPT
from setup_env import ROOT, UV

VERSIONS = ("3.11", "3.12", "3.13")
APART = ("tests/book", "tests/parity")  # need the book's tools, and other packages to compare with
FILES = {
    "tests/unit/test_batch_faults.py": "numba",
    "tests/unit/test_batch_steps.py": "numba",
    "tests/unit/test_dask.py": "dask",
    "tests/unit/test_kernels.py": "numba",
    "tests/unit/test_kernels_bits.py": "numba",
    "tests/unit/test_kernels_hmm.py": "numba",
    "tests/unit/test_kernels_kalman.py": "numba",
    "tests/unit/test_kernels_scores.py": "numba",
    "tests/unit/test_natural_gradient.py": "jax",
}
# the options of pyproject.toml that differ here: those of nbval, and a path that begins with the checkout
OPTIONS = ("-q", "-n", "2", "-m", "not extras", "-p", "no:cacheprovider", "--import-mode=append", "--confcutdir=tests",
           "-o", "addopts=--strict-markers", "-o", "pythonpath=")
PROBE = """
import importlib, json, platform, sys, numpy, scipy
found = {"python": platform.python_version(), "numpy": numpy.__version__, "scipy": scipy.__version__, "lacks": {}}
for name in sys.argv[1:]:
    try:
        importlib.import_module(name)
    except ModuleNotFoundError as error:
        found["lacks"][name] = str(error.name).partition(".")[0]
print(json.dumps(found))
"""


@dataclass(frozen=True)
class Outcome:
    """Result for one version: the line to print, and whether all tests passed."""

    line: str
    good: bool


def module(file: str) -> str:
    """Return the dotted name of a file of tests."""
    return file.removesuffix(".py").replace("/", ".")


def wrongly_listed(lacks: dict[str, str]) -> list[str]:
    """Return the files of FILES that do not lack the package they are listed with; `lacks` has those that lack one."""
    return [file for file, package in FILES.items() if lacks.get(module(file)) != package]


def counts(report: Path) -> tuple[int, int, int]:
    """Return how many tests passed, failed (errors included) and were skipped, from pytest's JUnit report."""
    suites = list(ElementTree.parse(report).getroot().iter("testsuite"))
    total, failures, errors, skipped = (sum(int(suite.get(name, 0)) for suite in suites)
                                        for name in ("tests", "failures", "errors", "skipped"))
    return total - failures - errors - skipped, failures + errors, skipped


def run_tests(version: str, python: Path) -> Outcome:
    """Run the tests in the environment of a version."""
    variables, report, begun = package_env.variables(version), KEPT / f"{version}.xml", time.monotonic()
    probe: list[str | Path] = [python, "-c", PROBE, *map(module, FILES)]
    found = json.loads(subprocess.run(probe, cwd=ROOT, env=variables, stdout=subprocess.PIPE, check=True).stdout)
    if wrong := wrongly_listed(found["lacks"]):
        return Outcome(f"{version}: FILES in tools/pythons.py is wrong about {', '.join(wrong)}", False)
    report.unlink(missing_ok=True)
    left_out = [f"--ignore={name}" for name in (*APART, *FILES)]
    command: list[str | Path] = [python, "-m", "pytest", *OPTIONS, f"--junitxml={report}", *left_out, "tests"]
    status = subprocess.run(command, cwd=ROOT, env=variables, check=False).returncode
    passed, failed, skipped = counts(report) if report.exists() else (0, 0, 0)
    line = (f"{found['python']}, numpy {found['numpy']}, scipy {found['scipy']}: {passed} passed, {failed} failed, "
            f"{skipped} skipped, {time.monotonic() - begun:.0f} s")
    return Outcome(line, status == 0 and passed > 0 and skipped == 0)


def check(version: str, source: Path) -> Outcome:
    """Find a Python of this version, install emlib and run the tests."""
    base = package_env.interpreter(version)
    if base is None:
        advice = f'`{UV.relative_to(ROOT)} python install {version}`, or choose other versions: ARGS="{VERSIONS[0]}"'
        return Outcome(f"{version}: not found; install it by {advice}", False)
    print(f"pythons: {version} from {base}", flush=True)
    try:
        return run_tests(version, package_env.install(version, base, source))
    except (subprocess.CalledProcessError, OSError) as error:
        advice = f"is the network there? Else remove {(KEPT / version).relative_to(ROOT)} and try again"
        return Outcome(f"{version}: not set up ({error}); {advice}", False)


def main(arguments: list[str]) -> int:
    """Check each version in turn, then print a line for each."""
    parser = argparse.ArgumentParser(prog="pythons", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("versions", nargs="*", default=list(VERSIONS), metavar="version")
    versions, source = parser.parse_args(arguments).versions, package_env.copy_source()
    outcomes = [check(version, source) for version in versions]
    print("\n".join(f"pythons: {outcome.line}" for outcome in outcomes), flush=True)
    return int(not all(outcome.good for outcome in outcomes))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
