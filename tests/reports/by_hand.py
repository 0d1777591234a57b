"""Written-out answers that use nothing of the package: forward recursions, Baum-Welch, Poisson and normal mixtures."""

from __future__ import annotations

from itertools import pairwise, product
from typing import Any

import numpy as np
from scipy.special import gammaln, logsumexp
from scipy.stats import multivariate_normal


def forward(initial: Any, transition: Any, density: np.ndarray) -> float:
    """Return the log-likelihood of one sequence from densities (T, K), by the scaled forward recursion."""
    here, total = np.asarray(initial) * density[0], 0.0
    for row in density[1:]:
        total += float(np.log(here.sum()))
        here = (here / here.sum()) @ np.asarray(transition) * row
    return total + float(np.log(here.sum()))


def over_paths(initial: Any, transition: Any, density: np.ndarray) -> tuple[float, np.ndarray]:
    """Return the log-likelihood and the smoothed states of a short sequence as a sum over all paths."""
    steps, count = density.shape
    states, total = np.zeros(density.shape), 0.0
    for path in product(range(count), repeat=steps):
        chance = initial[path[0]] * np.prod([density[t, k] for t, k in enumerate(path)])
        chance *= np.prod([transition[i][j] for i, j in pairwise(path)])
        total += chance
        states[np.arange(steps), path] += chance
    return float(np.log(total)), states / total


def poisson_mass(counts: Any, rates: Any) -> np.ndarray:
    """Return Poisson probabilities (n, K); a rate of zero is a sure zero."""
    column, rates = np.asarray(counts, dtype=float)[:, None], np.asarray(rates, dtype=float)
    logs = np.where(column > 0, column * np.log(np.where(rates > 0, rates, 1.0)), 0.0) - rates - gammaln(column + 1)
    return np.where((rates == 0) & (column > 0), 0.0, np.exp(logs))


def baum_welch(kind: str, sequences: list[np.ndarray], initial: Any, transition: Any, emission: Any,
               steps: int) -> tuple[float, Any, Any, Any]:
    """Return the log-likelihood after so many EM steps for symbols or counts, and the parameters, from a start."""
    initial, transition, emission = (np.array(value, dtype=float) for value in (initial, transition, emission))
    loglik = -np.inf
    for step in range(steps + 1):
        first, moves, parts, loglik = np.zeros(len(initial)), np.zeros(transition.shape), [], 0.0
        for rows in sequences:
            density = emission[:, rows].T if kind == "symbols" else poisson_mass(rows, emission)
            ahead, scale = np.empty(density.shape), np.empty(len(rows))
            here = initial * density[0]
            for t in range(len(rows)):
                here = here if t == 0 else ahead[t - 1] @ transition * density[t]
                scale[t] = here.sum()
                ahead[t] = here / scale[t]
            back = np.ones(density.shape)
            for t in range(len(rows) - 2, -1, -1):
                back[t] = transition @ (density[t + 1] * back[t + 1]) / scale[t + 1]
                moves += np.outer(ahead[t], density[t + 1] * back[t + 1]) * transition / scale[t + 1]
            first += ahead[0] * back[0]
            parts.append(ahead * back)
            loglik += float(np.log(scale).sum())
        if step == steps:
            break
        members, rows = np.concatenate(parts), np.concatenate(sequences)
        initial, transition = first / first.sum(), moves / moves.sum(axis=1, keepdims=True)
        if kind == "symbols":
            counts = np.stack([np.bincount(rows, column, minlength=emission.shape[1]) for column in members.T])
            emission = counts / counts.sum(axis=1, keepdims=True)
        else:
            emission = rows @ members / members.sum(axis=0)
    return loglik, initial, transition, emission


def normal_mixture(rows: np.ndarray, weights: Any, means: Any, covariances: Any) -> np.ndarray:
    """Return log p(row) of a mixture of normals with full covariances, shape (n,)."""
    parts = [np.log(w) + multivariate_normal(m, c).logpdf(rows).reshape(len(rows))
             for w, m, c in zip(weights, means, covariances, strict=True)]
    return np.asarray(logsumexp(parts, axis=0))
