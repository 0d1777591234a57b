"""Paths of gradient ascent with a fixed step: the gap after each of sixty E-steps, for steps short and too long."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from embook.studies import race_field
from embook.studies.race_field import SEED
from emlib.algorithms import EM, LBFGS, Switch, after
from emlib.fit import fit
from emlib.numerics import Array
from emlib.problem import Evaluation, Problem

__all__ = ["N_ESTEP", "PROBLEM", "SEED", "SHARES", "ascent", "cell", "em", "keys"]

PROBLEM = "two normals, close"
SHARES = (0.02, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 0.95, 1.05, 1.3, 2.0)  # of the longest step that can converge
N_ESTEP = 60
FLOOR, CEILING = -9.0, 3.0  # of the gap, log10 of nats: rounding below, divergence above


def keys() -> list[dict[str, Any]]:
    """Return one cell a step length."""
    return [{"problem": PROBLEM, "share": share} for share in SHARES]


def cell(problem: str, share: float) -> dict[str, Any]:
    """Return log10 of the gap in nats after each E-step."""
    return {f"gap_{k:02d}": round(float(value), 3) for k, value in enumerate(ascent(share), start=1)}


@cache
def _summit() -> tuple[Problem, float, float]:
    """Return the problem with its maximum, nats, and the longest step that can converge there: 2 over lambda_max."""
    model, data = race_field.problem(PROBLEM)
    best = fit(model, data, start=race_field.start(PROBLEM, 0), tol=1e-12,
               algorithm=Switch(EM(), LBFGS(), after(5)))
    problem, x = Problem(model, data), model.space.pack(best.params)
    for _ in range(4):
        x = x + np.linalg.solve(-problem.hessian(x), problem.gradient(x))
    return problem, problem.loglik(x), 2 / float(np.linalg.eigvalsh(-problem.hessian(x))[-1])


def ascent(share: float) -> Array:
    """Return the gaps, log10 of nats, along ascent whose step is this share of the longest; shape (N_ESTEP,)."""
    problem, goal, longest = _summit()
    start = problem.model.space.pack(race_field.start(PROBLEM, 0))
    return _gaps(problem, goal, start, lambda here: here.x + share * longest * here.gradient)


def em() -> Array:
    """Return the gaps along EM from the same start."""
    problem, goal, _ = _summit()
    standard = Problem(problem.model, problem.data, "standard")
    start = standard.model.space.pack(race_field.start(PROBLEM, 0), "standard")
    return _gaps(standard, goal, start, lambda here: standard.m_step(here).x)


def _gaps(problem: Problem, goal: float, x: Array, advance: Callable[[Evaluation], Array]) -> Array:
    gaps = np.full(N_ESTEP, CEILING)
    for k in range(N_ESTEP):
        here = problem.evaluate(x)
        if not np.isfinite(here.loglik):
            break
        gaps[k] = np.log10(max(goal - here.loglik, 1e-12))
        x = advance(here)
    clipped: Array = np.clip(gaps, FLOOR, CEILING)
    return clipped
