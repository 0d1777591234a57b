"""What the numbers were measured on, and with what."""

from __future__ import annotations

import datetime
import os
import platform
from importlib import metadata
from pathlib import Path
from typing import Any

import threadpoolctl

BLAS_SETTINGS = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")  # which would choose kernels that are not the machine's best
PACKAGES = ("numpy", "scipy", "numba", "scikit-learn", "hmmlearn", "pykalman", "statsmodels", "dynamax", "jax")


def described() -> dict[str, Any]:
    """Return date, machine, BLAS and versions; a peer that is not installed is left out."""
    return {
        "date": datetime.date.today().isoformat(),
        "processor": processor(),
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "blas": sorted({f"{pool['internal_api']} {pool['version']} ({pool.get('architecture', 'unknown')})"
                        for pool in threadpoolctl.threadpool_info() if pool["user_api"] == "blas"}),
        "blas threads": max((pool["num_threads"] for pool in threadpoolctl.threadpool_info()
                             if pool["user_api"] == "blas"), default=1),
        "blas set by hand": by_hand(),
        "versions": {name: version for name in PACKAGES if (version := installed(name))},
    }  # fmt: skip


def by_hand() -> list[str]:
    """Return which settings of the BLAS the environment makes; of times that are shown, none."""
    return [name for name in BLAS_SETTINGS if name in os.environ]


def installed(name: str) -> str | None:
    """Return the version of a package, or None."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def processor() -> str:
    """Return the processor's name, as the system gives it."""
    listing = Path("/proc/cpuinfo")
    lines = listing.read_text(encoding="utf-8").splitlines() if listing.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or "unknown"
