"""Quasi-Newton acceleration of EM: Broyden's method for the root of M(x) - x."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from emlib.algorithms.base import Info, State
from emlib.algorithms.fixed_point import guarded_step, last_rates, residual
from emlib.algorithms.stopping import em_gain
from emlib.numerics import Array
from emlib.problem import Evaluation, Problem

LEAST_DENOMINATOR = 1e-8  # relative size of the update's denominator below which a pair says nothing


@dataclass(frozen=True)
class QuasiNewtonEM:
    """x <- x + B f, with f = M(x) - x, and B an estimate of the inverse of I - DM that starts at the identity.

    Parameters
    ----------
    coordinates : {"free", "standard"}

    Notes
    -----
    QN1 of Jamshidian & Jennrich (1997), J. R. Statist. Soc. B 59:569-587. After a move s that changed f by -y,
    Broyden's (1965) update B <- B + (s - B y) s'B / (s'B y) makes B y = s. It is not symmetric, since
    I - DM = I_c^-1 I_o is symmetric in the inner product of I_c only (theorem T6), which changes from point to point.
    The first step is EM's, and so is each one for which x + B f leaves the space or lowers the log-likelihood, at the
    cost of one E-step more; B then starts afresh. The log-likelihood never falls, which is our guard: QN1 has none.

    B starts at the identity in all coordinates, but s'B makes a difference between them. In free coordinates no step
    leaves the space; in standard ones the steps keep to the feasible directions, and can reach maxima on the
    boundary.

    Examples
    --------
    >>> import emlib
    >>> from emlib import datasets
    >>> from emlib.algorithms import EM, QuasiNewtonEM
    >>> from emlib.models import PoissonMixture
    >>> model = PoissonMixture(2)
    >>> counts = model.as_data(*datasets.hasselblad())
    >>> slow, fast = (emlib.fit(model, counts, algorithm=a, rng=0) for a in (EM(), QuasiNewtonEM()))
    >>> abs(slow.loglik - fast.loglik) < 1e-6, slow.n_estep > 10 * fast.n_estep
    (True, True)
    """

    coordinates: str = "free"
    monotone: ClassVar[bool] = True

    def init(self, problem: Problem, evaluation: Evaluation) -> State:
        """Return the starting state."""
        return State(evaluation, {"inverse": np.eye(len(problem.reduce(evaluation.x))), "rates": np.empty(0)})

    def step(self, problem: Problem, state: State) -> tuple[State, Info]:
        """Make the quasi-Newton step, or the EM step where it fails."""
        here, inverse, rates = state.evaluation, state.memory["inverse"], state.memory["rates"]
        left = residual(problem, here)
        direction = inverse @ left if np.isfinite(left).all() else None
        there, info = guarded_step(problem, here, direction, "quasi-newton")
        if not info.accepted:
            return state, info
        ahead = residual(problem, there)
        if np.isfinite(ahead).all():
            move, change = problem.reduce(there.x - here.x), ahead - left
            before = np.eye(len(left)) if info.kind == "em" else inverse
            inverse, rates = broyden(before, move, -change), last_rates(rates, move, change)
        remaining = em_gain(problem, there, float(rates.max(initial=0.0)))
        return State(there, {"inverse": inverse, "rates": rates}), Info(info.kind, True, remaining)


def broyden(inverse: Array, move: Array, change: Array) -> Array:
    """Return B corrected by a matrix of rank one, so that B change = move and B v = B v before for s'B v = 0.

    A pair with which B would become singular changes nothing.
    """
    mapped = inverse @ change
    share = float(move @ mapped)
    if abs(share) <= LEAST_DENOMINATOR * float(move @ move):
        return inverse
    return inverse + np.outer(move - mapped, move @ inverse) / share
