"""CPU seconds until a run is within a millionth of a nat of the optimum: four methods of emlib, and peers, one thread.

All set out from the same start. The yardstick is the optimum that EM reaches from there, polished: the highest end
within `SAME` nats of EM's. A method that ends in another optimum is marked *elsewhere*, one that stops in this one but
lower than the level *short*, one that has spent its budget *budget*, one that ends in none *failed* (a step left the
parameter space, say); none of these has a ratio.

Ours are timed by a callback, which reads the clock after each iteration and itself takes some 25 microseconds: the time
to the first that is high enough, compilation excluded; the look at the curvature at the end is part of the whole run
only. A peer makes as many EM iterations as ours needs (scikit-learn's factor analysis as many as its own log-likelihood
says), its tolerance too small to stop it, and is timed as a whole, unless one iteration says that this takes over a
minute; that its end is as high is checked by our log-likelihood. A problem has a row for each peer.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np

import emlib
from benchmarks.seconds_peers import Fields, Peer, peers_of
from benchmarks.seconds_problems import CASES, drawn
from benchmarks.tables import Scale, Table, Value
from benchmarks.timing import seconds
from emlib.algorithms import EM, LBFGS, SQUAREM, Adaptive
from emlib.algorithms.base import Algorithm
from emlib.evaluation.threads import one_blas_thread
from emlib.problem import Problem
from emlib.result import Result, Status

CLOSE, SAME, ROUNDING = 1e-6, 1e-2, 1e-7  # nats
BUDGET, COMPILING = 5000, 300  # E-steps of a run, and of the one before it in which all is compiled
REPEATED, PATIENCE = 1.0, 60  # seconds that the repeats of a run may take, and a peer's run
METHODS: dict[str, Algorithm | None] = {"default": None, "EM": EM(), "SQUAREM": SQUAREM(), "L-BFGS": LBFGS()}
SCALES = ("small", "quick", "full")  # each with the problems of those before it
STARTS: dict[Scale, int] = {"small": 1, "quick": 1, "full": 3}  # with up to MANY units; with more there is one
MANY = 10_000


@dataclass(frozen=True)
class Timed:
    """A run: how long it took, what it had reached by when, and its end."""

    whole: float
    seen: list[tuple[float, float]]  # seconds and log-likelihood after each iteration
    end: Result

    def count(self, level: float) -> int | None:
        """Return after how many iterations a level was reached, or None."""
        return next((index + 1 for index, (_, height) in enumerate(self.seen) if height >= level), None)


@dataclass(frozen=True)
class Start:
    """A model, raw data, and where all methods set out from."""

    model: Any
    raw: Any
    params: Any

    def fit(self, algorithm: Algorithm | None, **options: Any) -> Result:
        """Run a method from the start."""
        return emlib.fit(self.model, self.raw, start=self.params, algorithm=algorithm,
                         **{"max_estep": BUDGET, **options})  # fmt: skip

    def timed(self, algorithm: Algorithm | None) -> Timed:
        """Run a method, and read the clock after each of its iterations."""
        seen: list[tuple[float, float]] = []
        began = time.process_time()
        end = self.fit(algorithm, callback=lambda found: seen.append((time.process_time() - began, found.loglik)))
        return Timed(time.process_time() - began, seen, end)

    def repeated(self, algorithm: Algorithm | None) -> list[Timed]:
        """Run a method once, and a few times more where that takes little."""
        first = self.timed(algorithm)
        return [first, *(self.timed(algorithm) for _ in range(more(first.whole)))]


def more(spent: float) -> int:
    """Return how often a run is repeated, an even number so that one of them is the median."""
    return 2 * min(2, int(0.5 * REPEATED / max(spent, 1e-3)))


def repeated_seconds(work: Callable[[], object]) -> float:
    """Return the CPU seconds of a piece of work, the median of a few where it takes little."""
    first = seconds(work)
    return median([first, *(seconds(work) for _ in range(more(first)))])


def optimum(start: Start, runs: dict[str, list[Timed]]) -> float:
    """Return the height of EM's optimum: where EM itself spent its budget, of the one that its last point leads to."""
    em = runs["EM"][0].end
    polished = emlib.fit(em.model, start.raw, start=em.params, algorithm=Adaptive(), tol=1e-10)
    base = em.loglik if em.success else polished.loglik
    ends = [base, polished.loglik, *(run[0].end.loglik for run in runs.values())]
    return max(end for end in ends if end < base + SAME)


def reached(runs: list[Timed], height: float) -> float | str:
    """Return the seconds until a method was close to the optimum, or how it failed."""
    end, steps = runs[0].end, runs[0].count(height - CLOSE)
    here = abs(end.loglik - height) <= SAME
    if here and steps is not None:
        return median(run.seen[steps - 1][0] for run in runs)
    if not end.success:
        return "budget" if end.status is Status.MAX_ESTEP else "failed"
    return "short" if here else "elsewhere"


def measured(start: Start, compiled: bool) -> tuple[dict[str, list[Timed]], float]:
    """Return every method's runs, compiled before if so told, and the height of the optimum."""
    if compiled:
        for algorithm in METHODS.values():
            start.fit(algorithm, max_estep=COMPILING)
    runs = {name: start.repeated(algorithm) for name, algorithm in METHODS.items()}
    return runs, optimum(start, runs)


def beside(peer: Peer, start: Start, held: Any, steps: int | None, level: float) -> float | str:
    """Return the seconds in which a peer reaches a level, or how it failed; `held` is the model as it was fitted."""
    given = (start.model, start.raw, start.params)
    steps = peer.count(*given, CLOSE) if peer.count else steps
    if steps is None:
        return "short"
    peer.run(*given, 1)
    if steps * seconds(lambda: peer.run(*given, 1)) > PATIENCE:
        return f"over {PATIENCE} s"
    found: list[Fields] = []
    spent = repeated_seconds(lambda: found.append(peer.run(*given, steps)))
    problem = Problem(held, start.raw, "standard")
    height = problem.loglik(held.space.pack(held.params(**found[-1]), "standard"))
    return spent if height >= level - ROUNDING else "short"


def rows_of(place: int, start: Start, runs: dict[str, list[Timed]], height: float) -> list[list[Value]]:
    """Return the rows of a problem, one for each peer: milliseconds of our methods, in all the same, and its own."""
    found = {name: reached(each, height) for name, each in runs.items()}
    held, steps, ours = runs["EM"][0].end.model, runs["EM"][0].count(height - CLOSE), found["default"]
    whole = repeated_seconds(lambda: start.fit(None))
    left = [CASES[place].name, CASES[place].n, held.space.size("free"), *map(shown, found.values()), 1e3 * whole]
    rows: list[list[Value]] = []
    for peer in peers_of(start.model):
        there = beside(peer, start, held, steps, height - CLOSE)
        ratios = [there / one if isinstance(there, float) and isinstance(one, float) else None
                  for one in (ours, found["EM"])]
        rows.append([*left, peer.name, shown(there), *ratios])
    return rows or [[*left, None, None, None, None]]


def every(place: int, seed: int, runs: dict[str, list[Timed]], height: float) -> list[Value]:
    """Return the seconds of our methods from one start, None where one failed, and how many ended elsewhere."""
    found = [reached(each, height) for each in runs.values()]
    return [CASES[place].name, CASES[place].n, seed, *(cost if isinstance(cost, float) else None for cost in found),
            found.count("elsewhere")]  # fmt: skip


def shown(found: float | str | None) -> Value:
    """Return milliseconds, or the word for a failure."""
    return 1e3 * found if isinstance(found, float) else found


def tables(scale: Scale) -> list[Table]:
    """Return the table of the first start, and the seconds of our methods from all starts."""
    rows: list[list[Value]] = []
    rest: list[list[Value]] = []
    with one_blas_thread():
        for place in [p for p, case in enumerate(CASES) if SCALES.index(case.scale) <= SCALES.index(scale)]:
            model, raw = drawn(place)
            for seed in range(STARTS[scale] if CASES[place].n <= MANY else 1):
                start = Start(model, raw, model.start(model.as_data(raw), np.random.default_rng([place, seed])))
                found = measured(start, compiled=seed == 0)
                rest.append(every(place, seed, *found))
                if seed == 0:
                    rows += rows_of(place, start, *found)
    columns = ["problem", "n", "parameters", *(f"{name}, ms" for name in METHODS), "whole run of the default, ms",
               "peer", "peer, ms", "peer / default", "peer / EM"]  # fmt: skip
    return [Table("seconds", "CPU time from one start to within 1e-6 nats of the optimum", columns, rows),
            Table("seconds-runs", "Seconds to within 1e-6 nats of the optimum, from each start",
                  ["problem", "n", "start", *METHODS, "elsewhere"], rest)]  # fmt: skip
