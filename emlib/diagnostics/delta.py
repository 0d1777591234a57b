"""Standard errors of functions of the parameters: the delta method."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from emlib.diagnostics.bound import differences
from emlib.diagnostics.information import LEAST_LOADING, Information
from emlib.diagnostics.tangent import steps
from emlib.model import LatentVariableModel
from emlib.numerics import Array

LEAST_VARIANCE = 1e-14  # share of the variance, in standardised entries, below which a direction has none


@dataclass(frozen=True, eq=False)
class Estimate:
    """A function of the parameters at the estimate.

    Attributes
    ----------
    value, standard_error : ndarray
        Of the function's shape; the standard error is infinite where the value depends on an unidentified direction.
    covariance : ndarray, shape (m, m)
        Of the m entries of the value, over the identified directions.
    """

    value: Array
    standard_error: Array
    covariance: Array


def delta_method(model: LatentVariableModel, found: Information, function: Callable[[Any], Any],
                 params: Any) -> Estimate:
    """Return a function of the parameters with its standard error.

    Parameters
    ----------
    found : Information
        Of the same model at the same point, as `information` returns it.
    function : callable
        From the model's parameters to a number or an array; it must be smooth there.
    params : the model's parameters

    Returns
    -------
    Estimate

    Raises
    ------
    ValueError
        If the function is not finite near the point.

    Notes
    -----
    The derivative is taken by fourth-order differences along the directions that the covariance knows, so that
    constraints hold on the way: rows still add up to one, what is held stays.

    Examples
    --------
    >>> import numpy as np
    >>> import emlib
    >>> from emlib import diagnostics as dx
    >>> from emlib.models import Linkage
    >>> counts = [125, 18, 20, 34]
    >>> best = emlib.fit(Linkage(), counts, rng=0)
    >>> found = dx.information(Linkage(), counts, best.params)
    >>> odds = dx.delta_method(Linkage(), found, lambda p: p.theta / (1 - p.theta), best.params)
    >>> round(float(odds.value), 3), round(float(odds.standard_error), 3)
    (1.68, 0.37)
    """
    value = _value(function, params)
    slopes = _slopes(model, function, params, _spread(found.covariance))
    silent = _slopes(model, function, params, found.unidentified * _scale(found))
    covariance = slopes @ slopes.T
    spread = np.sqrt(np.diag(covariance))
    least = LEAST_LOADING * np.maximum(spread, LEAST_LOADING * np.abs(value.ravel()))
    depends = np.abs(silent).max(axis=1, initial=0.0) > least
    return Estimate(value, np.where(depends, np.inf, spread).reshape(value.shape), covariance)


def _value(function: Callable[[Any], Any], params: Any) -> Array:
    value = np.asarray(function(params), dtype=float)
    if not np.isfinite(value).all():
        raise ValueError("function: not finite at the parameters or next to them; the delta method needs a smooth one")
    return value


def _spread(covariance: Array) -> Array:
    """Return S with S S' = covariance, one column a direction of the standard entries, whatever their units."""
    scale = np.sqrt(np.diag(covariance))
    seen = scale > 0
    values, vectors = np.linalg.eigh(covariance[np.ix_(seen, seen)] / np.outer(scale[seen], scale[seen]))
    kept = values > LEAST_VARIANCE * values.max(initial=0.0)
    spread = np.zeros((len(scale), int(kept.sum())))
    spread[seen] = scale[seen, None] * vectors[:, kept] * np.sqrt(values[kept])
    return spread


def _scale(found: Information) -> float:
    """Return a length for steps along unidentified directions: a typical known standard error."""
    known = np.sqrt(np.diag(found.covariance))
    return float(np.median(known[known > 0])) if (known > 0).any() else 1.0


def _slopes(model: LatentVariableModel, function: Callable[[Any], Any], params: Any, directions: Array) -> Array:
    """Return the derivatives along the directions (columns), shape (m, number of directions)."""
    space = model.space
    if not directions.shape[1]:
        return np.empty((_value(function, params).size, 0))
    moves = steps(model, params, directions, 1.0)
    change = differences(lambda x: _value(function, space.unpack(x, "standard")).ravel(),
                         space.pack(params, "standard"), moves)
    slopes: Array = change * np.linalg.norm(directions, axis=0) / np.linalg.norm(moves, axis=0)
    return slopes
