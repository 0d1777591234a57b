"""The bound F(q, theta) = E_q log p(y, z; theta) + entropy(q), its gap, and Fisher's identity."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from emlib.model import LatentVariableModel
from emlib.numerics import Array
from emlib.problem import Problem

DIFFERENCE_STEP = 1e-3  # of fourth-order differences: the error is of the order of its fourth power


def elbo(model: LatentVariableModel, data: Any, params: Any, q: Any = None) -> float:
    """Return F(q, theta), the lower bound of the log-likelihood.

    Parameters
    ----------
    params : parameters theta of the complete-data likelihood
    q : parameters, or ndarray
        Parameters theta_t stand for the posterior at theta_t, then F = Q(theta | theta_t) + entropy. An
        array gives the distribution itself (mixtures: shape (n, K)). None means the posterior at `params`.

    Returns
    -------
    float
        Nats; equal to the log-likelihood at the exact posterior (Neal & Hinton 1998).
    """
    units = model.as_data(data)
    if q is None or isinstance(q, model.space.params_type):
        found = model.e_step(params if q is None else q, units)
        return model.q_value(params, found.stats) + found.entropy
    if not model.supplies("expectation_under"):
        raise ValueError(f"q: {type(model).__name__} takes parameters here, whose posterior is meant, not an array")
    stats, entropy = model.expectation_under(q, params, units)
    return float(model.q_value(params, stats) + entropy)


def jensen_gap(model: LatentVariableModel, data: Any, params: Any, q: Any) -> float:
    """Return loglik - F(q, theta) = KL(q || posterior) >= 0, in nats; see `elbo` for q."""
    units = model.as_data(data)
    return model.e_step(params, units).loglik - elbo(model, units, params, q)


def posterior_entropy(model: LatentVariableModel, data: Any, params: Any, *, normalised: bool = False) -> float:
    """Return the joint entropy of the latent variables given the data.

    Parameters
    ----------
    normalised : bool
        Mean over units, as a share of log K; only for discrete latents with K >= 2 states (theorem T14).

    Returns
    -------
    float
        Nats, or a number in [0, 1].
    """
    units = model.as_data(data)
    found = model.e_step(params, units)
    if not normalised:
        return found.entropy
    states = model.n_latent_values
    if states < 2 or units.listed:
        raise ValueError(f"normalised: {type(model).__name__} has no discrete latent variable with K >= 2 states; "
                         "use the missing-information ratio, dx.information(...).rate, instead")
    return float(found.entropy / (found.n_units * np.log(states)))


def fisher_identity_gap(model: LatentVariableModel, data: Any, params: Any, *, at: Any = None,
                        gradient: Callable[[Array], Array] | None = None) -> float:
    """Return the relative gap between grad_1 Q(at | params) and grad loglik(at), in free coordinates.

    Parameters
    ----------
    at : parameters, optional
        Where both gradients are taken; the default is `params`, where Fisher's identity holds. Elsewhere it
        does not: that is the control.
    gradient : callable, optional
        The true gradient as a function of the free vector, for example by autodiff; default: differences.

    Returns
    -------
    float
        Largest absolute difference over the largest entry of the true gradient (at least 1).
    """
    problem = Problem(model, data)
    place = params if at is None else at
    stats = problem.expectation(params).stats
    ours = model.space.pullback(place, model.q_gradient(place, stats), "free")
    x = model.space.pack(place, "free")
    true = differences(problem.loglik, x) if gradient is None else np.asarray(gradient(x))
    return float(np.abs(ours - true).max() / max(1.0, np.abs(true).max()))


def differences(function: Callable[[Array], Any], x: Array, steps: Array | None = None) -> Array:
    """Return the derivative along each step (default: unit vectors) by fourth-order central differences.

    Parameters
    ----------
    function : callable
        From a vector to a number or a vector.
    steps : ndarray, shape (p, m)
        Columns are the directions, already scaled.

    Returns
    -------
    ndarray, shape (..., m)
    """
    columns = DIFFERENCE_STEP * np.eye(len(x)) if steps is None else steps
    unit = DIFFERENCE_STEP if steps is None else 1.0
    slopes = []
    for h in columns.T:
        near = np.asarray(function(x + h)) - np.asarray(function(x - h))
        far = np.asarray(function(x + 2 * h)) - np.asarray(function(x - 2 * h))
        slopes.append((8 * near - far) / (12 * unit))
    return np.stack(slopes, axis=-1)
