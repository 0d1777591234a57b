"""Whether a point at rest is a saddle: points beside it that are tried.

They lie along a direction, in from the boundary, or uphill where EM's own units tell nothing.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from emlib.blocks.elementwise import CURVATURE_LOST
from emlib.blocks.simplex import VANISHED
from emlib.numerics import Array
from emlib.problem import Evaluation, Problem

SADDLE_PROBES = (1.0, 0.1, 10.0, 1e-2, 1e-3, 1e-4)  # lengths, in units of I_c, of the steps away from one
UPHILL_PROBES = (1.0, 0.1, 1e-2, 1e-3, 1e-4)  # lengths, in units of the gradient over the number of rows
UNSEEN = 10.0  # times `tol`: a gain that the look should have seen
GROWTH = 1.001  # by which factor an EM step raises what is as good as zero where the face is no maximum
FACE_PROBES = (1e-2, 1e-3, 1e-4, 1e-5, 1e-6)  # shares that are tried for what rises


def higher_along(problem: Problem, point: Evaluation, direction: Array, tol: float) -> Any:
    """Return the first of some points along the direction, either way, that gains more than `tol`; None without one."""
    tried = (problem.evaluate(point.x + sign * length * direction) for length in SADDLE_PROBES for sign in (1.0, -1.0))
    found = next((there.params for there in tried if there.loglik > point.loglik + tol), None)
    problem.memo.last = point
    return found


def higher_inside(problem: Problem, point: Evaluation, params: Any, tol: float) -> Any:
    """Return a point that gains more than `tol` by raising what is as good as zero; None on a face that is best."""
    space, target = problem.model.space, problem.m_step(point).params
    rising = {name: (np.asarray(getattr(params, name)) <= CURVATURE_LOST)
              & (np.asarray(getattr(target, name)) > GROWTH * np.asarray(getattr(point.params, name)))
              for name in space.probabilities()}
    if not any(mask.any() for mask in rising.values()):
        return None
    tried = (problem.evaluate(space.pack(space.lifted(space.raised(params, rising, share), VANISHED)))
             for share in FACE_PROBES)
    found = next((probe.params for probe in tried if probe.loglik > point.loglik + tol), None)
    problem.memo.last = point
    return found


def higher_uphill(problem: Problem, point: Evaluation, tol: float) -> Any:
    """Return the first of some points along the gradient that gains far more than `tol`; None without one.

    Close to a singular covariance the complete information is so large that EM stands still, and that differences of
    its map are rounding, while the log-likelihood itself still rises.
    """
    uphill = point.gradient / max(problem.data.n_observations, 1.0)
    if not 0.5 * float(uphill @ point.gradient) > UNSEEN * tol or not problem.allows(len(UPHILL_PROBES)):
        return None
    tried = (problem.evaluate(point.x + length * uphill) for length in UPHILL_PROBES)
    found = next((there.params for there in tried if there.loglik > point.loglik + UNSEEN * tol), None)
    problem.memo.last = point
    return found
