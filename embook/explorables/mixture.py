"""The numbers behind *three arrows*: two normals of variance one, mixed half and half, with unknown means.

They follow from one E-step in closed form. The test-suite holds them against `emlib.models.GaussianMixture` and
against the script.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit
from scipy.stats import norm

Vector = NDArray[np.float64]

N_SCORES = 30


@dataclass(frozen=True)
class Arrows:
    """What one E-step at a point gives.

    Parameters
    ----------
    loglik : float
        The total log-likelihood.
    counts, gradient : ndarray, shape (2,)
        Expected numbers of points per component; the slope of the log-likelihood.
    hessian : ndarray, shape (2, 2)
        Its second derivatives.
    projection, ball : ndarray, shape (2,)
        Diagonals of EM's matrix P and of the matrix that the gradient step stands for in the chosen units.
    steps : dict of str to ndarray, shape (2,)
        The steps of EM, Newton and gradient ascent, in the picture's coordinates.
    """

    loglik: float
    counts: Vector
    gradient: Vector
    hessian: Vector
    projection: Vector
    ball: Vector
    steps: dict[str, Vector]


def scores() -> Vector:
    """Return thirty normal quantiles, scaled to variance one and rounded: a sample without chance in it."""
    quantiles = norm.ppf((np.arange(N_SCORES) + 0.5) / N_SCORES)
    return np.asarray(np.round(quantiles / quantiles.std(), 6) + 0.0)


def sample(separation: float) -> Vector:
    """Return sixty points: the scores about minus and plus half the separation."""
    return np.concatenate([scores() - separation / 2, scores() + separation / 2])


def loglik(mu: Vector, x: Vector) -> Vector:
    """Return the total log-likelihood of means `mu`, shape (..., 2), for points `x`, shape (n,)."""
    logs = -((x - np.asarray(mu, dtype=float)[..., None]) ** 2) / 2
    each = np.logaddexp(logs[..., 0, :], logs[..., 1, :]) - np.log(2.0) - np.log(2 * np.pi) / 2
    return np.asarray(each.sum(axis=-1))


def arrows(mu: Vector, x: Vector, unit: float = 1.0) -> Arrows:
    """Return everything that the picture shows at `mu`; `unit` is c in u2 = c mu2, where the gradient step is taken.

    Notes
    -----
    The gradient's step length makes its matrix's determinant equal to that of P, so that only its shape is at stake.
    """
    apart = x - np.asarray(mu, dtype=float)[:, None]
    first = expit((apart[1] ** 2 - apart[0] ** 2) / 2)
    shares = np.stack([first, 1 - first])
    counts, gradient = shares.sum(axis=1), (shares * apart).sum(axis=1)
    signed = np.stack([apart[0], -apart[1]])
    hessian = (first * (1 - first) * signed) @ signed.T - np.diag(counts)
    projection, pace = 1 / counts, 1 / np.sqrt(counts.prod())
    ball = pace * np.array([unit, 1 / unit])
    steps = {"em": projection * gradient, "newton": -np.linalg.solve(hessian, gradient), "gradient": ball * gradient}
    return Arrows(float(loglik(mu, x)), counts, gradient, hessian, projection, ball, steps)


def summit(x: Vector, separation: float, sweeps: int = 50) -> tuple[Vector, float]:
    """Return the maximum near (-s/2, s/2) by Newton's method from there, and EM's rate at it."""
    mu = np.array([-separation / 2, separation / 2])
    for _ in range(sweeps):
        mu = mu + arrows(mu, x).steps["newton"]
    at = arrows(mu, x)
    return mu, float(np.linalg.eigvals(np.eye(2) + at.projection[:, None] * at.hessian).real.max())
