"""Online EM: stochastic approximation of the expected statistics, an M-step after every mini-batch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from emlib.algorithms.base import Info, State, is_number
from emlib.algorithms.batches import batches, check_average_after, check_batches
from emlib.problem import Evaluation, Problem
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
        Fixes the order of the units.
    average_after : float, optional
        Passes over the data, or a share of the first, after which the parameters are averaged; never if not given.
    order : {"random", "given"}
        Random ones are drawn anew for each pass. "given" takes the units as they lie, for data that were shuffled
        once on disk, where random reading is slow; in sorted data a batch tells of a part of them alone.

    Notes
    -----
    Cappe & Moulines (2009), J. R. Statist. Soc. B 71:593-613; t counts batches, and runs on from pass to pass. The mean
    of the points after each batch (Polyak & Ruppert) takes no part in the recursion. Over a single pass of n fresh
    units of a model that is true, with the points after a share f averaged, its variance is about I_o^-1 / (1 - f),
    I_o the information in all n: that of the maximum-likelihood estimate from the units averaged over, for any alpha
    below 1. Averaging the second half alone doubles it. That of the last point is of order n^-alpha. Means of
    parameters lie in the space, which is convex.
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
    average_after: float | None = None
    order: str = "random"
    coordinates: ClassVar[str] = "standard"
    monotone: ClassVar[bool] = False

    def __post_init__(self) -> None:
        check_batches(self.batch_size, self.seed, self.order)
        if not is_number(self.alpha) or not 0.5 < self.alpha <= 1:
            raise ValueError(f"alpha: {self.alpha!r} found; above 1/2 and at most 1, or the noise does not die out")
        if not is_number(self.t0) or self.t0 < 0:
            raise ValueError(f"t0: {self.t0!r} found; a number from 0 is needed")
        check_average_after(self.average_after)

    def init(self, problem: Problem, evaluation: Evaluation) -> State:
        """Return the starting state."""
        return State(evaluation, {"epoch": 0, "t": 0, "statistics": evaluation.stats, "last": evaluation.x,
                                  "mean": np.zeros_like(evaluation.x), "averaged": 0})

    def step(self, problem: Problem, state: State) -> tuple[State, Info]:
        """Make one pass over the data."""
        problem.count_e_steps(1)
        memory = dict(state.memory)
        steps, average_from = problem.batch_steps(self.batch_size), self._average_from(problem)
        params, fault = problem.model.space.unpack(memory["last"], problem.coordinates), None
        for batch, factor in batches(problem.data, self.batch_size, self.seed, int(memory["epoch"]), self.order):
            memory["t"] += 1
            share = (memory["t"] + self.t0) ** -self.alpha
            fresh = problem.model.e_step(params, batch).stats
            memory["statistics"] = steps.blended(share * factor, fresh, 1 - share, memory["statistics"])
            params, fault = steps.m_step(memory["statistics"])
            problem.count_m_steps(1)
            if fault is not None:
                break
            if memory["t"] > average_from:
                memory["averaged"] += 1
                point = problem.packed(params, None).x
                memory["mean"] = memory["mean"] + (point - memory["mean"]) / memory["averaged"]
        target = problem.packed(params, fault)
        if target.fault is not None:
            return state, Info("online", False, None, Status.DEGENERATE, target.fault)
        there = problem.evaluate(memory["mean"] if memory["averaged"] else target.x)
        if there.fault is not None:
            return state, Info("online", False, None, Status.NON_FINITE, there.fault)
        return State(there, {**memory, "epoch": memory["epoch"] + 1, "last": target.x}), Info("online")

    def _average_from(self, problem: Problem) -> float:
        """Return the number of batches after which points are averaged over."""
        per_pass = -(-len(problem.data) // self.batch_size)
        return np.inf if self.average_after is None else self.average_after * per_pass
