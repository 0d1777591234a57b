"""The race: thirteen problems, seventeen methods, common starts, counted in E-steps."""

from __future__ import annotations

from typing import Any

from embook import study
from embook.studies import race_field, race_tuning, race_watch
from embook.studies.race_field import SEED

__all__ = ["BUDGET", "HEIGHTS", "N_STARTS", "SEED", "cell", "keys"]

N_STARTS = 50
BUDGET = 120
HEIGHTS = ("short",)


def keys() -> list[dict[str, Any]]:
    """Return one cell for each problem, method and start, with the tuned step length (0 where there is none)."""
    goals = {row["problem"]: row["goal"] for row in study.load("race_goals").rows()}
    steps = race_tuning.steps(study.load("race_tuning"))
    return [{"problem": name, "method": method, "start": index, "step": steps.get((name, method), 0.0),
             "goal": goals[name]}
            for index in range(N_STARTS) for name in race_field.PROBLEMS for method in race_field.METHODS]


def cell(problem: str, method: str, start: int, step: float, goal: float) -> dict[str, Any]:
    """Return the E-steps at which the run came within 0.1, 0.001 and 1e-6 nats of the goal, how it ended, and where.

    The counts are -1 where the run never did; `short` is what its best point lacks, nats.
    """
    model, data = race_field.problem(problem)
    algorithm = race_field.METHODS[method](step, data.n_observations)
    watched, end = race_watch.watch(model, data, algorithm, race_field.start(problem, start), goal, BUDGET)
    names = ("to_tenth", "to_thousandth", "to_millionth")
    counts = dict(zip(names, watched.reached, strict=True))
    return {**counts, "n_estep": watched.n_estep, "end": end, "short": round(max(goal - watched.best, 0.0), 6)}
