"""Sums of the moments of K normal regressions of mini-batches, about whichever coefficients, in compiled loops.

NumPy takes longer to call its functions than these few numbers need. K components, d responses, p columns of the
design; moments are those of `GaussianMoments`, second ones flat, shape (K, m): m = d d of full and tied covariances, d
of diagonal, 1 of spherical ones. A plain mean is the regression on x = 1. `kind` is the place in `covariance.TYPES`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from emlib.kernels import blocks
from emlib.kernels.array_types import AnyCube, AnyMatrix, AnyVector
from emlib.kernels.small_matrices import inlined_exact

FULL, TIED, DIAGONAL, SPHERICAL = 0, 1, 2, 3


@inlined_exact
def taken(sex: Any, moved: Any, shift: Any, i: int, j: int) -> float:
    """Return what a shift s of the coefficients takes from an entry of the second moments; `moved` is s Sxx."""
    total = 0.0
    for a in range(shift.shape[1]):
        total += sex[i, a] * shift[j, a] + shift[i, a] * (sex[j, a] - moved[j, a])
    return total


@inlined_exact
def move_design(shift: Any, sxx: Any, moved: Any) -> None:
    """Write s Sxx."""
    for i in range(shift.shape[0]):
        for a in range(shift.shape[1]):
            total = 0.0
            for b in range(shift.shape[1]):
                total += shift[i, b] * sxx[b, a]
            moved[i, a] = total


@inlined_exact
def move_second(kind: int, see: Any, sex: Any, moved: Any, shift: Any, result: Any) -> None:
    """Write the second moments of a component, shape (m,), about coefficients that differ by a shift."""
    side = len(shift)
    for i in range(len(see)):
        result[i] = see[i]
    for i in range(side):
        for j in range(0 if kind <= TIED else i, i + 1):
            gone = taken(sex, moved, shift, i, j)
            if kind <= TIED:
                result[i * side + j] = see[i * side + j] - gone
                result[j * side + i] = result[i * side + j]
            else:
                result[i if kind == DIAGONAL else 0] -= gone


@blocks.cached
def add_moments(kind: int, factor: float, counts: AnyVector, see: AnyMatrix, sex: AnyCube, sxx: AnyCube,
                origin: AnyCube, weight: float, counts_2: AnyVector, see_2: AnyMatrix, sex_2: AnyCube, sxx_2: AnyCube,
                origin_2: AnyCube, weight_3: float, counts_3: AnyVector, see_3: AnyMatrix, sex_3: AnyCube,
                sxx_3: AnyCube, origin_3: AnyCube) -> Any:
    """Return a weighted sum of counts and moments about the first's origin; the third is left out if it has no weight.
    """
    (count, side, width), size = origin.shape, see.shape[1]
    sums, second = np.empty(count), np.empty((count, size))
    first, design = np.empty((count, side, width)), np.empty((count, width, width))
    shift, moved, there = np.empty((side, width)), np.empty((side, width)), np.empty(size)
    others = (counts_2, see_2, sex_2, sxx_2, origin_2), (counts_3, see_3, sex_3, sxx_3, origin_3)
    for k in range(count):
        sums[k] = factor * counts[k]
        for i in range(size):
            second[k, i] = factor * see[k, i]
        for i in range(side):
            for a in range(width):
                first[k, i, a] = factor * sex[k, i, a]
        for a in range(width):
            for b in range(width):
                design[k, a, b] = factor * sxx[k, a, b]
        for place in range(2 if weight_3 != 0.0 else 1):
            share = weight if place == 0 else weight_3
            their_counts, their_see, their_sex, their_sxx, their_origin = others[place]
            sums[k] += share * their_counts[k]
            for i in range(side):
                for a in range(width):
                    shift[i, a] = origin[k, i, a] - their_origin[k, i, a]
            move_design(shift, their_sxx[k], moved)
            move_second(kind, their_see[k], their_sex[k], moved, shift, there)
            for i in range(size):
                second[k, i] += share * there[i]
            for i in range(side):
                for a in range(width):
                    first[k, i, a] += share * (their_sex[k, i, a] - moved[i, a])
            for a in range(width):
                for b in range(width):
                    design[k, a, b] += share * their_sxx[k, a, b]
    return sums, second, first, design
