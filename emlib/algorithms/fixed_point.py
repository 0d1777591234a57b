"""Parts that the accelerators of the fixed-point map share: residual, guarded step, observed rates."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy

from emlib.algorithms.base import ROUNDING, Info, State
from emlib.algorithms.em import em_step
from emlib.numerics import Array
from emlib.problem import Evaluation, Problem
from emlib.result import Status

DEPENDENT_LENGTH = 1e-9  # length of what is left of a basis row that others make up
N_RATES = 3  # rates remembered: a low one only says that the slow direction has just been dealt with


def independent(problem: Problem) -> Array:
    """Return the indices of entries that determine the whole flat vector, the first such set.

    In standard coordinates: all but the last probability of each row, one triangle of a symmetric matrix. In others all
    entries.
    """
    if problem.coordinates != "standard":
        return np.arange(problem.size)
    basis = scipy.sparse.csr_array(problem.model.space.tangent_map())
    alike = abs(basis) @ abs(basis).T  # entries that share a direction, each with the others that depend on it
    group = scipy.sparse.csgraph.connected_components(alike, directed=False)[1]
    order = np.argsort(group, kind="stable")
    groups = np.split(order, np.flatnonzero(np.diff(group[order])) + 1)
    return np.sort(np.concatenate([_first_independent(basis, places) for places in groups]))


def _first_independent(basis: Any, places: Array) -> Array:
    """Return those of some rows that are no combination of the rows before them."""
    rows = basis[places]
    dense = rows[:, np.unique(rows.indices)].toarray()
    kept, directions = [], np.empty((0, dense.shape[1]))
    for index, row in zip(places, dense, strict=True):
        rest = row - directions.T @ (directions @ row)
        if np.linalg.norm(rest) > DEPENDENT_LENGTH:
            kept.append(index)
            directions = np.vstack([directions, rest / np.linalg.norm(rest)])
    return np.array(kept, dtype=int)


def residual(problem: Problem, here: Evaluation) -> Array:
    """Return M(x) - x along the feasible directions; not finite where the M-step has no coordinates."""
    return problem.reduce(problem.m_step(here).x - here.x)


def guarded_step(problem: Problem, here: Evaluation, direction: Array | None, kind: str,
            allowance: float = 0.0) -> tuple[Evaluation, Info]:
    """Move along the proposed direction, or to M(x) where there is none or the proposal fails.

    It fails outside the space, where its own M-step would leave the space, and below the log-likelihood of x less the
    allowance. The failure costs one E-step, the EM step another.
    """
    if direction is not None:
        there = problem.evaluate(here.x + problem.lift(direction))
        floor = here.loglik - allowance - ROUNDING * here.magnitude
        if there.loglik >= floor and not np.array_equal(there.x, here.x) and problem.m_step(there).fault is None:
            return there, Info(kind)
    moved, info = em_step(problem, State(here))
    if info.accepted and np.array_equal(moved.evaluation.x, here.x):
        return here, Info("em", False, None, Status.LINE_SEARCH_FAILED, "the EM step is too short to move the point")
    return moved.evaluation, info


def last_rates(rates: Array, move: Array, change: Array) -> Array:
    """Return the last rates with the one that a move shows: M(x) - x changes by -(I - DM) times the move."""
    length = float(np.linalg.norm(move))
    rate = 1 - float(np.linalg.norm(change)) / length if length > 0 else 0.0
    return np.append(rates, max(rate, 0.0))[-N_RATES:]
