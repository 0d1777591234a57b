"""Accelerations of EM from common starts: thirteen problems, ten methods, counted in E-steps to the end of EM's run.

Each run of EM goes on until it promises less than 1e-9 nats or has made 6000 E-steps. What the others are asked for is
the log-likelihood at which it ended, wherever that is; every E-step is charged, at rejected points, too.
"""

from __future__ import annotations

from typing import Any

import emlib
from embook.studies import race_field, race_watch
from embook.studies.race_field import SEED
from emlib.algorithms import (
    EM,
    LBFGS,
    SQUAREM,
    Adaptive,
    Algorithm,
    Anderson,
    QSecant,
    QuasiNewtonEM,
    StretchedEM,
    Switch,
    after,
)

__all__ = ["HEIGHTS", "METHODS", "N_STARTS", "SEED", "cell", "keys"]

N_STARTS = 12
BUDGET, LONG_BUDGET = 400, 6000  # E-steps of an accelerated run, and of EM and its stretched form
END = 1e-9  # nats that EM still promises at the end of its run
HEIGHTS = ("em_end",)

#: Methods by the name of their column.
METHODS: dict[str, Algorithm] = {
    "em": EM(),
    "stretched": StretchedEM(),
    "s1": SQUAREM("S1"),
    "s2": SQUAREM("S2"),
    "s3": SQUAREM("S3"),
    "anderson": Anderson(),
    "secants": QSecant(2),
    "broyden": QuasiNewtonEM(),
    "lbfgs": Switch(EM(), LBFGS(), after(5)),
    "adaptive": Adaptive(),
}


def keys() -> list[dict[str, Any]]:
    """Return one cell for each start and problem, start by start: a run cut off has seen all problems."""
    return [{"problem": name, "start": index} for index in range(N_STARTS) for name in race_field.SMALL]


def cell(problem: str, start: int) -> dict[str, Any]:
    """Return where EM ends, and the E-steps that each method needs to within 1e-6 nats of it; -1 if it never does."""
    model, data = race_field.problem(problem)
    first = race_field.start(problem, start)
    end = round(emlib.fit(model, data, start=first, algorithm=EM(), tol=END, max_estep=LONG_BUDGET).loglik, 8)
    found: dict[str, Any] = {"em_end": end}
    for name, algorithm in METHODS.items():
        budget = LONG_BUDGET if name in ("em", "stretched") else BUDGET
        found[name] = race_watch.watch(model, data, algorithm, first, end, budget)[0].reached[-1]
    return found
