"""A run between its start and its end: what it remembers besides the algorithm, and each of its turns."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from emlib.algorithms.base import Algorithm, Info, State
from emlib.algorithms.em import em_step
from emlib.algorithms.relay import Relay
from emlib.algorithms.stopping import curvature, curvature_cost, em_gain, lacks_budget
from emlib.evaluation.companions import remembered
from emlib.fitting.checkpoint import Checkpoint, Snapshot
from emlib.problem import Evaluation, Problem
from emlib.result import Status, Trace

LEFT_BOUNDARY = "left a boundary where the log-likelihood rises inwards"
LEFT_STANDSTILL = "went uphill where EM stands still, as close to a singular covariance"
MOST_ESCAPES = 5  # how often a run may
MOST_LOOKS = 0.5  # share of the E-steps that looks may have taken before another is made
LOST = (Status.DEGENERATE, Status.NON_FINITE, Status.LINE_SEARCH_FAILED)  # ends from which EM may still go on


@dataclass
class Run:
    """The state of the loop besides the algorithm's own."""

    problem: Problem
    algorithm: Algorithm
    tol: float
    budget: int
    state: State
    best: Evaluation
    start: Any
    coordinates: str  # in which it began
    trace: Trace = field(default_factory=Trace)
    rate: float = 0.0  # the slowest rate that the curvature has shown at a point that was not converged
    remaining: float = np.inf
    looked: int = 0  # E-steps that looks at the curvature have taken
    exact: bool = False  # whether `remaining` already rests on the curvature
    idle: int = 0  # steps in a row that have met no new point
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
                 "rate": self.rate, "remaining": self.remaining, "exact": self.exact, "looked": self.looked,
                 "idle": self.idle,
                 "notes": list(self.notes), "by_em": self.by_em, "left_em": self.left_em,
                 "coordinates": self.problem.coordinates, "relay": isinstance(self.algorithm, Relay),
                 "home": None if self.home is None else self.home.tolist()}
        return Snapshot(self.state, self.best, self.trace, remembered(self.problem), plain)

    def resume(self, snapshot: Snapshot) -> None:
        """Resume a run, counters included, where it was cut off."""
        self.state, self.best, self.trace = snapshot.state, snapshot.best, snapshot.trace
        self.rate, self.remaining, self.exact, self.looked, self.idle = (
            snapshot.plain[name] for name in ("rate", "remaining", "exact", "looked", "idle"))
        self.notes = list(snapshot.plain["notes"])
        self.by_em, self.left_em = snapshot.plain["by_em"], snapshot.plain["left_em"]
        if isinstance(self.algorithm, Relay) and not snapshot.plain["relay"]:
            self.algorithm = self.algorithm.second
        self.home = None if snapshot.plain["home"] is None else np.array(snapshot.plain["home"])
        self.n_first = self.problem.n_estep - snapshot.plain["n_estep"]
        self.m_first = self.problem.n_mstep - snapshot.plain["n_mstep"]

    def hand_over(self) -> None:
        """Let the second algorithm of a relay take over, in free coordinates, where its turn has come.

        Not at a point without an M-step, with which the first one ends.
        """
        relay, best = self.algorithm, self.best
        if not isinstance(relay, Relay) or self.by_em or len(self.trace) <= relay.n_steps:
            return
        here, space, old = self.state.evaluation, self.problem.model.space, self.problem.coordinates
        if self.problem.m_step(here).fault is not None:
            return
        self.problem.enter(relay.second.coordinates)
        if self.home is not None:
            self.home = self.problem.checked_m_step(space.unpack(self.home, old)).x
        self.best = self.problem.evaluate(self.problem.checked_m_step(best.params).x)
        there = self.best if best is here else self.problem.evaluate(self.problem.checked_m_step(here.params).x)
        self.algorithm, self.state = relay.second, relay.second.init(self.problem, there)

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

    def expressed(self, point: Evaluation) -> Evaluation:
        """Return a point in the coordinates in which the run began."""
        if self.problem.coordinates == self.coordinates:
            return point
        space = self.problem.model.space
        slopes = self.problem.model.q_gradient(point.params, point.stats)
        return replace(point, x=space.pack(point.params, self.coordinates),
                       gradient=space.pullback(point.params, slopes, self.coordinates))

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
        if self.looked > MOST_LOOKS * self.spent:
            return None
        before = self.spent
        found = curvature(self.problem, self.state.evaluation, self.tol)
        self.looked += self.spent - before
        if found is None and lacks_budget(self.problem):
            return None
        if found is None:
            return Status.UNCHECKED, "products along directions fail, and there are too many parameters for a matrix"
        if found.saddle:
            return self.leave(found.higher, LEFT_BOUNDARY, Status.SADDLE)
        self.remaining = found.remaining
        if found.remaining <= self.tol and found.uphill is not None:
            return self.leave(found.uphill, LEFT_STANDSTILL, Status.UNCHECKED)
        if found.remaining <= self.tol:
            if found.along < self.problem.model.space.size("free"):
                self.notes.append(f"curvature looked at along {found.along} directions")
            return (Status.CONVERGED, "") if found.vanishing is None else (Status.DEGENERATE, found.vanishing)
        self.rate = max(self.rate, min(found.rate, 1 - 1e-12))
        return None

    def leave(self, higher: Any, note: str, otherwise: Status) -> tuple[Status, str] | None:
        """Go on from a higher point, a few times at most; without one, or after that, stop where the run is."""
        start = None if higher is None else self.problem.checked_m_step(higher)
        if start is None or start.fault is not None or self.notes.count(note) >= MOST_ESCAPES:
            return otherwise, ""
        self.notes.append(note)
        self.state = self.algorithm.init(self.problem, self.problem.evaluate(start.x))
        self.best = max(self.best, self.state.evaluation, key=lambda point: point.loglik)
        self.remaining = np.inf
        return None
