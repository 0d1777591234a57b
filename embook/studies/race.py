"""The race: seventeen problems, seventeen methods, common starts, counted in E-steps and in Hessians."""

from __future__ import annotations

from typing import Any

from embook import study
from embook.studies import race_field, race_methods, race_tuning, race_watch
from embook.studies.race_field import SEED

__all__ = ["BUDGET", "HEIGHTS", "N_STARTS", "SEED", "cell", "keys"]

N_STARTS = 30
BUDGET = 5000
HEIGHTS = ("short",)


def keys() -> list[dict[str, Any]]:
    """Return one cell for each problem, method and start, with what was tuned (0 where nothing is)."""
    goals = {row["problem"]: row["goal"] for row in study.load("race_goals").rows()}
    tuned = race_tuning.settings(study.load("race_tuning"))
    chosen = {(name, method): tuned.get((name, method), (0.0, 0.0))
              for name in race_field.PROBLEMS for method in race_methods.METHODS}
    return [{"problem": name, "method": method, "start": index, "step": step, "share": share, "goal": goals[name]}
            for index in range(N_STARTS) for (name, method), (step, share) in chosen.items()]


def cell(problem: str, method: str, start: int, step: float, share: float, goal: float) -> dict[str, Any]:
    """Return the E-steps at which the run came within 0.1, 0.001 and 1e-6 nats of the goal, how it ended, and where.

    The counts are -1 where the run never did; `n_louis` are the Hessians in closed form among the E-steps charged;
    `short` is what its best point lacks, nats.
    """
    model, data = race_field.problem(problem)
    algorithm = race_methods.METHODS[method](step, share, data.n_observations)
    watched, end = race_watch.watch(model, data, algorithm, race_field.start(problem, start), goal, BUDGET,
                                    race_field.rest(problem))
    names = ("to_tenth", "to_thousandth", "to_millionth")
    counts = dict(zip(names, watched.reached, strict=True))
    return {**counts, "n_estep": watched.n_estep, "n_louis": watched.n_louis, "end": end,
            "short": round(max(goal - watched.best, 0.0), 6)}
