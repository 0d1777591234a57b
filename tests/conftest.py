"""Settings that all tests share: one thread, the same Hypothesis examples in every run."""

from __future__ import annotations

import os

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")  # before numpy is imported: the arrays are small
os.environ.setdefault("JAX_PLATFORMS", "cpu")

from hypothesis import settings  # noqa: E402

if place := os.environ.get("EMLIB_INSTALLED_IN"):  # set by tools/pythons.py, which tests what is installed there
    import emlib

    assert emlib.__file__.startswith(place + os.sep), f"{emlib.__file__} is tested, not the emlib installed in {place}"

settings.register_profile("same", derandomize=True, deadline=None, max_examples=60, database=None)
settings.load_profile("same")
