"""What the race of chapter 8 pays in CPU seconds: an E-step, a Hessian, and each method's E-step in a run of its own.

The E-step is one of EM, M-step and change of coordinates included; the Hessian is that of Newton's method, at a point
where the E-step is known. A method's price is that of a run from the race's own starts, with its tuned
settings and all its linear algebra, over the E-steps that the run is charged. All on one thread, compilation excluded.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial
from statistics import median

import numpy as np

import emlib
from benchmarks.tables import Scale, Table, Value
from benchmarks.timing import seconds
from embook import study
from embook.studies import race_field, race_methods, race_tuning, race_watch
from emlib.evaluation.threads import one_blas_thread
from emlib.numerics import Array

POINTS = 60  # at which an E-step is timed
BUDGET = 400  # E-steps of a run: the price of one does not change after that
PLACES: dict[Scale, slice] = {"small": slice(0, 1), "quick": slice(0, None, 6), "full": slice(None)}
STARTS: dict[Scale, int] = {"small": 1, "quick": 1, "full": 3}
REPEATS: dict[Scale, int] = {"small": 1, "quick": 1, "full": 5}


def passes(name: str, repeats: int) -> list[Value]:
    """Return parameters, observations, ms of an E-step with its M-step, of a Hessian, its charge and their ratio."""
    model, data = race_field.problem(name)
    problem, rng = emlib.Problem(model, data), np.random.default_rng(0)
    start = model.space.pack(race_field.start(name, 0))
    near = start + 0.01 * rng.standard_normal((repeats + 1, POINTS, len(start)))  # what is known is not computed again
    steps, hessians, charge = [], [], 0
    for points in near:  # the first to warm up
        as_em_has_them = [model.space.pack(model.space.unpack(x), "standard") for x in points]
        steps.append(1e3 * seconds(partial(_em_steps, emlib.Problem(model, data, "standard"), as_em_has_them)) / POINTS)
        problem.evaluate(points[-1])
        before = problem.n_estep
        hessians.append(1e3 * seconds(partial(problem.hessian, points[-1])))
        charge = problem.n_estep - before
    em, hessian = median(steps[1:]), median(hessians[1:])
    return [name, problem.size, int(data.n_observations), em, hessian, charge, hessian / em]


def _em_steps(problem: emlib.Problem, points: Sequence[Array]) -> None:
    for x in points:
        problem.em_map(x)


def price(name: str, method: str, goal: float, setting: tuple[float, float], starts: int) -> list[Value]:
    """Return the ms that a method takes for each E-step charged, the median over starts."""
    model, data = race_field.problem(name)
    costs = []
    for index in (0, *range(starts)):  # the first once more: it warms up
        algorithm = race_methods.METHODS[method](*setting, data.n_observations)
        began = time.process_time()
        run, _ = race_watch.watch(model, data, algorithm, race_field.start(name, index), goal, BUDGET)
        costs.append(1e3 * (time.process_time() - began) / run.n_estep)
    return [name, method, median(costs[1:])]


def tables(scale: Scale) -> list[Table]:
    """Return the prices of E-steps and Hessians, and those of the methods."""
    names = list(race_field.PROBLEMS)[PLACES[scale]]
    goals = {row["problem"]: row["goal"] for row in study.load("race_goals").rows()}
    tuned = race_tuning.settings(study.load("race_tuning"))
    with one_blas_thread():
        single = [passes(name, REPEATS[scale]) for name in names]
        methods = [price(name, method, goals[name], tuned.get((name, method), (0.0, 0.0)), STARTS[scale])
                   for name in names for method in race_methods.METHODS]
    heads = ["problem", "parameters", "observations", "E-step, ms", "Hessian, ms", "charge", "Hessian / E-step"]
    return [Table("race_passes", "The race: an E-step with its M-step, and a Hessian", heads, single),
            Table("race_prices", f"The race: ms for each E-step charged, medians of {STARTS[scale]} starts",
                  ["problem", "method", "ms an E-step"], methods)]
