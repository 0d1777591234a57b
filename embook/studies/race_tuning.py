"""The search for step lengths before the race: each length tried on two starts that the race does not use."""

from __future__ import annotations

from typing import Any

import numpy as np

from embook import study
from embook.studies import race_field, race_watch
from embook.studies.race_field import SEED

__all__ = ["SEED", "cell", "keys", "steps"]

BUDGET = 100
STARTS = (-1, -2)
#: Per unit: each is the square root of ten times the last.
LENGTHS = {"Adam": (0.003, 0.01, 0.03, 0.1, 0.3, 1.0)}
OTHERS = (0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0)


def keys() -> list[dict[str, Any]]:
    """Return one cell for each problem, tuned method and step length, with the goal of the problem."""
    goals = {row["problem"]: row["goal"] for row in study.load("race_goals").rows()}
    return [{"problem": name, "method": method, "step": step, "goal": goals[name]}
            for name in race_field.PROBLEMS for method in race_field.TUNED for step in LENGTHS.get(method, OTHERS)]


def cell(problem: str, method: str, step: float, goal: float) -> dict[str, Any]:
    """Return the E-steps spent, how many runs came within 0.001 nats, and the shortfall at the end, nats a run."""
    model, data = race_field.problem(problem)
    spent, reached, short = 0, 0, 0.0
    for index in STARTS:
        algorithm = race_field.METHODS[method](step, data.n_observations)
        watched, _ = race_watch.watch(model, data, algorithm, race_field.start(problem, index), goal, BUDGET)
        spent += watched.n_estep
        reached += watched.reached[1] != race_watch.NEVER
        short += max(goal - watched.best, 0.0) / len(STARTS)
    return {"n_estep": spent, "n_reached": reached, "short": float(f"{short:.3g}")}


def steps(table: study.Study) -> dict[tuple[str, str], float]:
    """Return the step length chosen for each problem and method: most runs at the goal, then fewest E-steps.

    Where a run never came to the goal its E-steps say nothing, for it may have broken off early: then the least
    shortfall decides.
    """
    chosen = {}
    for problem in race_field.PROBLEMS:
        for method in race_field.TUNED:
            part = table.where(problem=problem, method=method)
            count = np.where(part["n_reached"] == len(STARTS), part["n_estep"], BUDGET * len(STARTS))
            order = np.lexsort([part["short"], count, -part["n_reached"]])
            chosen[problem, method] = float(part["step"][order[0]])
    return chosen
