"""Incremental expectation-maximisation: an M-step after every chunk of the data."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from emlib.algorithms.base import Info, State, is_integer
from emlib.data import Data
from emlib.evaluation.steps import Steps
from emlib.model import Statistics
from emlib.problem import Evaluation, MStep, Problem
from emlib.result import Status


@dataclass(frozen=True)
class IncrementalEM:
    """Renew the expected statistics of one chunk of units at a time, with an M-step after each.

    Parameters
    ----------
    chunk_size : int
        Units in a chunk; the fewer, the fresher the parameters that each E-step uses, and the more M-steps.

    Notes
    -----
    Neal & Hinton (1998): the bound F(q, theta) never falls, the log-likelihood may. The first pass has no older
    statistics to lean on and is one of ordinary EM. Each iteration costs two E-steps, one for its pass over all
    chunks and one for the look at the log-likelihood after it, by which `emlib.fit` decides when to stop; the
    passes alone are `nit`.
    """

    chunk_size: int = 20
    coordinates: ClassVar[str] = "standard"
    monotone: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if not is_integer(self.chunk_size, 1):
            raise ValueError(f"chunk_size: {self.chunk_size!r} found; a chunk holds at least one unit")

    def init(self, problem: Problem, evaluation: Evaluation) -> State:
        """Return the starting state, which remembers no statistics yet."""
        return State(evaluation, {"parts": ()})

    def step(self, problem: Problem, state: State) -> tuple[State, Info]:
        """Make one pass over the data."""
        chunks = problem.data.chunks(self.chunk_size)
        renew = _renew if state.memory["parts"] else _first
        target, parts = renew(problem, state, chunks, problem.batch_steps(self.chunk_size))
        if target.fault is not None:
            return state, Info("incremental", False, None, Status.DEGENERATE, target.fault)
        there = problem.evaluate(target.x)
        if there.fault is not None:
            return state, Info("incremental", False, None, Status.NON_FINITE, there.fault)
        return State(there, {"parts": parts}), Info("incremental")


def _first(problem: Problem, state: State, chunks: Iterable[Data],
           steps: Steps) -> tuple[MStep, tuple[Statistics, ...]]:
    """Fill in every chunk at the same parameters, then maximise once: a pass of EM."""
    problem.count_e_steps(1)
    e_step = problem.model.e_step_at(state.evaluation.params)
    parts = tuple(e_step(chunk).stats for chunk in chunks)
    problem.count_m_steps(1)
    return problem.packed(*steps.m_step(steps.summed(parts))), parts


def _renew(problem: Problem, state: State, chunks: Iterable[Data],
           steps: Steps) -> tuple[MStep, tuple[Statistics, ...]]:
    """Replace the chunks' statistics one after another, and maximise after each."""
    problem.count_e_steps(1)
    here, parts = state.evaluation, list(state.memory["parts"])
    total = steps.summed(parts)  # summed anew in each pass, so that roundings do not pile up
    params, fault = here.params, None
    for index, chunk in enumerate(chunks):
        fresh = problem.model.e_step(params, chunk).stats
        total, parts[index] = steps.renewed(total, fresh, parts[index]), fresh
        params, fault = steps.m_step(total)  # for statistics that no single point has
        problem.count_m_steps(1)
        if fault is not None:
            break
    return problem.packed(params, fault), tuple(parts)
