"""CPU seconds of whole fits: the default beside EM, SQUAREM, L-BFGS and `Adaptive`, each by its own stopping rule.

All start at the same points, as a user's fits do, on one thread; the look at the curvature at the end is part of the
time, and its share in the default's is shown, as is that of all Hessians. The compiler's is not: each fit is made once
on a small budget before. A ratio compares a run with the quickest one that ends no lower than EM from the same start by
more than `SAME` nats; a run out of budget counts with its time.
"""

from __future__ import annotations

import importlib
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
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
def stopped(*parts: tuple[Any, str]) -> Iterator[list[float]]:
    """Take the CPU seconds of functions, by place and name, as a list to which they are added.

    What one of them spends within another is not added twice.
    """
    spent: list[float] = []
    under_way: list[None] = []

    def watched(honest: Any) -> Any:
        def function(*given: Any) -> Any:
            if under_way:
                return honest(*given)
            under_way.append(None)
            began = time.process_time()
            try:
                return honest(*given)
            finally:
                under_way.pop()
                spent.append(time.process_time() - began)
        return function

    with ExitStack() as stack:
        for place, name in parts:
            stack.enter_context(patch.object(place, name, watched(getattr(place, name))))
        yield spent


def shares(model: Any, data: Any, start: Any) -> tuple[float, float]:
    """Return which share of the default's time looks at the curvature take, and which these and Hessians of steps."""
    found = []
    for parts in ([(LOOP, "curvature")], [(LOOP, "curvature"), (Problem, "hessian")]):
        with stopped(*parts) as spent:
            cost, _ = timed(model, data, start, None)
        found.append(100 * sum(spent) / cost)
    return found[0], found[1]


def timed(model: Any, data: Any, start: Any, algorithm: Algorithm | None) -> tuple[float, Result]:
    """Return the CPU seconds of a fit, and the fit."""
    began = time.process_time()
    found = emlib.fit(model, data, start=start, algorithm=algorithm, max_estep=BUDGET)
    return time.process_time() - began, found


def measured(place: int, n_starts: int, tuning: bool = False) -> tuple[int, list[Run], list[tuple[float, float]]]:
    """Return how many parameters a problem has, each rival's runs, and the default's `shares`, start by start.

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
    runs, looks = [], []
    for seed in range(n_starts):
        start = model.start(data, np.random.default_rng([place, seed]))
        if seed == 0:
            for rival in rivals.values():
                emlib.fit(model, data, start=start, algorithm=rival, max_estep=30)
        runs.append({name: timed(model, data, start, rival) for name, rival in rivals.items()})
        looks.append(shares(model, data, start))
    return size, runs, looks


def row(name: str, size: int, runs: list[Run], looks: list[tuple[float, float]]) -> list[Value]:
    """Return medians over the starts, and how the default compares with the quickest that does as well as EM."""
    ratios = []
    for run in runs:
        good = [cost for cost, end in run.values() if end.loglik > run["EM"][1].loglik - SAME]
        ratios.append(run["default"][0] / min(good))
    there = [rival for rival in RIVALS if rival in runs[0]]
    times = {rival: float(np.median([1e3 * run[rival][0] for run in runs])) for rival in there}
    steps = {rival: int(np.median([run[rival][1].n_estep for run in runs])) for rival in there}
    gains = np.array([run["default"][1].loglik - run["EM"][1].loglik for run in runs])
    as_high = [f"{(side * gains > -SAME).sum()} of {len(runs)}" for side in (1, -1)]
    look, hessians = np.median(looks, axis=0)
    return [name, size, *(times.get(rival) for rival in RIVALS), *(steps.get(rival) for rival in RIVALS),
            float(np.median(ratios)), max(ratios), *as_high, float(look), float(hessians)]  # fmt: skip


def tables(scale: Scale, tuning: bool = False) -> list[Table]:
    """Return the table of fits."""
    names = [name for name, _ in (TUNED if tuning else REPORTED)]
    with one_blas_thread():
        rows = [row(names[place], *measured(place, STARTS[scale], tuning))
                for place in range(len(names))[PLACES[scale]]]  # fmt: skip
    columns = ["problem", "parameters", *(f"{rival}, ms" for rival in RIVALS),
               *(f"{rival}, E-steps" for rival in RIVALS), "default / quickest", "worst start", "as high as EM",
               "EM as high", "looks, %", "looks and Hessians, %"]
    return [Table("optimum", f"Whole fits, medians of {STARTS[scale]} starts", columns, rows)]
