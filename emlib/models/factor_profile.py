"""Factor analysis with mean and loadings at their best given the uniquenesses: in closed form, by eigenvectors."""

from __future__ import annotations

import numpy as np

from emlib.numerics import Array

APART = 1e-12  # relative gap of eigenvalues below which they count as this far apart


def explained(spread: Array, noise: Array, count: int) -> tuple[Array, Array, int]:
    """Return eigenvalues and -vectors of the covariance in units of the noise, ascending, and how many factors explain.

    Parameters
    ----------
    spread : ndarray, shape (d, d)
        Covariance of the rows, divisor n.
    noise : ndarray, shape (d,)
        Uniquenesses.
    count : int
        k. A factor explains nothing where its eigenvalue is one or less.
    """
    root = np.sqrt(noise)
    values, vectors = np.linalg.eigh(spread / np.outer(root, root))
    return values, vectors, int((values[len(values) - count:] > 1.0).sum())


def best_loadings(values: Array, vectors: Array, noise: Array, count: int) -> Array:
    """Return the loadings that maximise the log-likelihood given the noise, shape (d, k)."""
    cut = len(values) - count
    lengths = np.sqrt(np.maximum(values[cut:] - 1.0, 0.0))
    result: Array = np.sqrt(noise)[:, None] * vectors[:, cut:] * lengths
    return result


def bend(values: Array, vectors: Array, used: int) -> Array:
    """Return the Hessian of a row's log-likelihood in the logarithms of the noise, loadings at their best.

    Notes
    -----
    Jöreskog (1967) in other coordinates. With eigenvalues l_1 >= ... >= l_d and eigenvectors w_m of
    the covariance in units of the noise, of which the first q explain, twice the slope in log psi_i is
    sum_{m>q} (l_m - 1) w_im^2, and minus twice its derivative in log psi_j is
    sum_{m,m'>q} l_m (w_im w_jm) (w_im' w_jm') + sum_{m<=q<m'} c_mm' (w_im w_jm) (w_im' w_jm') with
    c_mm' = (l_m + l_m') (1 - l_m') / (l_m - l_m').
    """
    cut = len(values) - used
    rest, tops = vectors[:, :cut], vectors[:, cut:]
    total = ((rest * values[:cut]) @ rest.T) * (rest @ rest.T)
    for large, top in zip(values[cut:], tops.T, strict=True):
        gap = np.maximum(large - values[:cut], APART * large)
        share = (large + values[:cut]) * (1.0 - values[:cut]) / gap
        total += np.outer(top, top) * ((rest * share) @ rest.T)
    result: Array = -0.5 * total
    return result
