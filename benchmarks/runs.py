"""One run from a given start, with the cost of coming close counted beside the cost of stopping."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import emlib
from emlib.algorithms.base import Algorithm
from emlib.problem import Evaluation, Problem


class Recorded(Problem):
    """A problem that writes down every log-likelihood with the E-steps spent so far."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.seen: list[tuple[int, float]] = []

    def evaluate(self, x: Any) -> Evaluation:
        """Evaluate as always, and keep count and value."""
        found = super().evaluate(x)
        self.seen.append((self.n_estep, found.loglik))
        return found


@dataclass(frozen=True)
class Run:
    """What is compared: where a run ended, what it cost, and its best value after each evaluation."""

    loglik: float
    n_estep: int
    success: bool
    seen: Sequence[tuple[int, float]]

    def cost_to(self, level: float) -> float:
        """Return the E-steps until the log-likelihood first reached a level; infinite if it never did."""
        return next((float(cost) for cost, value in self.seen if value >= level), np.inf)


def run(model: Any, data: Any, algorithm: Algorithm, seed: int, max_estep: int) -> Run:
    """Run an algorithm with the default `tol`, from the start that belongs to a seed."""
    problem = Recorded(model, data, algorithm.coordinates)
    start = model.start(problem.data, np.random.default_rng(seed))
    result = emlib.solve(problem, algorithm, model.space.pack(start, problem.coordinates), max_estep=max_estep)
    return Run(result.loglik, result.n_estep, result.success, problem.seen)


def spread(costs: Sequence[float]) -> tuple[float | None, float | None]:
    """Return median and 90th percentile of the finite costs; None where there are none."""
    kept = [cost for cost in costs if np.isfinite(cost)]
    return (float(np.median(kept)), float(np.percentile(kept, 90))) if kept else (None, None)
