"""Complete and observed information at a point, kept usable where probabilities have numerically vanished."""

from __future__ import annotations

import numpy as np
from scipy.linalg import orth

from emlib.blocks.simplex import RIDGE
from emlib.model import LatentVariableModel
from emlib.numerics import Array
from emlib.problem import Evaluation, Problem


def louis_is_cheap(model: LatentVariableModel) -> bool:
    """Return whether the observed information is to be had in closed form for one E-step."""
    return model.supplies("missing_information") and model.missing_information_cost() <= 1


def hessian_cost(model: LatentVariableModel) -> int:
    """Return how many E-steps a Hessian is charged: what Louis's matrix takes, or two for each parameter."""
    return model.missing_information_cost() if model.supplies("missing_information") else 2 * model.space.size("free")


def metric_factor(problem: Problem, here: Evaluation) -> Array | None:
    """Return the lower Cholesky factor of the complete information plus a ridge; None where there is none."""
    if problem.memo.factor is None or problem.memo.factor[0] is not here:
        problem.memo.factor = (here, _factor(problem, here))
    return problem.memo.factor[1]


def _factor(problem: Problem, here: Evaluation) -> Array | None:
    if problem.m_step(here).fault is not None:
        return None
    try:
        factor = np.linalg.cholesky(_add_ridge(problem, here, problem.complete_information(here)))
    except np.linalg.LinAlgError:
        return None
    # A probability whose square underflows gives a matrix without numbers, which the factorisation lets pass.
    return factor if np.isfinite(factor).all() else None


def in_metric(problem: Problem, here: Evaluation, vectors: list[Array]) -> list[Array]:
    """Return vectors, or rows of vectors, whose Euclidean products are those in the metric of I_c, free coordinates.

    Where I_c is no metric the vectors are returned as they are.
    """
    factor = metric_factor(problem, here)
    return vectors if factor is None else [vector @ factor for vector in vectors]


def observed_information(problem: Problem, here: Evaluation) -> Array | None:
    """Return the observed information plus the ridge that `metric_factor` has; None where entries are not finite.

    Along what has numerically vanished it is no less than the complete information, see `with_vanished`.
    """
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        known = with_vanished(problem, here, -problem.hessian(here.x))
    observed = _add_ridge(problem, here, known)
    return observed if np.isfinite(observed).all() else None


def with_vanished(problem: Problem, here: Evaluation, observed: Array, complete: Array | None = None) -> Array:
    """Return the observed information with another curvature along what has numerically vanished.

    Differences of the gradient are rounding there, and the complete information is so small that this, divided by it,
    may look like a gain. The log-likelihood changes in proportion to such a probability, so that its curvature in the
    logarithm is its slope; the complete information, computed here unless it is given, is what there is at least.
    """
    space, points = problem.model.space, (here.params, problem.m_step(here).params)
    if not space.vanished_mask(*points).any():
        return observed
    complete = problem.complete_information(here) if complete is None else complete
    if not np.isfinite(complete).all():
        return observed
    directions = space.vanished_directions(*points)
    basis = orth(directions)
    others = np.eye(len(complete)) - basis @ basis.T
    lengths = (directions**2).sum(axis=0)
    slopes = np.abs(here.gradient @ directions)
    short = np.maximum(slopes - np.einsum("ij,ik,kj->j", directions, complete, directions), 0.0)
    kept = others @ (observed - complete) @ others + complete
    return np.asarray(kept + (directions * (short / lengths**2)) @ directions.T)


def _add_ridge(problem: Problem, here: Evaluation, matrix: Array) -> Array:
    """Add a ridge, in place, on coordinates whose probability has numerically vanished.

    There the ratio of observed and complete information is one.
    """
    vanished = problem.model.space.vanished_mask(here.params, problem.m_step(here).params)
    matrix[np.diag_indices(len(matrix))] += RIDGE * problem.data.n_units * vanished
    return matrix
