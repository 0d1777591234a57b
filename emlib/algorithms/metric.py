"""Complete and observed information at a point, kept usable where probabilities have numerically vanished."""

from __future__ import annotations

import numpy as np

from emlib.blocks.simplex import RIDGE
from emlib.numerics import Array
from emlib.problem import Evaluation, Problem


def metric_factor(problem: Problem, here: Evaluation) -> Array | None:
    """Return the lower Cholesky factor of the complete information plus a ridge; None where there is none."""
    if problem.m_step(here).fault is not None:
        return None
    try:
        factor = np.linalg.cholesky(_add_ridge(problem, here, problem.complete_information(here)))
    except np.linalg.LinAlgError:
        return None
    # A probability whose square underflows gives a matrix without numbers, which the factorisation lets pass.
    return factor if np.isfinite(factor).all() else None


def observed_information(problem: Problem, here: Evaluation) -> Array | None:
    """Return the observed information plus the ridge that `metric_factor` has; None where entries are not finite."""
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        observed = _add_ridge(problem, here, -problem.hessian(here.x))
    return observed if np.isfinite(observed).all() else None


def _add_ridge(problem: Problem, here: Evaluation, matrix: Array) -> Array:
    """Add a ridge, in place, on coordinates whose probability has numerically vanished.

    There the ratio of observed and complete information becomes one.
    """
    vanished = problem.model.space.vanished_mask(here.params, problem.m_step(here).params)
    matrix[np.diag_indices(len(matrix))] += RIDGE * problem.data.n_units * vanished
    return matrix
