"""What `tol` means: the estimated gain in the log-likelihood still to be had, in nats.

Near an optimum the gain is half e' I_o e. A linearly convergent iteration with step s and rate r has
e = s/(1 - r), hence gain = half g's/(1 - r): no difference of log-likelihoods, so nothing cancels.
Before a run is called converged, the curvature itself is looked at (`curvature`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.linalg import LinAlgError, eigh

from emlib.algorithms.metric import hessian_cost, with_vanished
from emlib.algorithms.ritz import USUAL, ritz
from emlib.algorithms.saddle import higher_along, higher_inside, higher_uphill
from emlib.blocks.elementwise import CURVATURE_LOST
from emlib.blocks.simplex import VANISHED
from emlib.evaluation.companions import in_coordinates, in_free_coordinates
from emlib.numerics import Array
from emlib.problem import Evaluation, Problem

DEFAULT_TOL = 1e-8  # nats
FLAT_CURVATURE = 1e-10  # relative curvature below which a direction counts as unidentified
SADDLE_CURVATURE = 1e-6  # relative curvature above which a stationary point may be a saddle
LIFTED_SHARE = 1e-12  # how far a parameter on the boundary is lifted to look at its slope
NEARBY = 1e-2  # standard deviations of complete data: as far as a Hessian may be from the point that is judged by it
SAFE_MARGIN = 10.0  # least relative curvature, in units of that distance, for which it may serve
HARDLY_SEEN = 1e-2  # relative curvature below which there may be more that differences do not show
HARDLY_ANY = 2  # directions, where the others are rounding
LARGE_SPACE = 200  # parameters above which a matrix over them, and its eigenvalues, cost more than they tell
LARGEST_HESSIAN = 2000  # parameters up to which the matrix is made all the same where nothing else is to be had


@dataclass(frozen=True)
class Curvature:
    """Relative curvature of the log-likelihood at a point.

    Attributes
    ----------
    rate : float
        Largest eigenvalue of the EM map's Jacobian, 1 - smallest eigenvalue of I_c^-1 I_o, over the directions in
        which something is left to gain: a rotation of factors has curvature 0 and nothing to gain, and no rate.
    remaining : float
        Newton's estimate of the gain, half g' I_o^-1 g over the identified directions.
    saddle : bool
        Whether the log-likelihood rises to second order in some direction.
    vanishing : str or None
        Which parameter has its maximum where the model degenerates, in the model's words.
    along : int
        How many directions were looked at; the others are not known to bend down.
    higher : parameters or None
        Of a saddle on the boundary, a point inside that lies higher: from a probability that is as good as zero the
        log-likelihood rises to first order.
    uphill : parameters or None
        A point along the gradient that lies higher although EM is at rest; None where nothing speaks for one.
    """

    rate: float
    remaining: float
    saddle: bool
    vanishing: str | None
    along: int
    higher: Any = None
    uphill: Any = None


def remaining_gain(slope: float, rate: float) -> float:
    """Return half slope/(1 - rate), the estimate for a linearly convergent iteration; inf if it diverges.

    Parameters
    ----------
    slope : float
        Inner product of gradient and step.
    rate : float
        Linear rate of the iteration.
    """
    if not np.isfinite(slope) or not 0 <= rate < 1:
        return np.inf
    return 0.5 * abs(slope) / (1 - rate)


def em_gain(problem: Problem, here: Evaluation, rate: float) -> float:
    """Return the remaining gain estimated from the EM step at an evaluated point; no pass over the data."""
    step = problem.m_step(here)
    if step.fault is not None:
        return np.inf
    return remaining_gain(float(here.gradient @ (step.x - here.x)), rate)


def newton_gain(curvatures: Array, slopes: Array) -> float:
    """Return half sum slope^2/curvature; inf where the curvature is negative and the model has no maximum."""
    if curvatures.min() < -FLAT_CURVATURE:
        return np.inf
    return float(_gains(curvatures, slopes).sum())


def _gains(curvatures: Array, slopes: Array) -> Array:
    """Return Newton's estimate of the gain along each direction of the relative curvature."""
    gains: Array = 0.5 * slopes**2 / np.maximum(curvatures, FLAT_CURVATURE)
    return gains


def curvature(problem: Problem, here: Evaluation, tol: float = DEFAULT_TOL) -> Curvature | None:
    """Return the curvature at an evaluated point, in units of the complete information.

    Costs a Louis matrix, or 2p E-steps for models without a closed form. Where that takes more E-steps than `ritz`, or
    above `LARGE_SPACE` parameters, it is looked at along a few directions instead; where that fails, None above
    `LARGEST_HESSIAN`, and where the budget has no room for it.
    A direction of positive curvature makes a saddle only if a step along it gains more than `tol`; on the
    flat ridges of overspecified mixtures none does. Nor is there a saddle before the other directions are at rest.
    Entries exactly on the boundary are lifted a little (one E-step more), so that their slope is seen. Along what is as
    good as zero there is no curvature to be seen; where the EM step raises it the boundary is no maximum.
    Where hardly any curvature is seen, as close to a singular covariance, a step along the gradient is tried, too.
    """
    inner, point = _interior(problem, here)
    looked, bound = _by_last_hessian(inner, point), 0.0
    if looked is None and _along_few(inner):
        few = ritz(inner, point, tol)
        looked, bound = (None, 0.0) if few is None else (few[:2], few.bound)
        if looked is None and not _has_hessian(inner):
            _count(problem, inner)
            return None
    values, vectors = _by_hessian(inner, point) if looked is None else looked
    gains = _gains(np.abs(values), vectors.T @ point.gradient)
    at_rest = gains[values > 0].sum() <= tol
    higher = higher_along(inner, point, vectors[:, 0], tol) if values.min() < -SADDLE_CURVATURE and at_rest else None
    inside = higher_inside(inner, point, here.params, tol) if at_rest else None
    saddle = higher is not None or inside is not None
    hardly_seen = not saddle and (np.abs(values).min() <= HARDLY_SEEN or len(values) <= HARDLY_ANY)
    uphill = higher_uphill(inner, point, tol) if hardly_seen else None
    _count(problem, inner)
    slowest = np.abs(values)[gains > tol / len(values)].min(initial=1.0)
    step = vectors @ (vectors.T @ point.gradient / np.maximum(values, FLAT_CURVATURE))
    vanishing = inner.model.vanishing(point.params, inner.data, step)
    on_boundary = inner.model.space.lifted(here.params, LIFTED_SHARE, CURVATURE_LOST) is not here.params
    left = np.inf if saddle else max(float(gains.sum()), bound)
    return Curvature(1.0 - float(slowest), left, saddle, vanishing, len(values),
                     inside or (higher if on_boundary else None), uphill)


def _by_last_hessian(problem: Problem, point: Evaluation) -> tuple[Array, Array] | None:
    """Return the eigenvalues and -vectors of I_o in units of I_c by the last Hessian; None if it is not near enough.

    Where a step has just been made by the Hessian at its start, the one at its end would tell no more.
    """
    if problem.memo.hessian is None:
        return None
    complete = problem.complete_information(point)
    distance = known_hessian_distance(problem, point, complete)
    if not distance < NEARBY:
        return None
    values, vectors = _relative(with_vanished(problem, point, -problem.memo.hessian[1], complete), complete)
    return (values, vectors) if distance == 0 or values.min() >= SAFE_MARGIN * distance else None


def _by_hessian(problem: Problem, point: Evaluation) -> tuple[Array, Array]:
    """Return the eigenvalues and -vectors of I_o in units of I_c."""
    complete = problem.complete_information(point)
    return _relative(with_vanished(problem, point, -problem.hessian(point.x), complete), complete)


def known_hessian_distance(problem: Problem, point: Evaluation, complete: Array) -> float:
    """Return how far from a point the last Hessian was made, in the metric of I_c; inf if none was."""
    if problem.memo.hessian is None:
        return np.inf
    move = problem.memo.hessian[0].x - point.x
    return float(np.sqrt(max(move @ complete @ move, 0.0)))


def curvature_cost(problem: Problem) -> int:
    """Return how many E-steps a look at the curvature takes, as a rule."""
    return USUAL if _along_few(problem) else hessian_cost(problem.model)


def _has_hessian(problem: Problem) -> bool:
    """Return whether a Hessian is to be had: not of too many parameters, nor beyond the budget."""
    return problem.size <= LARGEST_HESSIAN and problem.allows(hessian_cost(problem.model))


def lacks_budget(problem: Problem) -> bool:
    """Return whether it is for the budget alone that there is no Hessian."""
    return problem.model.space.size("free") <= LARGEST_HESSIAN and not problem.allows(hessian_cost(problem.model))


def _count(problem: Problem, inner: Problem) -> None:
    """Count what another problem has counted."""
    if inner is not problem:
        problem.count_e_steps(inner.n_estep)


def _along_few(problem: Problem) -> bool:
    """Return whether the curvature is looked at along a few directions, for which no matrix is made."""
    return problem.model.space.size("free") > LARGE_SPACE or hessian_cost(problem.model) > USUAL


def _relative(observed: Array, complete: Array) -> tuple[Array, Array]:
    """Return the eigenvalues and -vectors of I_o in units of I_c, or of both diagonals where I_c is singular.

    I_c is taken at the M-step, which may lie on the boundary of the space; there it vanishes.
    """
    try:
        if not (np.isfinite(complete).all() and np.isfinite(observed).all()):
            raise LinAlgError("the information of a vanishing probability overflows")
        root = np.sqrt(np.diag(complete).clip(0.0))  # entries in unlike units: a matrix of correlations has none
        root[root == 0] = 1.0
        values, vectors = eigh(observed / np.outer(root, root), complete / np.outer(root, root))
        vectors = vectors / root[:, None]
    except LinAlgError:
        own, bend = np.abs(np.diag(observed)), np.diag(complete)
        unit = np.maximum(own, np.where(np.isfinite(bend), bend, 0.0))  # floored below: noise is no unit
        values, vectors = eigh(observed, np.diag(np.maximum(unit, FLAT_CURVATURE * unit.max() or 1.0)))
    return values, vectors


def _interior(problem: Problem, here: Evaluation) -> tuple[Problem, Evaluation]:
    """Return the problem in free coordinates with the same point, or one just inside where it is on the boundary."""
    lifted = problem.model.space.lifted(here.params, LIFTED_SHARE, VANISHED)
    if lifted is here.params:
        inner, point = in_free_coordinates(problem, here)
    else:
        inner = in_coordinates(problem, "free")
        point = inner.evaluate(problem.model.space.pack(lifted, "free"))
    if inner is not problem and problem.limit is not None:
        inner.allow_e_steps(problem.limit - problem.n_estep - inner.n_estep)
    return inner, point
