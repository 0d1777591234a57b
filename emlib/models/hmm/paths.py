"""Single paths of a hidden chain: the most probable one, and random ones."""

from __future__ import annotations

import numpy as np

from emlib.numerics import Array


def best_path(initial: Array, transition: Array, log_emission: Array) -> tuple[Array, float]:
    """Return the most probable path, shape (T,), and its log-probability together with the observations (Viterbi 1967).

    Parameters
    ----------
    initial : ndarray, shape (K,)
    transition : ndarray, shape (K, K)
    log_emission : ndarray, shape (T, K)

    Notes
    -----
    Of equally probable paths the one that ends, and step by step backwards comes from, the lowest state.
    """
    with np.errstate(divide="ignore"):
        score, log_transition = np.log(initial) + log_emission[0], np.log(transition)
    origin = np.zeros(log_emission.shape, dtype=np.intp)
    for t in range(1, len(log_emission)):
        reached = score[:, None] + log_transition
        origin[t] = reached.argmax(axis=0)
        score = reached.max(axis=0) + log_emission[t]
    path = np.empty(len(log_emission), dtype=np.intp)
    path[-1] = score.argmax()
    for t in reversed(range(1, len(path))):
        path[t - 1] = origin[t, path[t]]
    return path, float(score.max())


def walk(initial: Array, transition: Array, length: int, rng: np.random.Generator) -> Array:
    """Draw a path of the chain, shape (length,).

    Raises
    ------
    ValueError
        If the length is not positive.
    """
    if length < 1:
        raise ValueError(f"lengths: {length} found; a sequence has at least one observation")
    states = np.empty(length, dtype=np.intp)
    states[0] = pick(initial[None], rng)[0]
    bounds = _bounds(transition)
    for t, chance in enumerate(rng.random(length - 1), start=1):
        states[t] = np.searchsorted(bounds[states[t - 1]], chance, side="right")
    return states


def pick(rows: Array, rng: np.random.Generator) -> Array:
    """Draw one index from each row of probabilities, never one of probability zero."""
    result: Array = (_bounds(rows) <= rng.random((len(rows), 1))).sum(axis=1)
    return result


def _bounds(rows: Array) -> Array:
    """Return cumulative probabilities that end at exactly one."""
    sums = np.cumsum(rows, axis=1)
    result: Array = sums / sums[:, -1:]
    return result
