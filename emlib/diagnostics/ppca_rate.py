"""EM for probabilistic PCA from a covariance matrix, and the spectrum of its map at the maximum (theorem T8)."""

from __future__ import annotations

from itertools import combinations

import numpy as np

from emlib.numerics import Array


def _split(eigenvalues: Array, n_factors: int) -> tuple[Array, Array, float]:
    """Return kept eigenvalues, discarded ones and their mean, after a check."""
    values = np.sort(np.asarray(eigenvalues, dtype=float))[::-1]
    if not 1 <= n_factors < len(values):
        raise ValueError(f"n_factors: {n_factors!r} found; keep at least one of the {len(values)} directions, not all")
    kept, lost = values[:n_factors], values[n_factors:]
    noise = float(lost.mean())
    if noise <= 0 or kept[-1] <= noise:
        raise ValueError("eigenvalues: the discarded ones must have a positive mean below the kept ones")
    return kept, lost, noise


def maximum(eigenvalues: Array, n_factors: int) -> tuple[Array, float]:
    """Return the maximum likelihood loadings (d, q) and noise for a sample covariance diag(eigenvalues)."""
    kept, lost, noise = _split(eigenvalues, n_factors)
    loadings = np.zeros((len(kept) + len(lost), n_factors))
    np.fill_diagonal(loadings, np.sqrt(kept - noise))
    return loadings, noise


def em_step(covariance: Array, loadings: Array, noise: float) -> tuple[Array, float]:
    """Return one EM update of loadings and noise; the data enter through their covariance alone."""
    n_features, n_factors = loadings.shape
    inner = loadings.T @ loadings + noise * np.eye(n_factors)
    product = covariance @ loadings
    second = noise * np.eye(n_factors) + np.linalg.solve(inner, loadings.T @ product)
    new = np.linalg.solve(second.T, product.T).T
    explained = np.trace(np.linalg.solve(inner, product.T @ new))
    return new, float((np.trace(covariance) - explained) / n_features)


def spectrum(eigenvalues: Array, n_factors: int) -> dict[str, Array]:
    """Return the eigenvalues of DM at the maximum by family.

    Returns
    -------
    dict
        "subspace": ratios across the cut; "rotation": ones; "mixing": of two kept directions; "scale": the block
        that joins the lengths of the loadings to the noise.
    """
    kept, lost, noise = _split(eigenvalues, n_factors)
    pairs = list(combinations(kept, 2))
    mixing = [1 - noise * (a + b - 2 * noise) / (a * b) for a, b in pairs]
    return {"subspace": np.divide.outer(lost, kept).ravel(), "rotation": np.ones(len(pairs)),
            "mixing": np.array(mixing), "scale": np.linalg.eigvals(_scale(kept, noise, len(kept) + len(lost))).real}


def _scale(kept: Array, noise: float, n_features: int) -> Array:
    """Return the block of (lengths, noise): theorem T8's last family."""
    length, size = np.sqrt(kept - noise), len(kept)
    block = np.empty((size + 1, size + 1))
    block[:size, :size] = np.diag(1 - 2 * noise * length**2 / kept**2)
    block[:size, size] = -noise * length / kept**2
    block[size, :size] = -2 * noise**2 * length / kept**2 / n_features
    block[size, size] = (1 - noise**2 / kept**2).sum() / n_features
    return block


def em_spectrum(eigenvalues: Array, n_factors: int, step: float = 1e-5) -> Array:
    """Return the eigenvalues of the whole Jacobian of EM at the maximum, by central differences, ascending."""
    loadings, noise = maximum(eigenvalues, n_factors)
    covariance = np.diag(np.sort(np.asarray(eigenvalues, dtype=float))[::-1])
    here = np.append(loadings.ravel(), noise)

    def mapped(x: Array) -> Array:
        new, variance = em_step(covariance, x[:-1].reshape(loadings.shape), float(x[-1]))
        return np.append(new.ravel(), variance)

    moves = step * np.eye(len(here))
    jacobian = np.array([(mapped(here + move) - mapped(here - move)) / (2 * step) for move in moves]).T
    found: Array = np.sort(np.linalg.eigvals(jacobian).real)
    return found
