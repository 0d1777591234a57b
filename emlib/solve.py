"""The one loop that runs every algorithm."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from emlib.algorithms.base import Algorithm, Info, check_algorithm
from emlib.algorithms.stopping import DEFAULT_TOL, curvature_cost
from emlib.data.validate import positive_integer
from emlib.fitting.checkpoint import Checkpoint
from emlib.fitting.run import Run
from emlib.problem import Evaluation, Problem
from emlib.result import Result, Status

ROUNDED_FALL = 1e-12  # relative fall of the log-likelihood that rounding explains
MOST_IDLE = 20  # steps in a row that meet no new point: a run at rest whose budget leaves no room for the last look


def solve(problem: Problem, algorithm: Algorithm, x0: Any, *, tol: float = DEFAULT_TOL, max_estep: int = 5000,
          max_iter: int | None = None, callback: Callable[..., Any] | None = None, progress: bool = False,
          checkpoint: Any = None, fall_back: bool = False) -> Result:
    """Run an algorithm from a start until the estimated remaining gain is below `tol`.

    Parameters
    ----------
    problem : Problem
    algorithm : Algorithm
    x0 : array_like, shape (p,)
        The start, in the problem's coordinates.
    tol : float
        Estimated gain in the log-likelihood still to be had, nats.
    max_estep : int
        Budget; the run stops at the first iteration that reaches it.
    max_iter : int, optional
        Budget in iterations.
    callback : callable, optional
        Called as ``callback(intermediate_result)`` after each iteration; a true value, or `StopIteration`, stops.
    progress : bool
        Whether to write a line on standard error as the run goes.
    checkpoint : str or Path, optional
        A file with the state of the run, replaced about once a second and at the end. If it is there already, the
        run resumes from it, with the same bits as if it had never been cut off; a file of another problem, algorithm,
        start or tol is refused. Custom algorithms may remember arrays, scalars, text, statistics, and tuples and
        mappings of these.
    fall_back : bool
        Whether to go on by EM steps where the algorithm cannot: from the last point, or, where that is about to
        degenerate, from the last one that EM steps had reached. A run then ends DEGENERATE only where EM does.

    Returns
    -------
    Result
        The best evaluated point; `success` only at a stationary point without positive curvature.

    Raises
    ------
    ValueError
        If the start lies outside the parameter space, an option has no meaning, or the checkpoint is damaged or
        belongs to another run.
    """
    check_algorithm(algorithm)
    _check_options(tol, max_estep)
    if max_iter is not None:
        positive_integer(max_iter, "max_iter")
    run = _start(problem, algorithm, x0, tol, max_estep)
    run.fall_back, run.home = fall_back, run.state.evaluation.x if fall_back else None
    if checkpoint is not None:
        run.file = Checkpoint(checkpoint, problem, algorithm, tol, x0)
        if (snapshot := run.file.load()) is not None:
            run.resume(snapshot)
    problem.allow_e_steps(max_estep - run.spent)
    try:
        status, message = _loop(run, callback, progress, np.inf if max_iter is None else max_iter)
    except KeyboardInterrupt:
        status, message = Status.INTERRUPTED, ""
    result = _result(run, status, message)
    if problem.coordinates != run.coordinates:
        problem.enter(run.coordinates)
    return result


def _start(problem: Problem, algorithm: Algorithm, x0: Any, tol: float, max_estep: int) -> Run:
    """Return a run whose only row is the start."""
    n_first, m_first = problem.n_estep, problem.n_mstep
    start = problem.evaluate(x0)
    if start.fault is not None:
        raise ValueError(f"x0: outside the parameter space: {start.fault}")
    run = Run(problem, algorithm, tol, max_estep, algorithm.init(problem, start), start, start.params,
              problem.coordinates, n_first=n_first, m_first=m_first)
    run.record(Info("start"), 0.0)
    return run


def _loop(run: Run, callback: Callable[..., Any] | None, progress: bool, most: float) -> tuple[Status, str]:
    while True:
        snapshot = run.snapshot()
        verdict = run.verdict()
        if run.file is not None and (verdict is not None or run.spent >= run.budget or run.file.due()):
            run.file.write(snapshot)
        if verdict is not None:
            return verdict
        if run.spent >= run.budget:
            return Status.MAX_ESTEP, f"{run.spent} E-steps"
        if len(run.trace) > most:
            return Status.MAX_ITER, f"{most:g} iterations"
        run.hand_over()
        before, spent = run.state.evaluation, run.spent
        try:
            info = run.step()
        except np.linalg.LinAlgError as error:  # of an E-step that an algorithm makes by itself, on part of the data
            return Status.NON_FINITE, str(error).lower()
        after = run.state.evaluation
        run.record(info, float(np.linalg.norm(after.x - before.x)))
        if after.loglik > run.best.loglik:
            run.best = after
        if progress:
            _show(run)
        if info.status is not None:
            if run.goes_on_by_em(info.status):
                continue
            return info.status, info.message
        if _fell(before, after) and run.algorithm.monotone:
            return Status.DECREASED, f"by {before.loglik - after.loglik:.3g} nats"
        if callback is not None and _stops(callback, run):
            return Status.CALLBACK, ""
        run.idle = run.idle + 1 if run.spent == spent else 0
        if run.idle >= MOST_IDLE:
            status, message = _standing_still(run)
            if not run.goes_on_by_em(status):
                return status, message
            run.idle = 0


def _standing_still(run: Run) -> tuple[Status, str]:
    """Return why a run ends that meets no new point."""
    if not run.problem.allows(curvature_cost(run.problem)):
        return Status.MAX_ESTEP, (f"{run.spent} E-steps; at rest, but the look at the curvature may take "
                                  f"{curvature_cost(run.problem)} more")
    if run.remaining <= run.tol:
        return Status.UNCHECKED, "looks at the curvature have taken as many E-steps as they may"
    return Status.LINE_SEARCH_FAILED, (f"{MOST_IDLE} steps in a row met no new point, with {run.remaining:.1e} nats "
                                       "left by estimate; go on from here by another algorithm")


def _fell(before: Evaluation, after: Evaluation) -> bool:
    return after.loglik < before.loglik - ROUNDED_FALL * before.magnitude


def _stops(callback: Callable[..., Any], run: Run) -> bool:
    try:
        return bool(callback(_result(run, Status.INTERRUPTED, "intermediate")))
    except StopIteration:
        return True


def _show(run: Run) -> None:
    sys.stderr.write(f"\r{len(run.trace) - 1:6d} iterations  {run.spent:6d} E-steps  loglik {run.best.loglik:.8g}  "
                     f"remaining {run.remaining:.2g}   ")
    sys.stderr.flush()


def _result(run: Run, status: Status, message: str) -> Result:
    """Return the last point, or the best one where the last is not as good."""
    last = run.state.evaluation
    point = run.best if _fell(run.best, last) else last
    if point is run.best and point is not last and status is Status.CONVERGED:
        status, message = Status.DECREASED, "converged below a better point met on the way"
    point, penalty = run.expressed(point), run.penalty(point)
    kept = ["penalised fit, not maximum likelihood"] if run.problem.model.penalty else []
    text = "; ".join([status.value, *([message] if message else []), *run.notes, *kept])
    return Result(point.params, point.loglik - penalty, point.x, -point.gradient, status, text, len(run.trace) - 1,
                  run.spent, run.problem.n_mstep - run.m_first, run.remaining, run.trace, run.start, run.problem.model,
                  run.problem.data, penalty=penalty)


def _check_options(tol: float, max_estep: int) -> None:
    if not (isinstance(tol, (int, float, np.number)) and np.isfinite(tol) and tol > 0):
        raise ValueError(f"tol: {tol!r} found; a positive number of nats is needed")
    if isinstance(max_estep, bool) or not isinstance(max_estep, (int, np.integer)) or max_estep < 1:
        raise ValueError(f"max_estep: {max_estep!r} found; a positive integer is needed")
