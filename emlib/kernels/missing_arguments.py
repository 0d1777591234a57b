"""Named tuples of the compiled pass over rows with missing entries; see `arguments`."""

from __future__ import annotations

from typing import NamedTuple

from emlib.kernels.array_types import IntegerMatrix, Integers, Matrix, Vector


class Kinds(NamedTuple):
    """G patterns of seen entries, and n rows of d entries sorted by their patterns.

    Attributes
    ----------
    entries : ndarray of int, shape (G, d)
        Which entries are seen, first in each row, then the missing ones.
    sizes, ends : ndarray of int, shape (G,)
        How many are seen, and how many rows this pattern and the ones before have.
    order : ndarray of int, shape (n,)
    """

    entries: IntegerMatrix
    sizes: Integers
    ends: Integers
    order: Integers


class Normal(NamedTuple):
    """Mean (d,) and covariance (d, d)."""

    mean: Vector
    covariance: Matrix


class FilledSums(NamedTuple):
    """What the pass writes; it adds to the moments.

    Attributes
    ----------
    distance : ndarray, shape (n,)
        r' S^-1 r of each row's seen residuals r of covariance S.
    counts : ndarray, shape (G,)
        Weights of the rows of each pattern.
    log_det, left_log_det : ndarray, shape (G,)
        Of the covariance of the seen entries, and of the missing ones given these.
    moments : ndarray, shape (W, W)
        Of the residuals, filled in, and one; W is d + 1 rounded up to an even number.
    left : ndarray, shape (d, d)
        Sum over the rows of the covariances of the missing entries given the seen ones, lower triangle.
    """

    distance: Vector
    counts: Vector
    log_det: Vector
    left_log_det: Vector
    moments: Matrix
    left: Matrix


class PatternMoments(NamedTuple):
    """What the pass for the missing information writes; zeros stay where no entry is missing.

    Attributes
    ----------
    spread : ndarray, shape (G, p)
        Covariance of a row's score in the mean given the seen entries: its lower triangle, row by row, p = d(d + 1)/2.
    moments : ndarray, shape (G, p + d + 1)
        Sums of (s s' + spread/2), lower triangle, of s and of one over a pattern's rows, s their expected scores.
    """

    spread: Matrix
    moments: Matrix
