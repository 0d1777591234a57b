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


# KiB. What `resource` reports on Linux begins with the size of the process that started this one; macOS counts bytes.
PEAK = """
import pathlib, resource
def peak():
    status = pathlib.Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return next(int(line.split()[1]) for line in status.read_text().splitlines() if line.startswith("VmHWM"))
"""


def peak_memory(before: str, work: str) -> float:
    """Return by how many MiB a piece of code lifts the highest resident size of a fresh process."""
    code = f"{PEAK}\n{before}\nlow = peak()\n{work}\nprint((peak() - low) / 1024)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return float(done.stdout.split()[-1])
