"""Changes of the state's basis, z -> T z: the same distribution of what is observed, by other parameters."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from emlib.numerics import Array


def n_free_changes(held: Mapping[str, Array], k: int) -> int:
    """Return the dimension of the changes of basis that leave the held fields as they are: k^2 if nothing is held.

    Notes
    -----
    T = 1 + X moves the fields, to first order, by X m, X P_0 + P_0 X', X A - A X, X Q + Q X' and -C X.
    """
    scaled = {name: value / (np.abs(value).max() or 1.0) for name, value in held.items()}
    moves = [[_move(name, value, unit).ravel() for name, value in scaled.items()]
             for unit in np.eye(k * k).reshape(-1, k, k)]
    rank = np.linalg.matrix_rank(np.array([np.concatenate(parts) for parts in moves])) if held else 0
    return k * k - int(rank)


def _move(name: str, value: Array, unit: Array) -> Array:
    moves: dict[str, Callable[[], Array]] = {
        "initial_mean": lambda: unit @ value, "initial_covariance": lambda: unit @ value + value @ unit.T,
        "transition": lambda: unit @ value - value @ unit, "transition_covariance": lambda: unit @ value + value @ unit.T,
        "observation": lambda: -value @ unit, "observation_covariance": lambda: np.zeros(1)}
    return moves[name]()
