"""Criteria for switching: quantities measured after a step, each compared with a level."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from emlib.algorithms.base import is_integer, is_number
from emlib.numerics import x_log_y
from emlib.problem import Evaluation, Problem

N_MOVES = 10  # over which the largest share of missing information is taken


@dataclass(frozen=True)
class Criterion:
    """Holds while a quantity is at or above a level.

    Parameters
    ----------
    name : str
        What is measured.
    level : float
    measure : callable
        ``measure(problem, before, after, n_steps)``: the evaluations before and after a step, and the steps
        made so far; not a number where nothing can be said.
    window : int
        Steps looked back on: the largest of their values counts.
    """

    name: str
    level: float
    measure: Callable[[Problem, Evaluation, Evaluation, int], float] = field(repr=False)
    window: int = field(default=1, repr=False)


def entropy_above(level: float) -> Criterion:
    """Hold while the mean entropy of a hidden variable, as a share of log K, is at least `level`.

    Parameters
    ----------
    level : float
        Between 0 (all memberships certain) and 1 (all uniform).

    Notes
    -----
    The hybrid of Salakhutdinov, Roweis & Ghahramani (2003) takes gradient steps above a level and EM steps below
    it. The entropy costs nothing (for sequences, whose states are looked at one by one, an E-step), and is only a
    proxy: overlap makes EM slow, but many certain units can hide a slow direction; `missing_information_above`
    looks at the slowness itself. A model without a discrete hidden variable is refused when the run starts
    (theorem T14).

    Examples
    --------
    >>> entropy_above(0.5)
    Criterion(name='normalised entropy', level=0.5)
    """
    if not is_number(level) or not 0 <= level <= 1:
        raise ValueError(f"level: {level!r} found; the normalised entropy lies between 0 and 1")
    return Criterion("normalised entropy", level, _normalised_entropy)


def missing_information_above(level: float) -> Criterion:
    """Hold while the share of missing information along the last moves is at least `level`.

    Parameters
    ----------
    level : float
        At most 1; EM's rate is the largest such share.

    Notes
    -----
    For a move d that took the gradient from g to g' the share is 1 - d'(g - g')/(d' I_c d). Near an optimum and to
    first order this Rayleigh quotient lies between the smallest and the largest eigenvalue of I_c^-1 I_m and, along
    successive EM steps, rises to the largest, EM's rate (theorem T5). The largest over the last ten moves counts,
    since conjugate directions take turns. No pass over the data is needed. A share above one means that the
    log-likelihood bends upwards along the move.

    Examples
    --------
    >>> missing_information_above(0.8).level
    0.8
    """
    if not is_number(level) or not level <= 1:
        raise ValueError(f"level: {level!r} found; the share of missing information is at most 1")
    return Criterion("missing information along the last moves", level, _missing_share, N_MOVES)


def after(n: int) -> Criterion:
    """Hold once n steps have been made.

    Examples
    --------
    >>> after(5).level
    5
    """
    if not is_integer(n, 0):
        raise ValueError(f"n: {n!r} found; a number of steps is needed")
    return Criterion("number of steps", n, _n_steps)


def _n_steps(problem: Problem, before: Evaluation, after: Evaluation, n_steps: int) -> float:
    return float(n_steps)


def _normalised_entropy(problem: Problem, before: Evaluation, after: Evaluation, n_steps: int) -> float:
    states = problem.model.n_latent_values
    if states < 2:
        raise ValueError(f"entropy_above: {type(problem.model).__name__} names no discrete hidden variable with K >= 2 "
                         "values (n_latent_values); use missing_information_above")
    if problem.data.listed:
        return _mean_marginal_entropy(problem, after) / float(np.log(states))
    return after.entropy / (problem.data.n_units * float(np.log(states)))


def _mean_marginal_entropy(problem: Problem, here: Evaluation) -> float:
    """Return the mean over all times of all sequences; the joint entropy of a path is less than their sum."""
    problem.count_e_steps(1)
    total = 0.0
    for chunk in problem.data.chunks(problem.chunk_size or problem.model.estep_chunk()):
        found = problem.model.posterior(here.params, chunk.units)
        totals = np.array([-x_log_y(shares, shares).sum() for shares in found])
        seen = np.ones(len(found)) if chunk.weights is None else chunk.weights
        total += float(seen @ totals)
    return total / problem.data.n_observations


def _missing_share(problem: Problem, before: Evaluation, after: Evaluation, n_steps: int) -> float:
    move, target = after.x - before.x, problem.m_step(after)
    if target.fault is not None or not move.any():
        return float("nan")
    complete = -problem.model.q_hessian(target.params, after.stats, problem.coordinates)
    whole = float(move @ complete @ move)
    return 1.0 - float(move @ (before.gradient - after.gradient)) / whole if whole > 0 else float("nan")
