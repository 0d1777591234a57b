"""The benchmarks run, and their clock tells much work from little."""

from __future__ import annotations

import subprocess
import sys

import numpy as np

from benchmarks.timing import slope
from setup_env import ROOT


def test_the_benchmarks_run() -> None:
    command = [sys.executable, "-m", "benchmarks", "--small"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert "scikit-learn" in done.stdout
    assert "fit's default" in done.stdout


def test_the_slope_grows_with_the_work() -> None:
    def work(size: int) -> float:
        return slope(lambda steps: [np.sin(np.arange(size)).sum() for _ in range(steps)], 2, 12)

    assert work(2_000_000) > 5 * work(20_000)
