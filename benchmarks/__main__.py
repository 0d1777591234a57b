"""Print every table: ``python -m benchmarks``, or ``--small`` to see only that they run."""

from __future__ import annotations

import argparse
import os
import platform

from benchmarks import gmm, hasselblad


def main(arguments: list[str] | None = None) -> int:
    """Run as a command."""
    parser = argparse.ArgumentParser(description="emlib against its peers")
    parser.add_argument("--small", action="store_true", help="tiny sizes: shows that it runs, not how fast")
    small = parser.parse_args(arguments).small
    threads = os.environ.get("OMP_NUM_THREADS", "all")
    print(f"{platform.machine()}, {os.cpu_count()} cores, {threads} thread(s) a process; compare only within a run")
    for part in (hasselblad.e_steps, gmm.e_steps, gmm.times):
        print(f"\n{part(small)}", flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
