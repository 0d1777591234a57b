"""The Kullback-Leibler divergence of two parameters' complete data, by the closed forms of their distributions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy

from emlib.families import covariance
from emlib.model import LatentVariableModel
from emlib.models import BernoulliMixture, GaussianMixture, Linkage, PoissonMixture
from emlib.numerics import Array


def complete_divergence(model: LatentVariableModel, first: Any, second: Any) -> float:
    """Return KL(p_first || p_second) of one unit with its hidden variable.

    Parameters
    ----------
    model : PoissonMixture, GaussianMixture, BernoulliMixture or Linkage
    first, second : parameters, or mappings of their fields

    Returns
    -------
    float
        Nats; infinite where `first` allows what `second` excludes.

    Raises
    ------
    TypeError
        For a model without a closed form here.

    Notes
    -----
    It does not use Q, whose differences it is compared with: for a full family the gain of an EM step is this
    divergence of the new parameters from the old, once a unit, plus that of the old posterior from the new one.

    Examples
    --------
    >>> from emlib import diagnostics as dx
    >>> from emlib.models import Linkage
    >>> round(dx.complete_divergence(Linkage(), {"theta": 0.6}, {"theta": 0.5}), 6)
    0.010068
    """
    between = next((found for known, found in _BETWEEN.items() if isinstance(model, known)), None)
    if between is None:
        known = ", ".join(cls.__name__ for cls in _BETWEEN)
        raise TypeError(f"model: {type(model).__name__} has no closed form here; it is known for {known}")
    p, q = model.space.accepted(first), model.space.accepted(second)
    if isinstance(model, Linkage):
        return float(between(model, p, q))
    return float(scipy.special.rel_entr(p.weights, q.weights).sum() + p.weights @ between(model, p, q))


def _linkage(model: Linkage, p: Any, q: Any) -> Any:
    """Half a coin's divergence: five cells, of which the first never changes."""
    return 0.5 * _coins(p.theta, q.theta)


def _coins(p: Array, q: Array) -> Array:
    return np.asarray(scipy.special.kl_div(p, q) + scipy.special.kl_div(1 - p, 1 - q))


def _poisson(model: PoissonMixture, p: Any, q: Any) -> Array:
    return np.asarray(scipy.special.kl_div(p.rates, q.rates))


def _bernoulli(model: BernoulliMixture, p: Any, q: Any) -> Array:
    return np.asarray(_coins(p.probabilities, q.probabilities).sum(axis=1))


def _gaussian(model: GaussianMixture, p: Any, q: Any) -> Array:
    count, side = p.means.shape
    here, there = (covariance.expand(model.covariance_type, np.asarray(x.covariances), count, side) for x in (p, q))
    shift = (q.means - p.means)[:, :, None]
    ratio = np.linalg.solve(there, here)
    trace, logdet = np.trace(ratio, axis1=1, axis2=2), np.linalg.slogdet(ratio)[1]
    squares = (shift * np.linalg.solve(there, shift)).sum(axis=(1, 2))
    return np.asarray(0.5 * (trace - side - logdet + squares))


_BETWEEN: dict[type, Callable[[Any, Any, Any], Any]] = {
    PoissonMixture: _poisson, GaussianMixture: _gaussian, BernoulliMixture: _bernoulli, Linkage: _linkage,
}  # fmt: skip
