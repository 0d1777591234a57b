"""Functions beside a problem: the same one in other coordinates, and what it remembers, saved and restored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from emlib.evaluation.point import Evaluation, Memo
from emlib.problem import Problem


def in_coordinates(problem: Problem, coordinates: str) -> Problem:
    """Return a new problem with the same model and data in other coordinates, its counters at zero."""
    return Problem(problem.model, problem.data, coordinates, map=problem.map, chunk_size=problem.chunk_size)


def in_free_coordinates(problem: Problem, here: Evaluation) -> tuple[Problem, Evaluation]:
    """Return the problem in free coordinates with an evaluated point carried over; no pass over the data."""
    if problem.coordinates == "free":
        problem.memo.last = here
        return problem, here
    free, space = in_coordinates(problem, "free"), problem.model.space
    slopes = problem.model.q_gradient(here.params, here.stats)
    there = replace(here, x=space.pack(here.params, "free"), gradient=space.pullback(here.params, slopes, "free"))
    free.memo.last = there
    return free, there


def remembered(problem: Problem) -> dict[str, Evaluation | None]:
    """Return the evaluations whose E-step, M-step and Hessian the problem would not compute again."""
    memo = problem.memo
    return {"last": memo.last, "m_step": memo.m_step[0] if memo.m_step else None,
            "hessian": memo.hessian[0] if memo.hessian else None}


def restore(problem: Problem, found: Mapping[str, Evaluation | None]) -> None:
    """Compute again, uncounted, what a run had counted before it was cut off; the inverse of `remembered`."""
    problem.memo = Memo()
    with problem.uncounted():
        if (here := found["m_step"]) is not None:
            problem.m_step(here)
        if (here := found["hessian"]) is not None:
            problem.memo.last = here
            problem.hessian(here.x)
    problem.memo.last = found["last"]
