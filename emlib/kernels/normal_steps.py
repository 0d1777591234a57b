"""Steps of a normal mixture with covariances of its own for each component, from the statistics of a mini-batch.

NumPy takes longer to call its functions than these few numbers need. K components, d features; moments are those of
`GaussianMoments` with a plain mean, sxx = counts. What may be no point inside the space is marked, not judged: there
the general path finds what is wrong and says so.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from emlib.kernels import blocks
from emlib.kernels import small_matrices as small
from emlib.kernels.array_types import AnyCube, AnyMatrix, AnyVector
from emlib.kernels.blocks import inlined

# Determinant of a correlation matrix from which on its smallest eigenvalue, at least a third of it, is no rounding.
LOG_CERTAIN = float(np.log(1e-8))
LARGEST = 300.0  # free coordinates of covariances up to which neither deviations nor their squares over- or underflow
LARGEST_LOG_ODDS = 30.0


@inlined
def scatter_about(shift: Any, count: float, see: Any, sex: Any, i: int, j: int) -> float:
    """Return an entry of the second moments about an origin that is moved."""
    return float(see[i, j] - (sex[i, 0] * shift[j] + shift[i] * (sex[j, 0] - count * shift[j])))


@blocks.cached
def add_moments(factor: float, heads: AnyVector, counts: AnyVector, see: AnyCube, sex: AnyCube, origin: AnyCube,
                weight: float, other_heads: AnyVector, other_counts: AnyVector, other_see: AnyCube, other_sex: AnyCube,
                other_origin: AnyCube) -> Any:
    """Return a weighted sum of two: expected memberships, counts, second and first moments about the first's origin."""
    count, side = origin.shape[0], origin.shape[1]
    members, sums = np.empty(count), np.empty(count)
    second, first = np.empty((count, side, side)), np.empty((count, side, 1))
    shift = np.empty(side)
    for k in range(count):
        members[k] = factor * heads[k] + weight * other_heads[k]
        sums[k] = factor * counts[k] + weight * other_counts[k]
        for i in range(side):
            shift[i] = origin[k, i, 0] - other_origin[k, i, 0]
            moved = other_sex[k, i, 0] - shift[i] * other_counts[k]
            first[k, i, 0] = factor * sex[k, i, 0] + weight * moved
            for j in range(i + 1):
                moved = scatter_about(shift, other_counts[k], other_see[k], other_sex[k], i, j)
                second[k, i, j] = factor * see[k, i, j] + weight * moved
        small.mirror(second[k])
    return members, sums, second, first


@inlined
def is_certainly_inside(covariance: Any, whitener: Any, floor: float, room: Any, work: Any) -> bool:
    """Return whether a covariance surely is positive definite, and surely has not collapsed against the data's."""
    side = len(covariance)
    small.copy(covariance, side, room)
    log_det, least = small.cholesky(room, side)
    for i in range(side):
        log_det -= np.log(covariance[i, i])
    if not (least > 0.0 and LOG_CERTAIN < log_det < 1.0):
        return False
    for i in range(side):
        for j in range(side):
            room[i, j] = -floor if i == j else 0.0
    small.add_congruence(whitener, covariance, side, work, room)
    _, least = small.cholesky(room, side)
    return bool(least > 0.0)


@blocks.cached
def maximise(heads: AnyVector, counts: AnyVector, see: AnyCube, sex: AnyCube, origin: AnyCube, whitener: AnyMatrix,
             least_weight: float, floor: float) -> Any:
    """Return weights, means and covariances that maximise Q, and whether they surely lie inside the space.

    Parameters
    ----------
    whitener : array, shape (d, d)
        The inverse of the Cholesky factor of the data's covariance.
    least_weight, floor : float
        Weights, and variances in units of the data's, that surely have not vanished lie above.
    """
    count, side = origin.shape[0], origin.shape[1]
    weights, means, covariances = np.empty(count), np.empty((count, side)), np.empty((count, side, side))
    step, room, work = np.empty(side), np.empty((side, side)), np.empty((side, side))
    total = 0.0
    for k in range(count):
        total += heads[k]
    certain = True
    for k in range(count):
        weights[k] = heads[k] / total
        certain = certain and least_weight < weights[k] < np.inf
        for i in range(side):
            step[i] = sex[k, i, 0] / counts[k]
            means[k, i] = origin[k, i, 0] + step[i]
            certain = certain and abs(means[k, i]) < np.inf
        for i in range(side):
            for j in range(i + 1):
                covariances[k, i, j] = scatter_about(step, counts[k], see[k], sex[k], i, j) / counts[k]
        small.mirror(covariances[k])
        certain = certain and is_certainly_inside(covariances[k], whitener, floor, room, work)
    return weights, means, covariances, certain


@blocks.cached
def free_gradient(weights: AnyVector, means: AnyMatrix, covariances: AnyCube, heads: AnyVector, counts: AnyVector,
                  see: AnyCube, sex: AnyCube, origin: AnyCube) -> Any:
    """Return the gradient of Q in free coordinates: reduced softmax, means, log-Cholesky row by row.

    With Sigma = L L', scatter S and count n, dQ/dL is the lower triangle of L'^-1 (L^-1 S L'^-1 - n I).
    """
    count, side = means.shape
    found = np.empty(count - 1 + count * side + count * (side * (side + 1) // 2))
    factor, inverse = np.empty((side, side)), np.zeros((side, side))
    scatter, room, shift = np.empty((side, side)), np.empty((side, side)), np.empty(side)
    total = 0.0
    for k in range(count):
        total += heads[k]
    for k in range(count - 1):
        found[k] = heads[k] - weights[k] * total
    place = count - 1 + count * side
    for k in range(count):
        small.copy(covariances[k], side, factor)
        small.cholesky(factor, side)
        small.invert_triangle(factor, side, inverse)
        for i in range(side):
            shift[i] = means[k, i] - origin[k, i, 0]
        for i in range(side):
            for j in range(i + 1):
                scatter[i, j] = scatter_about(shift, counts[k], see[k], sex[k], i, j)
        small.mirror(scatter)
        small.multiply(inverse, scatter, side, room)
        for i in range(side):
            low = count - 1 + k * side + i
            found[low] = 0.0
            for a in range(i, side):
                slope = 0.0
                for b in range(a + 1):
                    slope += inverse[a, b] * (sex[k, b, 0] - counts[k] * shift[b])
                found[low] += inverse[a, i] * slope
            for j in range(i + 1):
                slope = 0.0
                for a in range(i, side):
                    white = -counts[k] if a == j else 0.0
                    for b in range(j + 1):
                        white += room[a, b] * inverse[j, b]
                    slope += inverse[a, i] * white
                found[place] = slope * factor[i, i] if i == j else slope
                place += 1
    return found


@blocks.cached
def free_point(x: AnyVector, count: int, side: int) -> Any:
    """Return weights, means and covariances at free coordinates, and whether they surely lie inside the space."""
    weights, means, covariances = np.empty(count), np.empty((count, side)), np.empty((count, side, side))
    factor, certain = np.zeros((side, side)), True
    top, total = 0.0, 0.0
    for k in range(count - 1):
        certain = certain and abs(x[k]) < LARGEST_LOG_ODDS
        top = max(top, x[k])
    for k in range(count):
        weights[k] = np.exp((x[k] if k < count - 1 else 0.0) - top)
        total += weights[k]
    place = count - 1
    for k in range(count):
        weights[k] /= total
        for i in range(side):
            means[k, i] = x[place]
            certain = certain and abs(x[place]) < np.inf
            place += 1
    for k in range(count):
        log_det = 0.0
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
                covariances[k, i, j] = total
            log_det -= np.log(covariances[k, i, i])
        small.mirror(covariances[k])
        certain = certain and LOG_CERTAIN < log_det < 1.0
    return weights, means, covariances, certain
