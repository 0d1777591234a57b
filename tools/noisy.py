"""Run a program with noise in the last place of its arithmetic, by `tools/noise/arithmetic_noise.py`."""

from __future__ import annotations

import os

from setup_env import ROOT

FOLDER = ROOT / "tools" / "noise"


def environment(seed: int) -> dict[str, str]:
    """Return what to add to the environment of a Python process: the noise starts with the interpreter.

    Raises
    ------
    ValueError
        If the seed is below 1: 0 stands for exact arithmetic.
    """
    if seed < 1:
        raise ValueError(f"seed is {seed}: give a whole number from 1 upwards")
    before = [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path and path != str(FOLDER)]
    return {"EMLIB_NOISE": str(seed), "PYTHONPATH": os.pathsep.join([str(FOLDER), *before])}
