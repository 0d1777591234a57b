"""The one loop that runs every algorithm."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from emlib.algorithms.base import Algorithm, Info, State, check_algorithm
from emlib.algorithms.em import em_step
from emlib.algorithms.stopping import DEFAULT_TOL, Curvature, curvature, curvature_cost, em_gain
from emlib.data.validate import positive_integer
from emlib.evaluation.companions import remembered
from emlib.fitting.checkpoint import Checkpoint, Snapshot
from emlib.problem import Evaluation, Problem
from emlib.result import Result, Status, Trace

ROUNDED_FALL = 1e-12  # relative fall of the log-likelihood that rounding explains
LEFT_BOUNDARY = "left a boundary where the log-likelihood rises inwards"
MOST_ESCAPES = 5  # how often a run may
MOST_IDLE = 20  # steps in a row that meet no new point: a run at rest whose budget leaves no room for the last look
LOST = (Status.DEGENERATE, Status.NON_FINITE, Status.LINE_SEARCH_FAILED)  # ends from which EM may still go on


@dataclass
class _Run:
    """The state of the loop besides the algorithm's own."""

    problem: Problem
    algorithm: Algorithm
    tol: float
    budget: int
    state: State
    best: Evaluation
    start: Any
    trace: Trace = field(default_factory=Trace)
    rate: float = 0.0  # the slowest rate that the curvature has shown at a point that was not converged
    remaining: float = np.inf
    exact: bool = False  # whether `remaining` already rests on the curvature
    notes: list[str] = field(default_factory=list)
    n_first: int = 0
    m_first: int = 0
    file: Checkpoint | None = None
    fall_back: bool = False
    by_em: bool = False  # whether the algorithm has given up and EM steps are made in its place
    left_em: bool = False  # whether a step of another kind has been made
    home: Any = None  # the last point before that, from which EM goes on where the algorithm has lost its way

    def snapshot(self) -> Snapshot:
        """Return what the run needs to resume, between two iterations."""
        plain = {"n_estep": self.spent, "n_mstep": self.problem.n_mstep - self.m_first, "n_rows": len(self.trace),
                 "rate": self.rate, "remaining": self.remaining, "exact": self.exact, "notes": list(self.notes),
                 "by_em": self.by_em, "left_em": self.left_em,
                 "home": None if self.home is None else self.home.tolist()}
        return Snapshot(self.state, self.best, self.trace, remembered(self.problem), plain)

    def resume(self, snapshot: Snapshot) -> None:
        """Resume a run, counters included, where it was cut off."""
        self.state, self.best, self.trace = snapshot.state, snapshot.best, snapshot.trace
        self.rate, self.remaining, self.exact = (snapshot.plain[name] for name in ("rate", "remaining", "exact"))
        self.notes = list(snapshot.plain["notes"])
        self.by_em, self.left_em = snapshot.plain["by_em"], snapshot.plain["left_em"]
        self.home = None if snapshot.plain["home"] is None else np.array(snapshot.plain["home"])
        self.n_first = self.problem.n_estep - snapshot.plain["n_estep"]
        self.m_first = self.problem.n_mstep - snapshot.plain["n_mstep"]

    def step(self) -> Info:
        """Make one step, of the algorithm or by EM in its place."""
        if self.by_em:
            self.state, info = em_step(self.problem, self.state)
            return info
        self.state, info = self.algorithm.step(self.problem, self.state)
        if self.fall_back and not self.left_em:
            self.left_em = info.kind != "em"
            self.home = self.home if self.left_em else self.state.evaluation.x
        return info

    def goes_on_by_em(self, status: Status) -> bool:
        """Go on by EM steps where the algorithm cannot: from here, or from before it lost its way to a collapse.

        The second costs an E-step, and forgets the points met on the way, which rise towards the collapse.
        """
        if not self.fall_back or not self.left_em or status not in LOST or self.home is None:
            return False
        if status is Status.DEGENERATE:
            self.state = State(self.problem.evaluate(self.home))
            self.best, self.home = self.state.evaluation, None
        elif self.by_em:
            return False
        else:
            self.state = State(self.state.evaluation)
        self.notes.append(f"{status.name} on the way, then EM steps")
        self.by_em, self.remaining, self.exact, self.rate = True, np.inf, False, 0.0
        return True

    @property
    def spent(self) -> int:
        return self.problem.n_estep - self.n_first

    def record(self, info: Info, step: float) -> None:
        """Append a row to the trace."""
        here = self.state.evaluation
        self.remaining, self.exact = self._estimate(info), info.exact
        self.trace.append(loglik=here.loglik - self.penalty(here), n_estep=self.spent, kind=info.kind,
                          remaining=self.remaining, step_norm=step, entropy=here.entropy, objective=here.loglik,
                          gradient_norm=float(np.linalg.norm(self.problem.reduce(here.gradient))))

    def penalty(self, here: Evaluation) -> float:
        """Return the penalty that a penalised model has added to the log-likelihood, nats."""
        return float(self.problem.model.log_penalty(here.params, self.problem.data))

    def _estimate(self, info: Info) -> float:
        here = self.state.evaluation
        if info.remaining is None:
            return em_gain(self.problem, here, self.rate)
        if self.rate > 0 and info.remaining < self.tol:
            return max(info.remaining, em_gain(self.problem, here, self.rate))
        return info.remaining

    def verdict(self) -> tuple[Status, str] | None:
        """Return why the run may end, after a look at the curvature; None to continue, with the rate just learnt."""
        if self.remaining > self.tol:
            return None
        if self.exact:
            return Status.CONVERGED, ""
        if not self.problem.allows(curvature_cost(self.problem)):
            return None  # the rest of the budget goes into steps
        found = curvature(self.problem, self.state.evaluation, self.tol)
        if found is None:
            self.notes.append("curvature not checked, too many parameters for a matrix")
            return Status.CONVERGED, ""
        if found.saddle:
            return self.leave(found)
        self.remaining = found.remaining
        if found.remaining <= self.tol:
            if found.along < self.problem.model.space.size("free"):
                self.notes.append(f"curvature looked at along {found.along} directions")
            return (Status.CONVERGED, "") if found.vanishing is None else (Status.DEGENERATE, found.vanishing)
        self.rate = max(self.rate, min(found.rate, 1 - 1e-12))
        return None

    def leave(self, found: Curvature) -> tuple[Status, str] | None:
        """Go on from a higher point where the boundary was no maximum, a few times at most; else stop at the saddle."""
        start = None if found.higher is None else self.problem.checked_m_step(found.higher)
        if start is None or start.fault is not None or self.notes.count(LEFT_BOUNDARY) >= MOST_ESCAPES:
            return Status.SADDLE, ""
        self.notes.append(LEFT_BOUNDARY)
        self.state = self.algorithm.init(self.problem, self.problem.evaluate(start.x))
        self.best = max(self.best, self.state.evaluation, key=lambda point: point.loglik)
        self.remaining = np.inf
        return None


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
    return _result(run, status, message)


def _start(problem: Problem, algorithm: Algorithm, x0: Any, tol: float, max_estep: int) -> _Run:
    """Return a run whose only row is the start."""
    n_first, m_first = problem.n_estep, problem.n_mstep
    start = problem.evaluate(x0)
    if start.fault is not None:
        raise ValueError(f"x0: outside the parameter space: {start.fault}")
    run = _Run(problem, algorithm, tol, max_estep, algorithm.init(problem, start), start, start.params,
               n_first=n_first, m_first=m_first)
    run.record(Info("start"), 0.0)
    return run


def _loop(run: _Run, callback: Callable[..., Any] | None, progress: bool, most: float) -> tuple[Status, str]:
    idle = 0
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
        idle = idle + 1 if run.spent == spent else 0
        if idle >= MOST_IDLE:
            return Status.MAX_ESTEP, (f"{run.spent} E-steps; at rest, but the look at the curvature may take "
                                      f"{curvature_cost(run.problem)} more")


def _fell(before: Evaluation, after: Evaluation) -> bool:
    return after.loglik < before.loglik - ROUNDED_FALL * before.magnitude


def _stops(callback: Callable[..., Any], run: _Run) -> bool:
    try:
        return bool(callback(_result(run, Status.INTERRUPTED, "intermediate")))
    except StopIteration:
        return True


def _show(run: _Run) -> None:
    sys.stderr.write(f"\r{len(run.trace) - 1:6d} iterations  {run.spent:6d} E-steps  loglik {run.best.loglik:.8g}  "
                     f"remaining {run.remaining:.2g}   ")
    sys.stderr.flush()


def _result(run: _Run, status: Status, message: str) -> Result:
    """Return the last point, or the best one where the last is not as good."""
    last = run.state.evaluation
    point = run.best if _fell(run.best, last) else last
    if point is run.best and point is not last and status is Status.CONVERGED:
        status, message = Status.DECREASED, "converged below a better point met on the way"
    penalty = run.penalty(point)
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
