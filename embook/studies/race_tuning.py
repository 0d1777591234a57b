"""The search for step lengths and shares before the race, each pair tried on two starts that the race does not use."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from embook import study
from embook.studies import race_field, race_methods, race_watch
from embook.studies.race_field import SEED

__all__ = ["SEED", "cell", "formula", "keys", "lengths", "settings"]

BUDGET = 600
STARTS = (-1, -2)
#: Per unit: each is the square root of ten times the last.
LENGTHS = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0)
LONGEST = {"Adam": 3.0}  # about how far an entry moves in a step
#: Shares of the last step, or of Adam's running mean, beside the one that the theory of a parabola gives.
SHARES: dict[str, Sequence[float]] = {"gradient, fixed step": (0.0,), "momentum": (0.5, 0.9),
                                      "Nesterov": (0.5, 0.9), "Adam": (0.5, 0.9)}
WITHIN = (0.1, 0.999)  # of the share by the formula


def formula(method: str, condition: float) -> float | None:
    """Return the best share on a parabola of this condition number; None for a method that the theory is silent on."""
    quotient = (condition**0.5 - 1) / (condition**0.5 + 1)
    best = {"momentum": quotient**2, "Nesterov": quotient}.get(method)
    return None if best is None else round(float(np.clip(best, *WITHIN)), 3)


def keys() -> list[dict[str, Any]]:
    """Return one cell for each problem, tuned method, share and step length, with the goal of the problem."""
    goals = study.load("race_goals").rows()
    return [{"problem": row["problem"], "method": method, "share": share, "step": step, "goal": row["goal"]}
            for row in goals for method in race_methods.TUNED for share in shares(method, row["condition"])
            for step in lengths(method)]


def lengths(method: str) -> list[float]:
    """Return the step lengths that are tried."""
    return [step for step in LENGTHS if step <= LONGEST.get(method, np.inf)]


def shares(method: str, condition: float) -> list[float]:
    """Return the shares that are tried."""
    best = formula(method, condition)
    return sorted({*SHARES[method], *([] if best is None else [best])})


def cell(problem: str, method: str, share: float, step: float, goal: float) -> dict[str, Any]:
    """Return the E-steps charged, how many runs came within 1e-6 and 0.001 nats, and the mean shortfall, nats.

    A run that never comes within 1e-6 nats is charged the budget, since it may have broken off early.
    """
    model, data = race_field.problem(problem)
    algorithm = race_methods.METHODS[method](step, share, data.n_observations)
    charged, nearly, reached, short = 0, 0, 0, 0.0
    for index in STARTS:
        watched, _ = race_watch.watch(model, data, algorithm, race_field.start(problem, index), goal, BUDGET,
                                      race_field.rest(problem))
        came = watched.reached[-1] != race_watch.NEVER
        charged += watched.reached[-1] if came else BUDGET
        reached += came
        nearly += watched.reached[1] != race_watch.NEVER
        short += max(goal - watched.best, 0.0) / len(STARTS)
    return {"n_estep": charged, "n_reached": reached, "n_nearly": nearly, "short": float(f"{short:.3g}")}


def settings(table: study.Study) -> dict[tuple[str, str], tuple[float, float]]:
    """Return the step length and share chosen for each problem and method.

    Most runs at the goal, then fewest E-steps, then the least shortfall.
    """
    chosen = {}
    for problem in race_field.PROBLEMS:
        for method in race_methods.TUNED:
            part = table.where(problem=problem, method=method)
            best = np.lexsort([part["short"], part["n_estep"], -part["n_reached"]])[0]
            chosen[problem, method] = float(part["step"][best]), float(part["share"][best])
    return chosen
