"""Trust regions: a quadratic model, the best step within a radius, its attempt, and the next radius."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import scipy
from scipy.linalg import eigh

from emlib.algorithms.base import ROUNDING
from emlib.numerics import Array, backward, forward
from emlib.problem import Evaluation

ACCEPT = 1e-4  # share of the predicted gain that a step must bring
SMALLEST = 1e-12  # radius below which the search has failed
SHRINK = 0.25  # how much shorter the next step is after one that failed


@dataclass(frozen=True, eq=False)
class QuadraticModel:
    """A quadratic model of the log-likelihood around a point.

    Attributes
    ----------
    curvatures : ndarray, shape (p,)
        Ascending; negative ones belong to directions along which the model rises for ever.
    slopes : ndarray, shape (p,)
    directions : ndarray, shape (q, p)
        One column for each curvature, orthonormal in the metric in which steps are measured.
    """

    curvatures: Array
    slopes: Array
    directions: Array

    def best_step(self, radius: float) -> Array:
        """Return the step of at most this length that the model gains most from, in units of `directions`."""
        return best_step(self.curvatures, self.slopes, radius)

    def predicted_gain(self, step: Array) -> float:
        """Return what the model gains by a step, nats."""
        return float(self.slopes @ step - 0.5 * self.curvatures @ step**2)


@dataclass(frozen=True, eq=False)
class Attempt:
    """A step that was tried: where it leads, its length, whether it gains enough, and the next radius."""

    there: Evaluation
    length: float
    accepted: bool
    radius: float


def attempt(evaluate: Callable[[Array], Evaluation], here: Evaluation, model: QuadraticModel, radius: float,
            shrink: float = SHRINK) -> Attempt:
    """Try the best step within the radius, for one E-step.

    Parameters
    ----------
    evaluate : callable
        From a move, in the coordinates of the model's directions, to the evaluation of the point it leads to.
    shrink : float
        The next radius after a step that gains too little, as a share of its length.
    """
    step = model.best_step(radius)
    length, there = float(np.linalg.norm(step)), evaluate(model.directions @ step)
    ratio = gain_ratio(here, there, model.predicted_gain(step))
    if ratio is None:
        return Attempt(there, length, False, shrink * length)
    return Attempt(there, length, True, next_radius(radius, length, ratio))


def gain_ratio(here: Evaluation, there: Evaluation, predicted: float) -> float | None:
    """Return actual over predicted gain, 1 if both are below rounding; None if the step gains too little."""
    gained, noise = there.loglik - here.loglik, ROUNDING * here.magnitude
    if not gained >= ACCEPT * predicted - noise:
        return None
    return 1.0 if predicted < noise else gained / predicted


def next_radius(radius: float, length: float, ratio: float) -> float:
    """Return the radius after a step of this length and ratio of actual to predicted gain."""
    if ratio > 0.75:
        return max(radius, 3.0 * length)
    return 0.5 * length if ratio < 0.25 else radius


def model_in_metric(factor: Array, observed: Array, gradient: Array) -> QuadraticModel:
    """Return the quadratic model with directions that are orthonormal in the metric of I_c.

    Parameters
    ----------
    factor : ndarray, shape (p, p)
        Lower Cholesky factor of I_c.
    observed : ndarray, shape (p, p)
        The model's curvature.
    gradient : ndarray, shape (p,)

    Raises
    ------
    ValueError
        If the curvature is not finite.
    """
    if not np.isfinite(observed).all():
        raise ValueError("observed: the curvature must not contain infs or NaNs")
    half = forward(factor, observed)
    curvatures, vectors = eigh(forward(factor, half.T), check_finite=False)
    slopes = vectors.T @ forward(factor, gradient)
    return QuadraticModel(curvatures, slopes, backward(factor, vectors))


def best_step(curvatures: Array, slopes: Array, radius: float) -> Array:
    """Maximise slopes's - half sum curvatures s^2 over |s| <= radius, exactly (the hard case included).

    Parameters
    ----------
    curvatures : ndarray, shape (p,)
        Ascending.
    slopes : ndarray, shape (p,)
    radius : float
    """
    if curvatures[0] > 0:
        newton = slopes / curvatures
        if np.linalg.norm(newton) <= radius:
            return newton
    floor = max(0.0, -float(curvatures[0]))
    tiny = 1e-14 * max(1.0, float(np.abs(curvatures).max()))

    def excess(shift: float) -> float:
        return float(np.linalg.norm(slopes / (curvatures + shift))) - radius

    if excess(floor + tiny) < 0:  # hard case: no slope along the lowest curvature
        step = np.where(curvatures + floor > tiny, slopes / np.maximum(curvatures + floor, tiny), 0.0)
        step[0] += np.sqrt(max(radius**2 - float(step @ step), 0.0)) * (1.0 if slopes[0] >= 0 else -1.0)
        return step
    ceiling = floor + float(np.linalg.norm(slopes)) / radius + tiny
    shift = scipy.optimize.brentq(excess, floor + tiny, ceiling, xtol=1e-300, rtol=1e-12)
    result: Array = slopes / (curvatures + shift)
    return result
