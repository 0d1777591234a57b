"""Second derivatives by differences of the gradient, in the units of each coordinate."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from emlib.blocks import PositiveDefinite, Real
from emlib.numerics import Array, symmetrise
from emlib.space import ParameterSpace

CENTRAL_STEP = 1e-5  # of central differences, in units of each coordinate


def units(space: ParameterSpace, x: Array, bend: Array, coordinates: str) -> Array:
    """Return the natural unit of each coordinate: its standard error from one unit of complete data.

    Parameters
    ----------
    bend : ndarray, shape (p, p)
        Hessian of Q, for one unit of data.

    Notes
    -----
    Means and covariances are in the data's units, which may be of any size. Logarithms and log-odds have no unit,
    and the log-likelihood bends over steps of length one even where the data determine them badly.
    """
    curvature = np.abs(np.diag(bend))
    known = (curvature > 0) & np.isfinite(curvature)
    errors: Array = np.divide(1.0, np.sqrt(curvature), where=known, out=np.ones(len(x)))
    if coordinates != "free":
        return errors
    return np.where(logarithms(space), np.minimum(errors, np.maximum(1.0, np.abs(x))), errors)


def logarithms(space: ParameterSpace) -> Array:
    """Return a mask of the free coordinates that are logarithms or log-odds, and so have no unit."""
    return np.concatenate([np.full(block.free_size, not isinstance(block, Real | PositiveDefinite))
                           for block in space.blocks])


def hessian(gradient: Callable[[Array], Array], x: Array, steps: Array) -> Array:
    """Return the symmetric Jacobian of a gradient, by central differences of CENTRAL_STEP times `steps`."""
    columns = []
    for index, move in enumerate(CENTRAL_STEP * steps):
        low, high = (x + sign * move * np.eye(len(x))[index] for sign in (-1, 1))
        columns.append((gradient(high) - gradient(low)) / (high[index] - low[index]))
    full: Array = np.stack(columns, axis=1)
    return symmetrise(full)
