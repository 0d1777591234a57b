"""SQUAREM: squared extrapolation of two EM steps."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from emlib.algorithms.base import ROUNDING, Info, State, check_inner, require_free
from emlib.algorithms.em import em_step
from emlib.algorithms.fixed_point import N_RATES, independent
from emlib.algorithms.metric import in_metric
from emlib.algorithms.stopping import em_gain
from emlib.numerics import Array
from emlib.problem import Evaluation, Problem
from emlib.result import Status

SCHEMES = ("S1", "S2", "S3")
SAFEGUARDS = ("strict", "package")
BOUND_GROWTH = 4.0  # by how much the bound on the step length grows when it binds, and shrinks when a step at it fails
NEAR_ONE = 0.01  # a step length this near to one lands on M(M(x)) and needs no EM step to steady it
ALLOWED_LOSS = 1.0  # nats that the log-likelihood may lose in one step of the package's


@dataclass(frozen=True)
class SQUAREM:
    """x <- M(x + 2 a r + a^2 v), with r = M(x) - x and v = M(M(x)) - 2 M(x) + x.

    Parameters
    ----------
    scheme : {"S3", "S1", "S2"}
        The step length a: |r|/|v|, or -r'v/v'v, or -r'r/r'v.
    safeguard : {"strict", "package"}
        "strict" takes M(M(x)) wherever the extrapolation leaves the space or ends below M(x), so that the
        log-likelihood never falls. "package" does as the R package: a step may lose up to one nat.
    coordinates : {"standard", "free"}
    inner : {"identity", "complete"}
        The inner product of r and v in a step length: Euclid's, or that of the complete information at M(x), in free
        coordinates. Near a maximum the latter's lengths are those of Rayleigh quotients of I - DM, so that they lie
        between 1/(1 - a) and 1/(1 - b), a and b the least and largest eigenvalue of DM; Euclid's may be anything.

    Notes
    -----
    Varadhan & Roland (2008), Scand. J. Statist. 35:335-353; the bound on the step length, one at first and four
    times as long whenever it binds, is their package's. In standard coordinates lengths are taken over independent
    entries, as a user of the package would hand them over: probabilities without the last of each row, one
    triangle of a symmetric matrix.

    Examples
    --------
    >>> import emlib
    >>> from emlib import datasets
    >>> from emlib.algorithms import EM, SQUAREM
    >>> from emlib.models import PoissonMixture
    >>> model = PoissonMixture(2)
    >>> counts = model.as_data(*datasets.hasselblad())
    >>> slow, fast = (emlib.fit(model, counts, algorithm=a, rng=0) for a in (EM(), SQUAREM()))
    >>> abs(slow.loglik - fast.loglik) < 1e-6, slow.n_estep > 10 * fast.n_estep
    (True, True)
    """

    scheme: str = "S3"
    safeguard: str = "strict"
    coordinates: str = "standard"
    inner: str = "identity"

    def __post_init__(self) -> None:
        for name, allowed in (("scheme", SCHEMES), ("safeguard", SAFEGUARDS)):
            if getattr(self, name) not in allowed:
                raise ValueError(f"{name}: {getattr(self, name)!r} is unknown; choose one of {allowed}")
        check_inner(self.inner, self.coordinates)

    @property
    def monotone(self) -> bool:
        """True with the strict safeguard only."""
        return self.safeguard == "strict"

    def init(self, problem: Problem, evaluation: Evaluation) -> State:
        """Return the starting state, which holds the bound on the step length."""
        if self.inner == "complete":
            require_free(problem, "SQUAREM(inner='complete')")
        return State(evaluation, {"bound": 1.0, "entries": independent(problem), "rates": np.empty(0)})

    def step(self, problem: Problem, state: State) -> tuple[State, Info]:
        """Make two EM steps, extrapolate from them, and steady the point so found by a third."""
        here, entries = state.evaluation, state.memory["entries"]
        moved, info = em_step(problem, State(here))
        first = moved.evaluation
        ahead = problem.m_step(first)
        if not info.accepted or ahead.fault is not None:
            return State(first, state.memory), info
        r, q = first.x - here.x, ahead.x - first.x
        asked = step_length(self.scheme, *self._measured(problem, here, [r[entries], (q - r)[entries]]))
        length = min(max(asked, 1.0), state.memory["bound"])  # also where the asked one is negative
        there = _extrapolate(problem, here, r, q - r, length)
        good = there.loglik >= self._floor(here, first)
        there = there if good else problem.evaluate(ahead.x)
        if there.fault is not None:
            return State(first, state.memory), Info("em", True, None, Status.NON_FINITE, there.fault)
        rates = np.append(state.memory["rates"], 1 - 1 / max(asked, 1.0))[-N_RATES:]
        lengths = np.array([np.linalg.norm(r[entries]), np.linalg.norm(q[entries])])
        memory = {**state.memory, "bound": renewed(state.memory["bound"], length, good), "lengths": lengths,
                  "rates": rates}
        remaining = em_gain(problem, there, float(rates.max()))
        return State(there, memory), Info("squarem" if good else "em", True, remaining)

    def _measured(self, problem: Problem, here: Evaluation, vectors: list[Array]) -> list[Array]:
        return in_metric(problem, here, vectors) if self.inner == "complete" else vectors

    def _floor(self, here: Evaluation, first: Evaluation) -> float:
        """Return the log-likelihood that an extrapolation must reach."""
        if self.safeguard == "package":
            return here.loglik - ALLOWED_LOSS
        return first.loglik - ROUNDING * first.magnitude


def step_length(scheme: str, r: Array, v: Array) -> float:
    """Return a, which is positive where r and v point against each other; one where v vanishes."""
    top, bottom = {"S1": (-float(r @ v), float(v @ v)), "S2": (-float(r @ r), float(r @ v)),
                   "S3": (float(np.linalg.norm(r)), float(np.linalg.norm(v)))}[scheme]
    return top / bottom if bottom != 0 else 1.0


def _extrapolate(problem: Problem, here: Evaluation, r: Array, v: Array, length: float) -> Evaluation:
    """Evaluate the steadied extrapolation; its log-likelihood is minus infinity outside the space."""
    there = problem.evaluate(here.x + 2 * length * r + length**2 * v)
    if abs(length - 1) <= NEAR_ONE or there.fault is not None:
        return there
    target = problem.m_step(there)
    return problem.evaluate(target.x) if target.fault is None else replace(there, loglik=-np.inf)


def renewed(bound: float, length: float, good: bool) -> float:
    """Return the next bound on the step length."""
    if not good:
        bound = max(1.0, bound / BOUND_GROWTH) if length == bound else bound
        length = 1.0
    return BOUND_GROWTH * bound if length == bound else bound
