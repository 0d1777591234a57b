"""What a Gaussian mixture does with rows of data: starting centres, moments, scores."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from emlib.data import Data
from emlib.families import GaussianMoments, covariance
from emlib.families.linear_gaussian import LOG_2PI
from emlib.model import Statistics
from emlib.numerics import Array, eigenvalues_exceed, lower_indices, squared_lengths

COLLAPSED = 1e-10  # smallest variance of a component, as a share of the data's in the same direction
SPREAD = 0.01  # size of the nudge that tells equal components apart, in standard deviations of the data


def spread_centres(data: Data, count: int, rng: np.random.Generator) -> Array:
    """Return `count` distinct rows, spread by the k-means++ rule in whitened units."""
    root = np.linalg.inv(np.linalg.cholesky(data.scale))
    white = (data.units - data.units.mean(axis=0)) @ root.T
    chance = data.frequencies
    nearest = np.full(len(white), np.inf)
    picked = []
    for found in range(count):
        if not chance.sum() > 0:
            raise ValueError(f"data: only {found} distinct rows found, fewer than the {count} components")
        picked.append(int(rng.choice(len(white), p=chance / chance.sum())))
        nearest = np.minimum(nearest, ((white - white[picked[-1]]) ** 2).sum(axis=1))
        chance = nearest if data.weights is None else nearest * data.weights
    return np.array(data.units[picked])


def shrunk(scale: Array, count: int, kind: str) -> Array:
    """Return starting covariances: the data's, shrunk by the number of components that share the space."""
    share = 1.0 / count ** (2.0 / len(scale))
    return covariance.average(kind, share * np.repeat(scale[None], count, axis=0), np.ones(count))


def nudged(means: Array, scale: Array, rng: np.random.Generator) -> Array:
    """Return the means moved a little, each by itself."""
    moved: Array = means + SPREAD * rng.standard_normal(means.shape) @ np.linalg.cholesky(scale).T
    return moved


def collapsed(noise: Array, scale: Array) -> tuple[int, float] | None:
    """Return the component whose covariance has collapsed against the data's, with its smallest share; or None."""
    root = whitener(scale)
    shares = root @ noise @ root.T
    if eigenvalues_exceed(shares, COLLAPSED):
        return None
    smallest = np.linalg.eigvalsh(shares)[:, 0]
    k = int(smallest.argmin())
    return None if smallest[k] > COLLAPSED else (k, float(smallest[k]))


def whitener(scale: Array) -> Array:
    """Return L^-1 of the data's covariance L L'."""
    return _whitener(scale.tobytes(), len(scale))


@lru_cache(maxsize=8)
def _whitener(entries: bytes, side: int) -> Array:
    """Return L^-1 of a covariance L L', by its bytes: an M-step after each mini-batch asks for the same one."""
    return np.asarray(np.linalg.inv(np.linalg.cholesky(np.frombuffer(entries).reshape(side, side))))


def log_density(rows: Array, means: Array, noise: Array) -> Array:
    """Return log N(y_i | mu_k, Sigma_k), shape (n, K)."""
    side = rows.shape[1]
    found = np.empty((len(rows), len(means)))
    for k, factor in enumerate(np.linalg.cholesky(noise)):
        log_det = 2 * np.log(np.diag(factor)).sum()
        found[:, k] = -0.5 * (side * LOG_2PI + log_det + squared_lengths(factor, rows - means[k]))
    return found


def moments(rows: Array, members: Array, means: Array, kind: str) -> GaussianMoments:
    """Return the expected residual moments about the means."""
    counts = members.sum(axis=0)
    first = np.empty(means.shape)
    seconds = []
    for k, mean in enumerate(means):
        residual = rows - mean
        weighted = members[:, [k]] * residual
        first[k] = weighted.sum(axis=0)
        seconds.append(_second(weighted, residual, kind))
    return GaussianMoments(counts, np.stack(seconds), first[:, :, None], counts[:, None, None], means[:, :, None], kind)


def _second(weighted: Array, residual: Array, kind: str) -> Array:
    if kind in ("full", "tied"):
        return weighted.T @ residual
    squares = np.einsum("ni,ni->i", weighted, residual)
    result: Array = squares if kind == "diag" else squares.sum()
    return result


def drawn(means: Array, noise: Array, labels: Array, rng: np.random.Generator) -> Array:
    """Draw one row from N(mu_k, Sigma_k) for each label k, shape (n, d)."""
    roots = np.linalg.cholesky(noise)[labels]
    rows: Array = means[labels] + (roots @ rng.standard_normal((len(labels), means.shape[1], 1)))[:, :, 0]
    return rows


def scores(residual: Array, precision: Array, weight_score: float, kind: str) -> Array:
    """Return the complete-data scores of rows in one component: weight, mean, `covariance.entries` of Sigma."""
    slope = precision @ residual.T  # features x points: every line below walks along memory
    rows, columns = covariance.entries(kind, len(precision))
    found = np.empty((1 + len(precision) + len(rows), len(residual)))
    found[0], found[1:1 + len(precision)] = weight_score, slope
    for place, row, column in zip(found[1 + len(precision):], rows, columns, strict=True):
        place[:] = 0.5 * (slope[row] * slope[column] - precision[row, column])
    return found.T


def from_mean(model: Any, vector: Array) -> Any:
    """Return the M-step of the statistics `vector`, expected per unit."""
    count, side, kind = model.n_components, model.n_features, model.covariance_type
    head, first, tail = np.split(vector, [count - 1, count - 1 + count * side])
    weights = np.append(head, 1 - head.sum())
    zero = np.zeros((count, side, 1))
    parts = GaussianMoments(weights, _unpack_second(tail, count, side, kind), first.reshape(count, side, 1),
                            weights[:, None, None], zero, kind)
    return model.m_step(Statistics({"weights": weights, "components": parts}))


def _unpack_second(tail: Array, count: int, side: int, kind: str) -> Array:
    if kind not in ("full", "tied"):
        return tail.reshape(covariance.shape(kind, count, side))
    rows, columns = lower_indices(side)
    entries = tail.reshape(-1, len(rows))
    matrices = np.zeros((count, side, side))
    matrices[: len(entries), rows, columns] = entries
    matrices[: len(entries), columns, rows] = entries
    return matrices
