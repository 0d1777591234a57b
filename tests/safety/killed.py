"""Fits that are killed with SIGKILL at random moments and go on; prints what became of each. Run by a test."""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

import emlib
from emlib.algorithms import EM, LBFGS, IncrementalEM, Switch, after
from emlib.fitting import checkpoint, npz_file
from emlib.models import GaussianMixture, PoissonMixture
from emlib.result import COLUMNS, Result

KILLS = 5
PAUSE = 0.01  # seconds an E-step takes longer, so that there is a middle to be killed in
ROWS = np.random.default_rng(2).standard_normal((60, 2)) + np.repeat([[0.0, 0.0], [2.5, 1.0]], 30, axis=0)
DEATHS = [162, 267, 271, 185, 111, 61, 27, 8, 3, 1]
FITS: dict[str, tuple[Any, Any, dict[str, Any]]] = {
    "poisson": (PoissonMixture(2), range(10), {"sample_weight": DEATHS, "algorithm": EM(), "max_estep": 150}),
    "gaussian": (GaussianMixture(2, 2), ROWS,
                 {"algorithm": Switch(EM(), LBFGS(metric="identity"), after(5)), "tol": 1e-12}),
    "incremental": (GaussianMixture(2, 2, "diag"), ROWS, {"algorithm": IncrementalEM(30), "tol": 1e-12}),
}


def slowly(function: Callable[..., Any], *arguments: Iterable[Any]) -> Iterator[Any]:
    time.sleep(PAUSE)
    return map(function, *arguments)


def fit(name: str, **options: Any) -> Result:
    model, data, settings = FITS[name]
    return emlib.fit(model, data, rng=1, **settings, **options)


def bits(result: Result) -> list[str]:
    """Everything that a result says, so that one other bit shows."""
    numbers = [result.x, result.jac, np.array([result.loglik, result.remaining])]
    columns = [repr(result.trace.columns[name]) for name in COLUMNS]
    return [*[a.tobytes().hex() for a in numbers], *columns, result.message, str(result.n_estep), str(result.n_mstep)]


def killed(name: str, path: Path, moments: random.Random) -> bool:
    """Run the fit in a process of its own, kill it, and return whether it was still at work."""
    child = os.fork()
    if child == 0:
        fit(name, checkpoint=path, map=slowly)
        os._exit(0)
    for _ in range(moments.randint(2, 3)):  # the first write of a run that goes on repeats what is there
        _await_another(path)
    time.sleep(moments.uniform(0.0, PAUSE))
    os.kill(child, signal.SIGKILL)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


def _await_another(path: Path) -> None:
    """Wait until the file is replaced."""
    def seen() -> int | None:
        return path.stat().st_ino if path.exists() else None

    before = seen()
    while seen() == before:
        time.sleep(PAUSE / 10)


def story(name: str, folder: Path, moments: random.Random) -> dict[str, Any]:
    """Kill the fit several times, let it end, and compare with the fit that nobody disturbed."""
    path = folder / f"{name}.emlib"
    cut_off, rows = 0, []
    for _ in range(KILLS):
        cut_off += killed(name, path, moments)
        rows.append(npz_file.read(path)[0]["plain"]["n_rows"] if path.exists() else 0)
    last = fit(name, checkpoint=path)
    return {"name": name, "killed": cut_off, "rows": rows, "nit": last.nit, "same": bits(last) == bits(fit(name))}


if __name__ == "__main__":
    checkpoint.WRITE_INTERVAL = 0.0
    source = random.Random(int(sys.argv[2]))
    for each in FITS:
        print(json.dumps(story(each, Path(sys.argv[1]), source)))
