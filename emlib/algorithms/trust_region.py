"""Trust regions: the best step within a radius, whether it is good enough, and the next radius.

The quadratic model of the log-likelihood is told by its curvatures along orthonormal directions, ascending, and its
slopes along them.
"""

from __future__ import annotations

import numpy as np
import scipy
from scipy.linalg import eigh, solve_triangular

from emlib.algorithms.base import ROUNDING
from emlib.numerics import Array
from emlib.problem import Evaluation

ACCEPT = 1e-4  # share of the predicted rise that a step must bring
SMALLEST = 1e-12  # radius below which the search has failed
SHRINK = 0.25  # how much shorter the next step is after one that failed


def in_metric(factor: Array, observed: Array, gradient: Array) -> tuple[Array, Array, Array]:
    """Return curvatures, slopes and directions (columns) of a quadratic model in the metric of I_c.

    Parameters
    ----------
    factor : ndarray, shape (p, p)
        Lower Cholesky factor of I_c.
    observed : ndarray, shape (p, p)
        The model's curvature.
    gradient : ndarray, shape (p,)
    """
    half = solve_triangular(factor, observed, lower=True)
    values, vectors = eigh(solve_triangular(factor, half.T, lower=True))
    slopes = vectors.T @ solve_triangular(factor, gradient, lower=True)
    return values, slopes, solve_triangular(factor, vectors, lower=True, trans="T")


def brought(here: Evaluation, there: Evaluation, predicted: float) -> float | None:
    """Return the share of the predicted rise that a step brought, one where rounding hides it; None if too little."""
    gained, noise = there.loglik - here.loglik, ROUNDING * here.magnitude
    if not gained >= ACCEPT * predicted - noise:
        return None
    return 1.0 if predicted < noise else gained / predicted


def next_radius(radius: float, length: float, share: float) -> float:
    """Return the radius after a step that brought this share of the predicted rise."""
    if share > 0.75:
        return max(radius, 3.0 * length)
    return 0.5 * length if share < 0.25 else radius


def rise(values: Array, slopes: Array, step: Array) -> float:
    """Return what the quadratic model with these curvatures and slopes promises of a step, nats."""
    return float(slopes @ step - 0.5 * values @ step**2)


def best_step(values: Array, slopes: Array, radius: float) -> Array:
    """Maximise slopes's - half sum values s^2 over |s| <= radius, exactly (the hard case included).

    Parameters
    ----------
    values : ndarray, shape (p,)
        Curvatures, ascending; negative ones are directions along which the model rises for ever.
    slopes : ndarray, shape (p,)
    radius : float
    """
    if values[0] > 0:
        newton = slopes / values
        if np.linalg.norm(newton) <= radius:
            return newton
    floor = max(0.0, -float(values[0]))
    tiny = 1e-14 * max(1.0, float(np.abs(values).max()))

    def excess(shift: float) -> float:
        return float(np.linalg.norm(slopes / (values + shift))) - radius

    if excess(floor + tiny) < 0:  # hard case: no slope along the lowest curvature
        step = np.where(values + floor > tiny, slopes / np.maximum(values + floor, tiny), 0.0)
        step[0] += np.sqrt(max(radius**2 - float(step @ step), 0.0)) * (1.0 if slopes[0] >= 0 else -1.0)
        return step
    ceiling = floor + float(np.linalg.norm(slopes)) / radius + tiny
    shift = scipy.optimize.brentq(excess, floor + tiny, ceiling, xtol=1e-300, rtol=1e-12)
    result: Array = slopes / (values + shift)
    return result
