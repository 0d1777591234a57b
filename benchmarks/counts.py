"""E-steps of EM, SQUAREM and Adaptive on mixtures that overlap and on easy ones, from the same starts.

All run with the default `tol`, and with at most `BUDGET` E-steps. A mixture has several optima, so each end is compared
with EM's own end from that start: *as high* counts ends no lower than EM's by more than `SAME` nats. A run that spends
the budget counts with what it spent. The constants of `Adaptive` were chosen on starts 0 to 7; the starts here begin
with 1000.
"""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from typing import Any

import numpy as np

from benchmarks.problems import problems
from benchmarks.runs import run
from benchmarks.tables import Scale, Table, Value
from emlib.algorithms import EM, SQUAREM, Adaptive
from emlib.algorithms.base import Algorithm
from emlib.evaluation.threads import one_blas_thread
from emlib.numerics import Array

SAME, BUDGET, FIRST = 1e-6, 5000, 1000
STARTS = {"small": 2, "quick": 3, "full": 100}
METHODS = ("EM", "SQUAREM", "Adaptive")
WORKERS = 2  # counts do not depend on what else runs


def ends(place: int, seed: int) -> list[tuple[int, float, bool]]:
    """Return for each method the E-steps, the height and whether it converged, from the start of a seed."""
    _, _, model, points = problems()[place]
    data = model.as_data(points)
    chosen: list[Algorithm] = [EM(), SQUAREM(), Adaptive()]
    with one_blas_thread():  # two of these would wait for each other's threads
        runs = [run(model, data, algorithm, seed, BUDGET) for algorithm in chosen]
    return [(one.n_estep, one.loglik, one.success) for one in runs]


def tables(scale: Scale) -> list[Table]:
    """Return the summary of each mixture, and every run's count for the profiles of the book."""
    places = [place for place, (kind, *_) in enumerate(problems()) if scale != "small" or kind == "easy"]
    starts = STARTS[scale]
    with ProcessPoolExecutor(WORKERS) as pool:
        keys = [(place, FIRST + index) for place in places for index in range(starts)]
        found = np.array(list(pool.map(ends, *zip(*keys, strict=True)))).reshape(len(places), starts, len(METHODS), 3)
    rows = [row(*problems()[place][:2], found[index]) for index, place in enumerate(places)]
    columns = ["kind", "mixture", *(f"{name}: {what}" for name in METHODS for what in ("median", "90 %")),
               "EM / Adaptive", "least", "EM / SQUAREM", "converged", "as high"]  # fmt: skip
    return [Table("counts", f"E-steps from {starts} starts", columns, rows), every(places, found)]


def row(kind: str, name: str, found: Array) -> list[Value]:
    """Return the row of one mixture; `found` has shape (starts, methods, 3)."""
    costs, heights, done = np.moveaxis(found, -1, 0)
    middle, high = np.percentile(costs, [50, 90], axis=0)
    ratios, squarem = costs[:, 0] / costs[:, 2], costs[:, 0] / costs[:, 1]
    as_high = " / ".join(f"{100 * share:.0f} %" for share in (heights[:, 1:] > heights[:, :1] - SAME).mean(axis=0))
    converged = " / ".join(str(int(count)) for count in done.sum(axis=0))
    spread = [float(value) for pair in zip(middle, high, strict=True) for value in pair]
    return [kind, name, *spread, float(np.median(ratios)), float(ratios.min()), float(np.median(squarem)), converged,
            as_high]  # fmt: skip


def every(places: list[int], found: Array) -> Table:
    """Return one row a run: its cost if it converged at least as high as EM, else nothing."""
    solved = (found[..., 2] > 0) & (found[..., 1] > found[..., :1, 1] - SAME)
    rows: list[list[Any]] = [
        [problems()[place][0], problems()[place][1], FIRST + start,
         *(int(cost) if good else None for cost, good in zip(found[p, start, :, 0], solved[p, start], strict=True))]
        for p, place in enumerate(places) for start in range(found.shape[1])]  # fmt: skip
    return Table("runs", "E-steps of each run that converged no lower than EM", ["kind", "mixture", "seed", *METHODS],
                 rows)  # fmt: skip
