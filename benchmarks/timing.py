"""How the benchmarks measure time and memory."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from statistics import median

Clock = Callable[[], float]


def seconds(work: Callable[[], object], clock: Clock = time.process_time) -> float:
    """Return the time of one call, of the processor if not told otherwise."""
    start = clock()
    work()
    return clock() - start


def slope(work: Callable[[int], object], few: int, many: int, repeats: int = 3,
          clock: Clock = time.process_time) -> float:
    """Return the seconds of one iteration: between few and many, set-up and the last E-step drop out."""
    work(few)
    costs = [seconds(lambda: work(many), clock) - seconds(lambda: work(few), clock) for _ in range(repeats)]
    return median(costs) / (many - few)


def peak_memory(before: str, work: str) -> float:
    """Return by how many MiB a piece of code lifts the highest resident size of a fresh process."""
    measure = "resource.getrusage(resource.RUSAGE_SELF).ru_maxrss"
    code = f"import resource\n{before}\nlow = {measure}\n{work}\nprint(({measure} - low) / 1024)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return float(done.stdout.split()[-1])
