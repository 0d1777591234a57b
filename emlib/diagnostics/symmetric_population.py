"""EM for two mirror-image normals when the data are the population itself: the map, its bound, its rates, the floor.

Half N(theta*, I) and half N(-theta*, I), lengths in units of the known standard deviation. EM sees y only through
y tanh(theta'y), which is even, so the population may be replaced by N(theta*, I).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from emlib.data.validate import as_floats, positive_integer, positive_number
from emlib.numerics import Array

HALF_WIDTH = 12.0  # of the range of integration, in standard deviations
NODES = np.linspace(-HALF_WIDTH, HALF_WIDTH, 2401)
MASS = np.exp(-0.5 * NODES**2) * (NODES[1] - NODES[0]) / np.sqrt(2 * np.pi)  # trapezoid rule: the ends weigh nothing


def scalar_map(norm: Any, mean: Any) -> Any:
    """Return E[Y tanh(norm Y)] for Y ~ N(mean, 1): EM's population map in one dimension.

    Parameters
    ----------
    norm, mean : array_like
        Estimate and truth, in standard deviations; broadcast against each other.

    Returns
    -------
    float or ndarray
    """
    points = NODES + np.asarray(mean, dtype=float)[..., None]
    return (points * np.tanh(np.asarray(norm, dtype=float)[..., None] * points)) @ MASS


def population_map(theta: Any, truth: Any) -> Array:
    """Return EM's next estimate on infinitely many observations.

    Parameters
    ----------
    theta, truth : array_like, shape (d,)
        Estimate and true mean, in standard deviations.

    Returns
    -------
    ndarray, shape (d,)

    Notes
    -----
    The coordinates of Y along theta and across it are independent, so two integrals in one dimension give the map.
    """
    estimate, target = _pair(theta, truth)
    norm = float(np.linalg.norm(estimate))
    if norm == 0:
        return np.zeros_like(estimate)
    direction = estimate / norm
    along = float(direction @ target)
    share = float(np.tanh(norm * (NODES + along)) @ MASS)
    moved: Array = scalar_map(norm, along) * direction + share * (target - along * direction)
    return moved


def contraction(theta: Any, truth: Any) -> float:
    """Return exp(-m^2 / 2), m the smaller of |theta| and the truth's component along theta.

    Raises
    ------
    ValueError
        Unless theta'truth > 0: nothing is promised on the hyperplane across the truth.

    Notes
    -----
    ``|population_map(theta, truth) - truth| <= contraction(theta, truth) * |theta - truth|``; in one dimension the
    formula is that of Daskalakis, Tzamos & Zampetakis (2017).
    """
    estimate, target = _pair(theta, truth)
    product = float(estimate @ target)
    if product <= 0:
        raise ValueError(f"theta: theta'truth is {product:g}; give a theta with theta'truth > 0, or its negative")
    norm = float(np.linalg.norm(estimate))
    return float(np.exp(-0.5 * min(norm, product / norm) ** 2))


def local_rates(snr: float) -> tuple[float, float]:
    """Return the eigenvalues of the map's derivative at the truth: along the truth (once), across it (d - 1 times).

    Parameters
    ----------
    snr : float
        Length of the true mean, in standard deviations.

    Notes
    -----
    exp(-snr^2 / 2) E[Z^2 sech(snr Z)] and exp(-snr^2 / 2) E[sech(snr Z)], Z standard normal; the second is larger.
    """
    positive_number(snr, "snr")
    decay = np.exp(-snr * np.abs(NODES))  # the hyperbolic secant by decaying exponentials, which cannot overflow
    density = np.exp(-0.5 * snr**2) * MASS * 2 * decay / (1 + decay**2)
    return float(density @ NODES**2), float(density.sum())


def error_floor(snr: float, n_features: int, n: int) -> float:
    """Return the root mean square error of the maximum likelihood estimate, to first order in 1 / n.

    Parameters
    ----------
    snr : float
        Length of the true mean, in standard deviations.
    n_features, n : int
        Dimension and number of observations.

    Returns
    -------
    float
        In standard deviations.
    """
    positive_integer(n_features, "n_features")
    positive_integer(n, "n")
    along, across = local_rates(snr)
    return float(np.sqrt((1 / (1 - along) + (n_features - 1) / (1 - across)) / n))


def _pair(theta: Any, truth: Any) -> tuple[Array, Array]:
    estimate, target = as_floats(theta, "theta"), as_floats(truth, "truth")
    if estimate.ndim != 1 or estimate.shape != target.shape:
        raise ValueError(f"theta: shape {estimate.shape} found beside truth of shape {target.shape}; give two flat "
                         "arrays of one length")
    return estimate, target
