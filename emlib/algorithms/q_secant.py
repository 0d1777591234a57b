"""Quasi-Newton acceleration of EM by q secants of its map."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from emlib.algorithms.base import Info, State, is_integer
from emlib.algorithms.em import em_step
from emlib.algorithms.fixed_point import guarded_step, last_rates, residual
from emlib.algorithms.stopping import em_gain
from emlib.numerics import Array
from emlib.problem import Evaluation, Problem

RANK_TOLERANCE = 1e-12  # relative size of a singular value of U'U - U'V that counts as zero


@dataclass(frozen=True)
class QSecant:
    """x <- M(x) - V (U'U - U'V)^-1 U' (x - M(x)), with U the last q EM increments and V those that follow them.

    Parameters
    ----------
    q : int
        Secants, at least 1; no more are kept than there are feasible directions.
    coordinates : {"free", "standard"}

    Notes
    -----
    Zhou, Alexander & Lange (2011), Statistics and Computing 21:261-273. A column of U is M(x) - x, that of V is
    M(M(x)) - M(x). The step is Newton's for the root of x - M(x), with DM replaced by the matrix of least norm that
    takes U to V; with one parameter and q = 1 it is Steffensen's method. An iteration costs two E-steps. Where the
    extrapolation leaves the space, or ends below M(x), the point M(M(x)) is taken instead, for one E-step more: the
    log-likelihood never falls.

    Examples
    --------
    >>> import emlib
    >>> from emlib import datasets
    >>> from emlib.algorithms import EM, QSecant
    >>> from emlib.models import PoissonMixture
    >>> model = PoissonMixture(2)
    >>> counts = model.as_data(*datasets.hasselblad())
    >>> slow, fast = (emlib.fit(model, counts, algorithm=a, rng=0) for a in (EM(), QSecant(2)))
    >>> abs(slow.loglik - fast.loglik) < 1e-6, slow.n_estep > 10 * fast.n_estep
    (True, True)
    """

    q: int = 1
    coordinates: str = "free"
    monotone: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if not is_integer(self.q, 1):
            raise ValueError(f"q: {self.q!r} found; at least one secant is needed")

    def init(self, problem: Problem, evaluation: Evaluation) -> State:
        """Return the starting state, which remembers no secants."""
        none = np.empty((0, len(problem.reduce(evaluation.x))))
        return State(evaluation, {"increments": none, "following": none, "rates": np.empty(0)})

    def step(self, problem: Problem, state: State) -> tuple[State, Info]:
        """Make an EM step, and extrapolate from it by the last secants."""
        here, memory = state.evaluation, state.memory
        moved, info = em_step(problem, State(here))
        first = moved.evaluation
        if not info.accepted or problem.m_step(first).fault is not None:
            return State(first, memory), info
        increment, following = residual(problem, here), residual(problem, first)
        kept = min(self.q, len(increment))
        memory = {"increments": np.vstack([memory["increments"], increment])[-kept:],
                  "following": np.vstack([memory["following"], following])[-kept:],
                  "rates": last_rates(memory["rates"], increment, following - increment)}
        extrapolation = secant_step(memory["increments"], memory["following"], increment)
        there, further = guarded_step(problem, first, extrapolation, "q-secant")
        if not further.accepted:
            return State(first, memory), info if increment.any() else further
        return State(there, memory), Info(further.kind, True, em_gain(problem, there, float(memory["rates"].max())))


def secant_step(increments: Array, following: Array, increment: Array) -> Array:
    """Return V (U'U - U'V)^-1 U' r, the step from M(x) on; r = M(x) - x.

    Parameters
    ----------
    increments, following : ndarray, shape (q, p)
        The columns of U and V as rows.
    increment : ndarray, shape (p,)
    """
    lengths = np.maximum(np.linalg.norm(increments, axis=1, keepdims=True), np.finfo(float).tiny)
    u, v = increments / lengths, following / lengths  # the step is the same, the matrix better conditioned
    step: Array = v.T @ np.linalg.lstsq(u @ u.T - u @ v.T, u @ increment, rcond=RANK_TOLERANCE)[0]
    return step
