"""Online EM: stochastic approximation of the expected statistics, an M-step after every mini-batch."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from emlib.algorithms.base import Info, State
from emlib.algorithms.batches import batches, check_batches
from emlib.problem import Evaluation, MStep, Problem
from emlib.result import Status


@dataclass(frozen=True)
class OnlineEM:
    """s <- s + g_t (expected statistics of a batch - s), x <- the maximiser of Q for s, with g_t = (t + t0)^-alpha.

    Parameters
    ----------
    batch_size : int
        Units in a batch.
    alpha : float
        How fast the batches lose weight, in (1/2, 1].
    t0 : float
        How much the first batches are held back, at least 0.
    seed : int
        Fixes the order of the units, drawn anew for each pass.

    Notes
    -----
    Cappe & Moulines (2009), without averaging of the parameters; t counts batches, and runs on from pass to pass.
    The statistics begin with those of all units at the start, which `emlib.solve` has computed anyway. To first
    order a step is g_t I_c^-1 (gradient per unit of the batch), a natural-gradient step. An iteration costs two
    E-steps: one for its pass over all batches (m of n units are m/n of an E-step), and one for the look at the
    log-likelihood after it, by which `emlib.solve` decides when to stop; the algorithm itself claims nothing.

    Examples
    --------
    >>> import emlib
    >>> from emlib import datasets
    >>> from emlib.algorithms import OnlineEM
    >>> from emlib.models import GaussianMixture
    >>> rows = datasets.old_faithful()
    >>> model = GaussianMixture(2, 2)
    >>> near = emlib.fit(model, rows, algorithm=OnlineEM(), rng=0, max_estep=100)
    >>> best = emlib.fit(model, rows, rng=0)
    >>> near.status.name, best.loglik - near.loglik < 0.1
    ('MAX_ESTEP', True)
    """

    batch_size: int = 20
    alpha: float = 0.6
    t0: float = 2.0
    seed: int = 0
    coordinates: ClassVar[str] = "standard"
    monotone: ClassVar[bool] = False

    def __post_init__(self) -> None:
        check_batches(self.batch_size, self.seed)
        if isinstance(self.alpha, bool) or not isinstance(self.alpha, (int, float)) or not 0.5 < self.alpha <= 1:
            raise ValueError(f"alpha: {self.alpha!r} found; above 1/2 and at most 1, or the noise does not die out")
        if isinstance(self.t0, bool) or not isinstance(self.t0, (int, float)) or not 0 <= self.t0 < np.inf:
            raise ValueError(f"t0: {self.t0!r} found; a number from 0 is needed")

    def init(self, problem: Problem, evaluation: Evaluation) -> State:
        """Return the starting state."""
        return State(evaluation, {"epoch": 0, "t": 0, "statistics": evaluation.stats})

    def step(self, problem: Problem, state: State) -> tuple[State, Info]:
        """Make one pass over the data."""
        problem.n_estep += 1
        here, epoch, t = state.evaluation, int(state.memory["epoch"]), int(state.memory["t"])
        total, target = state.memory["statistics"], MStep(here.x, here.params)
        for batch, factor in batches(problem.data, self.batch_size, self.seed, epoch):
            t += 1
            share = (t + self.t0) ** -self.alpha
            fresh = problem.model.e_step(target.params, batch).stats
            total = (share * factor) * fresh + (1 - share) * total
            target = problem.m_step(replace(here, stats=total))
            if target.fault is not None:
                return state, Info("online", False, None, Status.DEGENERATE, target.fault)
        there = problem.evaluate(target.x)
        if there.fault is not None:
            return state, Info("online", False, None, Status.NON_FINITE, there.fault)
        return State(there, {"epoch": epoch + 1, "t": t, "statistics": total}), Info("online")
