"""Gradients in free coordinates, and points at these, of K normal regressions after a mini-batch, in compiled loops.

Free coordinates are the reduced softmax of the weights, if there are any, the coefficients, and of covariances
log-Cholesky row by row, of variances their logarithms. Arrays and `kind` are as in `normal_moments`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from emlib.kernels import blocks
from emlib.kernels import small_matrices as small
from emlib.kernels.array_types import AnyCube, AnyMatrix, AnyVector
from emlib.kernels.normal_moments import DIAGONAL, FULL, SPHERICAL, TIED, move_design, move_second
from emlib.kernels.normal_steps import LOG_CERTAIN
from emlib.kernels.small_matrices import inlined_exact

LARGEST = 300.0  # free coordinates of covariances up to which neither deviations nor their squares over- or underflow
LARGEST_LOG_ODDS = 30.0


@inlined_exact
def add_log_cholesky(inverse: Any, factor: Any, scatter: Any, count: float, room: Any, found: Any, place: int) -> None:
    """Write dQ/dL, its diagonal times that of L: the lower triangle of L'^-1 (L^-1 S L'^-1 - n I), Sigma = L L'."""
    side = len(factor)
    small.multiply(inverse, scatter, side, room)
    for i in range(side):
        for j in range(i + 1):
            slope = 0.0
            for a in range(i, side):
                white = -count if a == j else 0.0
                for b in range(j + 1):
                    white += room[a, b] * inverse[j, b]
                slope += inverse[a, i] * white
            found[place] = slope * factor[i, i] if i == j else slope
            place += 1


@inlined_exact
def write_slopes(sex: Any, moved: Any, inverse: Any, white: Any, found: Any, place: int) -> None:
    """Write dQ/dW = Sigma^-1 (Sex - s Sxx), given the inverse of the Cholesky factor."""
    side, width = moved.shape
    for a in range(width):
        for i in range(side):
            white[i] = 0.0
            for b in range(i + 1):
                white[i] += inverse[i, b] * (sex[b, a] - moved[b, a])
        for i in range(side):
            total = 0.0
            for b in range(i, side):
                total += inverse[b, i] * white[b]
            found[place + i * width + a] = total


@blocks.cached
def free_gradient(kind: int, weights: AnyVector, coefficients: AnyCube, noise: AnyMatrix, heads: AnyVector,
                  counts: AnyVector, see: AnyMatrix, sex: AnyCube, sxx: AnyCube, origin: AnyCube) -> Any:
    """Return the gradient of Q in free coordinates; without `heads`, shape (0,), that of the weights is left out."""
    count, side, width = origin.shape
    squared = side * (side + 1) // 2 if kind <= TIED else noise.shape[1]
    start = max(len(heads) - 1, 0)
    place = start + count * side * width
    found = np.empty(place + len(noise) * squared)
    factor, inverse, scatter = np.empty((side, side)), np.zeros((side, side)), np.zeros((side, side))
    room, white, left = np.empty((side, side)), np.empty(side), np.empty(see.shape[1])
    shift, moved = np.empty((side, width)), np.empty((side, width))
    total, size = 0.0, 0.0
    for k in range(len(heads)):
        total += heads[k]
    for k in range(start):
        found[k] = heads[k] - weights[k] * total
    for k in range(count):
        for i in range(side):
            for a in range(width):
                shift[i, a] = coefficients[k, i, a] - origin[k, i, a]
        move_design(shift, sxx[k], moved)
        move_second(kind, see[k], sex[k], moved, shift, left)
        if kind >= DIAGONAL:
            for i in range(side):
                variance = noise[k, i if kind == DIAGONAL else 0]
                for a in range(width):
                    found[start + (k * side + i) * width + a] = (sex[k, i, a] - moved[i, a]) / variance
            size = counts[k] * side if kind == SPHERICAL else counts[k]
            for i in range(squared):
                found[place + i] = 0.5 * (left[i] / noise[k, i] - size)
            place += squared
            continue
        if kind == FULL or k == 0:
            for i in range(side):
                for j in range(side):
                    factor[i, j] = noise[k, i * side + j]
            small.cholesky(factor, side)
            small.invert_triangle(factor, side, inverse)
            scatter[:], size = 0.0, 0.0
        write_slopes(sex[k], moved, inverse, white, found, start + k * side * width)
        size += counts[k]
        for i in range(side):
            for j in range(side):
                scatter[i, j] += left[i * side + j]
        if kind == FULL or k == count - 1:
            add_log_cholesky(inverse, factor, scatter, size, room, found, place)
            place += squared
    return found


@inlined_exact
def write_covariance(x: Any, place: int, factor: Any, noise: Any) -> bool:
    """Write L L' of log-Cholesky coordinates, flat; return whether it surely is positive definite."""
    side, certain, log_det = len(factor), True, 0.0
    for i in range(side):
        for j in range(i + 1):
            certain = certain and abs(x[place]) < (LARGEST if i == j else np.inf)
            factor[i, j] = np.exp(x[place]) if i == j else x[place]
            log_det += 2.0 * x[place] if i == j else 0.0
            place += 1
    for i in range(side):
        for j in range(i + 1):
            total = 0.0
            for b in range(j + 1):
                total += factor[i, b] * factor[j, b]
            noise[i * side + j] = total
            noise[j * side + i] = total
        log_det -= np.log(noise[i * side + i])
    return bool(certain and LOG_CERTAIN < log_det < 1.0)


@blocks.cached
def free_point(kind: int, weighted: bool, x: AnyVector, count: int, side: int, width: int) -> Any:
    """Return weights, coefficients and covariances at free coordinates, and whether they surely lie inside the space.

    Without weights among the coordinates there are none in the result.
    """
    weights, coefficients = np.empty(count if weighted else 0), np.empty((count, side, width))
    size = side * side if kind <= TIED else (side if kind == DIAGONAL else 1)
    noise, factor = np.empty((1 if kind == TIED else count, size)), np.zeros((side, side))
    certain, top, total = True, 0.0, 0.0
    for k in range(len(weights) - 1):
        certain = certain and abs(x[k]) < LARGEST_LOG_ODDS
        top = max(top, x[k])
    for k in range(len(weights)):
        weights[k] = np.exp((x[k] if k < count - 1 else 0.0) - top)
        total += weights[k]
    for k in range(len(weights)):
        weights[k] /= total
    place = max(len(weights) - 1, 0)
    for k in range(count):
        for i in range(side):
            for a in range(width):
                coefficients[k, i, a] = x[place]
                certain = certain and abs(x[place]) < np.inf
                place += 1
    for k in range(len(noise)):
        if kind <= TIED:
            certain = write_covariance(x, place, factor, noise[k]) and certain
            place += side * (side + 1) // 2
            continue
        for i in range(size):
            certain = certain and abs(x[place]) < LARGEST
            noise[k, i] = np.exp(x[place])
            place += 1
    return weights, coefficients, noise, certain
