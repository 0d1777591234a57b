"""The spectrum of EM for probabilistic PCA at the maximum, in closed form (theorem T8)."""

from __future__ import annotations

from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike

from emlib.numerics import Array


def _split(eigenvalues: ArrayLike, n_factors: int) -> tuple[Array, Array, float]:
    """Return kept eigenvalues, discarded ones and their mean, after a check."""
    values = np.sort(np.asarray(eigenvalues, dtype=float))[::-1]
    if not 1 <= n_factors < len(values):
        raise ValueError(f"n_factors: {n_factors!r} found; keep at least one of the {len(values)} directions, not all")
    kept, lost = values[:n_factors], values[n_factors:]
    noise = float(lost.mean())
    if noise <= 0 or kept[-1] <= noise:
        raise ValueError("eigenvalues: the discarded ones must have a positive mean below the kept ones")
    return kept, lost, noise


def maximum(eigenvalues: ArrayLike, n_factors: int) -> tuple[Array, float]:
    """Return the maximum likelihood loadings (d, q) and noise for a sample covariance diag(eigenvalues)."""
    kept, lost, noise = _split(eigenvalues, n_factors)
    loadings = np.zeros((len(kept) + len(lost), n_factors))
    np.fill_diagonal(loadings, np.sqrt(kept - noise))
    return loadings, noise


def spectrum(eigenvalues: ArrayLike, n_factors: int) -> dict[str, Array]:
    """Return the eigenvalues of DM at the maximum by family.

    Returns
    -------
    dict
        "subspace": ratios across the cut; "rotation": ones; "mixing": of two kept directions; "scale": the block
        that joins the lengths of the loadings to the noise; "mean": of the mean, which EM leaves where it is if it
        starts at the sample mean.

    Examples
    --------
    >>> from emlib.diagnostics import ppca_rate
    >>> families = ppca_rate.spectrum([10, 5, 0.1, 0.1, 0.1], n_factors=2)
    >>> round(float(families["subspace"].max()), 4), round(float(families["scale"].max()), 4)
    (0.02, 0.9802)
    """
    kept, lost, noise = _split(eigenvalues, n_factors)
    pairs = list(combinations(kept, 2))
    mixing = [1 - noise * (a + b - 2 * noise) / (a * b) for a, b in pairs]
    return {"subspace": np.divide.outer(lost, kept).ravel(), "rotation": np.ones(len(pairs)),
            "mixing": np.array(mixing), "scale": np.linalg.eigvals(_scale(kept, noise, len(kept) + len(lost))).real,
            "mean": np.append(1 - noise / kept, np.zeros(len(lost)))}


def _scale(kept: Array, noise: float, n_features: int) -> Array:
    """Return the block of (lengths, noise): theorem T8's last family."""
    length, size = np.sqrt(kept - noise), len(kept)
    block = np.empty((size + 1, size + 1))
    block[:size, :size] = np.diag(1 - 2 * noise * length**2 / kept**2)
    block[:size, size] = -noise * length / kept**2
    block[size, :size] = -2 * noise**2 * length / kept**2 / n_features
    block[size, size] = (1 - noise**2 / kept**2).sum() / n_features
    return block
