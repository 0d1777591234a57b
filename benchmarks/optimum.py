"""CPU seconds of whole fits: the default beside EM, SQUAREM, L-BFGS and `Adaptive`, each by its own stopping rule.

All start at the same points, as a user's fits do, on one thread; the look at the curvature at the end is part of the
time. The compiler's is not: each fit is made twice on a small budget before. A ratio compares a run with the quickest
one that ends no lower than EM from the same start by more than `SAME` nats; a run out of budget counts with its time.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np

import emlib
from benchmarks.optimum_problems import REPORTED, TUNED, drawn
from benchmarks.tables import Scale, Table, Value
from emlib.algorithms import EM, LBFGS, SQUAREM, Adaptive
from emlib.algorithms.base import Algorithm
from emlib.evaluation.threads import one_blas_thread
from emlib.result import Result

SAME, BUDGET, LARGEST_ADAPTIVE = 1e-4, 5000, 500
RIVALS: dict[str, Algorithm | None] = {"default": None, "EM": EM(), "SQUAREM": SQUAREM(), "L-BFGS": LBFGS(),
                                       "Adaptive": Adaptive()}  # fmt: skip
STARTS: dict[Scale, int] = {"small": 1, "quick": 1, "full": 5}
PLACES: dict[Scale, slice] = {"small": slice(2, 4), "quick": slice(0, None, 4), "full": slice(None)}


def timed(model: Any, data: Any, start: Any, algorithm: Algorithm | None) -> tuple[float, Result]:
    """Return the CPU seconds of a fit, and the fit."""
    began = time.process_time()
    found = emlib.fit(model, data, start=start, algorithm=algorithm, max_estep=BUDGET)
    return time.process_time() - began, found


def measured(place: int, n_starts: int, tuning: bool = False) -> list[dict[str, tuple[float, Result]]]:
    """Return time and end of every rival from every start of a problem."""
    model, raw = drawn(place, tuning)
    data = model.as_data(raw)
    rivals = {name: rival for name, rival in RIVALS.items()
              if name != "Adaptive" or model.space.size("free") <= LARGEST_ADAPTIVE}
    runs = []
    for seed in range(n_starts):
        start = model.start(data, np.random.default_rng([place, seed]))
        if seed == 0:
            for rival in rivals.values():
                emlib.fit(model, data, start=start, algorithm=rival, max_estep=30)
        runs.append({name: timed(model, data, start, rival) for name, rival in rivals.items()})
    return runs


def row(name: str, runs: list[dict[str, tuple[float, Result]]]) -> list[Value]:
    """Return medians over the starts, and the median ratio of the default to the quickest that does as well as EM."""
    ratios, milliseconds, steps = [], [], []
    for run in runs:
        good = [cost for cost, end in run.values() if end.loglik > run["EM"][1].loglik - SAME]
        ratios.append(run["default"][0] / min(good))
        milliseconds.append([1e3 * run[rival][0] if rival in run else np.nan for rival in RIVALS])
        steps.append([run[rival][1].n_estep if rival in run else np.nan for rival in RIVALS])
    as_high = np.mean([run["default"][1].loglik > run["EM"][1].loglik - SAME for run in runs])
    times = [None if np.isnan(value) else float(value) for value in np.median(milliseconds, axis=0)]
    needed = [None if np.isnan(value) else int(value) for value in np.median(steps, axis=0)]
    ends = " ".join(f"{run['default'][1].status.name[:4]}/{run['EM'][1].status.name[:4]}" for run in runs)
    return [name, *times, *needed, float(np.median(ratios)), float(max(ratios)), f"{as_high:.2f}", ends]


def tables(scale: Scale, tuning: bool = False) -> list[Table]:
    """Return the table of fits."""
    names = [name for name, _ in (TUNED if tuning else REPORTED)]
    with one_blas_thread():
        rows = [row(names[place], measured(place, STARTS[scale], tuning))
                for place in range(len(names))[PLACES[scale]]]  # fmt: skip
    ratios = np.array([line[-4] for line in rows], dtype=float)
    columns = ["problem", *(f"{rival}, ms" for rival in RIVALS), *(f"{rival}, E-steps" for rival in RIVALS),
               "default / quickest", "worst start", "as high", "ends"]  # fmt: skip
    title = (f"CPU milliseconds of whole fits, medians of {STARTS[scale]} starts; default / quickest: geometric mean "
             f"{np.exp(np.log(ratios).mean()):.2f}, largest {ratios.max():.2f}")  # fmt: skip
    return [Table("optimum", title, columns, rows)]
