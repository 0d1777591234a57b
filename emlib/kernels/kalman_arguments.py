"""Named tuples of the compiled filter and smoother; the annotations of their fields are their Numba types.

N sequences, one after the other, n rows of d entries in all; G patterns of seen entries; k states. Arrays are
contiguous. A matrix of moments of a vector v holds the weighted sum of E[v v'] given all rows.
"""

from __future__ import annotations

from typing import NamedTuple

from emlib.kernels.array_types import IntegerMatrix, Integers, Matrix, Vector


class Patterns(NamedTuple):
    """Patterns of seen entries: which entries are seen, first in each row (G, d), and how many (G,)."""

    entries: IntegerMatrix
    sizes: Integers


class Series(NamedTuple):
    """Rows (n, d) and the pattern of each (n,); lengths and weights of the sequences (N,)."""

    rows: Matrix
    kinds: Integers
    lengths: Integers
    weights: Vector


class System(NamedTuple):
    """Parameters of a linear dynamical system, as `LinearDynamicalSystemParams` names them.

    The offset of the observation is taken off the rows before.
    """

    initial_mean: Vector
    initial_covariance: Matrix
    transition: Matrix
    transition_covariance: Matrix
    observation: Matrix
    observation_covariance: Matrix
    transition_offset: Vector


class Smoothed(NamedTuple):
    """What the smoother writes; it adds to the moments and the counts.

    Attributes
    ----------
    distance, log_det, information : ndarray, shape (N,)
        Sums over each sequence of r' S^-1 r and log|S| for residuals r of covariance S; and the mutual information of
        states and seen entries, nats.
    initial : ndarray, shape (k + 1, k + 1)
        Moments of (z_1 - m, 1).
    moves : ndarray, shape (2 k + 1, 2 k + 1)
        Moments of (noise of the state, 1, state before).
    observed : ndarray, shape (d + 1 + k, d + 1 + k)
        Moments of (noise of the row, 1, state), of rows with a seen entry.
    counts, noise_log_det : ndarray, shape (G,)
        Weights of the rows of each pattern, and log|R| over its seen entries.
    """

    distance: Vector
    log_det: Vector
    information: Vector
    initial: Matrix
    moves: Matrix
    observed: Matrix
    counts: Vector
    noise_log_det: Vector
