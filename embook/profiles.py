"""Performance profiles of methods, and ratios of their costs with intervals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from embook.study import Study
from emlib.numerics import Array

__all__ = ["never_as_infinity", "performance_profile", "pivot", "ratio_interval"]


def pivot(table: Study, column: str, *axes: str) -> Array:
    """Return a column as an array with one axis for each of the named key columns, in the table's order.

    Raises
    ------
    ValueError
        If the table does not hold every combination of the named columns exactly once.
    """
    places, sizes = [], []
    for axis in axes:
        names = list(dict.fromkeys(table[axis].tolist()))
        places.append(np.array([names.index(value) for value in table[axis].tolist()]))
        sizes.append(len(names))
    flat = np.ravel_multi_index(places, sizes)
    if len(flat) != np.prod(sizes) or len(np.unique(flat)) != len(flat):
        raise ValueError(f"axes: {len(table)} rows do not fill {' x '.join(map(str, sizes))} places once each")
    values: Array = np.empty(len(flat), dtype=table[column].dtype)
    values[flat] = table[column]
    return values.reshape(sizes)


def performance_profile(costs: Array, ratios: Sequence[float] | Array) -> Array:
    """Return for each method the share of instances that it solves within each multiple of the best method's cost.

    Parameters
    ----------
    costs : ndarray, shape (n_methods, n_instances)
        Infinite where the method did not solve the instance.
    ratios : array_like, shape (k,)
        Multiples, at least 1.

    Returns
    -------
    ndarray, shape (n_methods, k)

    Notes
    -----
    Dolan & Moré (2002). An instance that no method solves counts in the denominator and for nobody.

    Examples
    --------
    >>> import numpy as np
    >>> performance_profile(np.array([[10.0, np.inf], [20.0, 5.0]]), [1, 2]).tolist()
    [[0.5, 0.5], [0.5, 1.0]]
    """
    best = costs.min(axis=0)
    solved = np.isfinite(costs)
    quotient = np.divide(costs, best, out=np.full(costs.shape, np.inf), where=solved)
    shares: Array = (quotient[..., None] <= np.asarray(ratios, dtype=float)).mean(axis=1)
    return shares


def ratio_interval(first: Array, second: Array, limit: float, rng: np.random.Generator, *, level: float = 0.999,
                   n_draws: int = 4000) -> dict[str, float]:
    """Return the geometric mean of first/second over all instances, and an interval by resampling starts.

    Parameters
    ----------
    first, second : ndarray, shape (n_problems, n_starts)
        Costs; infinite where a run never came to the goal.
    limit : float
        What such a run is charged: the budget, which is less than it would have needed. An instance that neither
        solves says nothing and is left out.
    level : float
        Of the interval, whose ends are quantiles over resamples of the starts, the same for all problems.

    Returns
    -------
    dict with low, ratio, high
    """
    logs = np.log(np.minimum(first, limit)) - np.log(np.minimum(second, limit))
    counted = np.isfinite(first) | np.isfinite(second)
    if not counted.any():
        return {"low": np.nan, "ratio": np.nan, "high": np.nan}
    sums, numbers = np.where(counted, logs, 0.0).sum(axis=0), counted.sum(axis=0)
    draws = rng.integers(0, len(sums), (n_draws, len(sums)))
    means = sums[draws].sum(axis=1) / np.maximum(numbers[draws].sum(axis=1), 1)
    low, high = np.exp(np.quantile(means, [(1 - level) / 2, (1 + level) / 2]))
    return {"low": float(low), "ratio": float(np.exp(sums.sum() / numbers.sum())), "high": float(high)}


def never_as_infinity(counts: Any) -> Array:
    """Return counts of E-steps as floats; negative ones, of runs that never reached the goal, become infinite."""
    counts = np.asarray(counts, dtype=float)
    result: Array = np.where(counts < 0, np.inf, counts)
    return result
