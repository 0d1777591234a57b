"""CPU seconds of whole fits: the default beside EM, SQUAREM, L-BFGS and `Adaptive`, each by its own stopping rule.

All start at the same points, as a user's fits do, on one thread; the look at the curvature at the end is part of the
time, and the share of Hessians in the default is shown. The compiler's is not: each fit is made once on a small budget
before. A ratio compares a run with the quickest one that ends no lower than EM from the same start by more than `SAME`
nats; a run out of budget counts with its time.
"""

from __future__ import annotations

import importlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import numpy as np

import emlib
from benchmarks.optimum_problems import REPORTED, TUNED, drawn
from benchmarks.tables import Scale, Table, Value
from emlib.algorithms import EM, LBFGS, SQUAREM, Adaptive
from emlib.algorithms.base import Algorithm
from emlib.evaluation.threads import one_blas_thread
from emlib.fitting.default import default_algorithm
from emlib.problem import Problem
from emlib.result import Result

SAME, BUDGET, LARGEST_MATRIX = 1e-4, 5000, 500
RIVALS: dict[str, Algorithm | None] = {"default": None, "EM": EM(), "SQUAREM": SQUAREM(), "L-BFGS": LBFGS(),
                                       "Adaptive": Adaptive()}  # fmt: skip
STARTS: dict[Scale, int] = {"small": 1, "quick": 1, "full": 3}
PLACES: dict[Scale, slice] = {"small": slice(2, 4), "quick": slice(0, None, 4), "full": slice(None)}
LOOP = importlib.import_module("emlib.fitting.run")  # where runs end, with a look at the curvature
Run = dict[str, tuple[float, Result]]  # CPU seconds and the end of each rival


@contextmanager
def stopped_looks() -> Iterator[list[float]]:
    """Take the CPU seconds of Hessians and of looks at the curvature, as a list to which they are added."""
    spent: list[float] = []
    under_way: list[None] = []

    def stopped(honest: Any) -> Any:
        def look(*given: Any) -> Any:
            if under_way:
                return honest(*given)
            under_way.append(None)
            began = time.process_time()
            try:
                return honest(*given)
            finally:
                under_way.pop()
                spent.append(time.process_time() - began)
        return look

    with patch.object(LOOP, "curvature", stopped(LOOP.curvature)), patch.object(
            Problem, "hessian", stopped(Problem.hessian)):
        yield spent


def timed(model: Any, data: Any, start: Any, algorithm: Algorithm | None) -> tuple[float, Result]:
    """Return the CPU seconds of a fit, and the fit."""
    began = time.process_time()
    found = emlib.fit(model, data, start=start, algorithm=algorithm, max_estep=BUDGET)
    return time.process_time() - began, found


def measured(place: int, n_starts: int, tuning: bool = False) -> tuple[int, list[Run], list[float]]:
    """Return how many parameters a problem has, each rival's runs, and the default's share of Hessians, start by start.

    `Adaptive` runs where it is not the default. Beyond 500 parameters no method has a matrix over them: L-BFGS measures
    steps in the identity.
    """
    model, raw = drawn(place, tuning)
    data, size = model.as_data(raw), model.space.size("free")
    rivals = dict(RIVALS)
    if default_algorithm(model) == Adaptive() or size > LARGEST_MATRIX:
        del rivals["Adaptive"]
    if size > LARGEST_MATRIX:
        rivals["L-BFGS"] = LBFGS(metric="identity")
    runs, shares = [], []
    for seed in range(n_starts):
        start = model.start(data, np.random.default_rng([place, seed]))
        if seed == 0:
            for rival in rivals.values():
                emlib.fit(model, data, start=start, algorithm=rival, max_estep=30)
        with stopped_looks() as spent:
            run = {"default": timed(model, data, start, rivals["default"])}
        shares.append(100 * sum(spent) / run["default"][0])
        run |= {name: timed(model, data, start, rival) for name, rival in rivals.items() if name not in run}
        runs.append(run)
    return size, runs, shares


def row(name: str, size: int, runs: list[Run], shares: list[float]) -> list[Value]:
    """Return medians over the starts, and how the default compares with the quickest that does as well as EM."""
    ratios = []
    for run in runs:
        good = [cost for cost, end in run.values() if end.loglik > run["EM"][1].loglik - SAME]
        ratios.append(run["default"][0] / min(good))
    there = [rival for rival in RIVALS if rival in runs[0]]
    times = {rival: float(np.median([1e3 * run[rival][0] for run in runs])) for rival in there}
    steps = {rival: int(np.median([run[rival][1].n_estep for run in runs])) for rival in there}
    as_high = sum(run["default"][1].loglik > run["EM"][1].loglik - SAME for run in runs)
    return [name, size, *(times.get(rival) for rival in RIVALS), *(steps.get(rival) for rival in RIVALS),
            float(np.median(ratios)), max(ratios), f"{as_high} of {len(runs)}", float(np.median(shares))]  # fmt: skip


def tables(scale: Scale, tuning: bool = False) -> list[Table]:
    """Return the table of fits."""
    names = [name for name, _ in (TUNED if tuning else REPORTED)]
    with one_blas_thread():
        rows = [row(names[place], *measured(place, STARTS[scale], tuning))
                for place in range(len(names))[PLACES[scale]]]  # fmt: skip
    columns = ["problem", "parameters", *(f"{rival}, ms" for rival in RIVALS),
               *(f"{rival}, E-steps" for rival in RIVALS), "default / quickest", "worst start", "as high as EM",
               "Hessians, %"]
    return [Table("optimum", f"Whole fits, medians of {STARTS[scale]} starts", columns, rows)]
