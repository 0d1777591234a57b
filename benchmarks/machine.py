"""What the numbers were measured on, and with what."""

from __future__ import annotations

import datetime
import os
import platform
from importlib import metadata
from pathlib import Path
from typing import Any

import threadpoolctl

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
        "blas threads": max((pool["num_threads"] for pool in threadpoolctl.threadpool_info()), default=1),
        "versions": {name: version for name in PACKAGES if (version := installed(name))},
    }  # fmt: skip


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
