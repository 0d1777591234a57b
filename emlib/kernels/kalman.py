"""The pass of filter and smoother over sequences one after the other, and the expected moments that it adds up."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from emlib.kernels import blocks
from emlib.kernels import small_matrices as small
from emlib.kernels.kalman_arguments import Patterns, Series, Smoothed, System
from emlib.kernels.kalman_filter import Covariances, run_forward
from emlib.kernels.kalman_patterns import add_covariances, add_observations, no_laws
from emlib.kernels.kalman_smoother import Spreads, run_backward
from emlib.kernels.small_matrices import inlined_exact

UNROLLED = 4  # states up to which the pass is compiled for their number alone


@inlined_exact
def add_means(means: Any, noise: Any, weight: float, system: Any, side: int, vector: Any, sums: Any) -> None:
    """Add the moments of the means of one sequence's states, and of their noise, to `sums`."""
    vector[side] = 1.0
    for j in range(side):
        vector[j] = means[0, j] - system.initial_mean[j]
    small.add_outer(weight, vector, side + 1, sums.initial)
    for t in range(1, len(means)):
        for j in range(side):
            vector[j] = noise[t, j]
            vector[side + 1 + j] = means[t - 1, j]
        small.add_outer(weight, vector, 2 * side + 1, sums.moves)


@inlined_exact
def add_spreads(spreads: Any, side: int, sums: Any) -> None:
    """Add the covariances of states and of their noise to the moments, which are then whole."""
    for i in range(side):
        for j in range(side):
            sums.initial[i, j] += spreads.first[i, j]
            sums.moves[i, j] += spreads.moves[0, i, j]
            sums.moves[side + 1 + j, i] += spreads.moves[1, i, j]
            sums.moves[side + 1 + i, side + 1 + j] += spreads.moves[2, i, j]
    small.mirror(sums.initial)
    small.mirror(sums.moves)
    small.mirror(sums.observed)


@cache
def smoother_of(unrolled: int) -> Any:
    """Return the pass, compiled for so many states, or for any number of them if `unrolled` is zero."""
    def smooth_sequences(series: Series, patterns: Patterns, system: System, sums: Smoothed) -> float:
        side = unrolled if unrolled > 0 else len(system.initial_mean)
        longest, width = series.lengths.max(), series.rows.shape[1]
        found = Covariances(np.empty((longest + 1, side, side)), np.empty((longest + 1, side, side)),
                            np.empty(longest, np.int64))
        laws = no_laws(len(patterns.sizes), width, side)
        spreads = Spreads(np.zeros((len(patterns.sizes), side, side)), np.zeros((side, side)),
                          np.zeros((3, side, side)))
        room, noise, vector = np.empty((longest, side)), np.empty((longest, side)), np.empty(width + 2 * side + 1)
        low = 0
        least: float = 1.0
        for s in range(len(series.lengths)):
            high, weight = low + series.lengths[s], series.weights[s]
            rows, kinds, means = series.rows[low:high], series.kinds[low:high], room[:high - low]
            sums.distance[s], sums.log_det[s], sums.information[s], pivot = run_forward(
                rows, kinds, patterns, system, side, laws, found, means, noise)
            least = min(least, pivot)
            if least > 0.0:
                least = min(least, run_backward(kinds, weight, system, side, found, means, noise, spreads))
            if not least > 0.0:
                return least
            add_means(means, noise, weight, system, side, vector, sums)
            add_observations(rows, kinds, weight, patterns, system, side, laws, means, vector, sums)
            low = high
        add_covariances(patterns, system, laws, spreads.by_pattern, sums)
        add_spreads(spreads, side, sums)
        return least

    return blocks.cached(smooth_sequences)


def smooth(series: Series, patterns: Patterns, system: System, sums: Smoothed) -> float:
    """Filter and smooth all sequences, and add to `sums`; return the least Cholesky pivot, see `small.cholesky`.

    A pivot that is not positive ends the pass.
    """
    side = len(system.initial_mean)
    least: float = smoother_of(side if side <= UNROLLED else 0)(series, patterns, system, sums)
    return least
