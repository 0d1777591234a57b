"""What the last bits of a number depend on: the processor's features, the BLAS, the versions of the libraries.

``python -m embook.machine`` prints it.
"""

from __future__ import annotations

import importlib
from importlib import metadata

import threadpoolctl

__all__ = ["blas", "features", "line"]

PACKAGES = ("numpy", "scipy", "numba", "matplotlib")


def features() -> list[str]:
    """Return the groups of instructions beyond its baseline that NumPy uses on this processor."""
    inner = importlib.import_module("numpy._core._multiarray_umath")  # NumPy prints them, but returns them nowhere else
    return [name for name in inner.__cpu_dispatch__ if inner.__cpu_features__[name]]


def blas() -> list[str]:
    """Return the BLAS of NumPy and that of SciPy, each with its version and the kernels that it has chosen."""
    importlib.import_module("scipy.linalg")  # loads its own
    found = [pool for pool in threadpoolctl.threadpool_info() if pool["user_api"] == "blas"]
    names = (f"{pool['internal_api']} {pool['version']} {pool.get('architecture', '')}" for pool in found)
    return sorted({name.strip() for name in names})


def line() -> str:
    """Return all of it in one line."""
    versions = ", ".join(f"{name} {version}" for name in PACKAGES if (version := _version(name)))
    return f"{' '.join(features()) or 'baseline instructions'}; {', '.join(blas())}; {versions}"


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


if __name__ == "__main__":
    print(f"machine: {line()}")
