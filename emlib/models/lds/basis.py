"""Changes of the state's basis, z -> T z: the same distribution of what is observed, by other parameters."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from emlib.numerics import Array


def n_free_changes(held: Mapping[str, Array], k: int) -> int:
    """Return the dimension of the changes of basis that leave the held fields as they are: k^2 if nothing is held.

    Notes
    -----
    T = 1 + X moves the fields, to first order, by X m, X P_0 + P_0 X', X A - A X, X Q + Q X' and -C X.
    """
    scaled = {name: value / (np.abs(value).max() or 1.0) for name, value in held.items()
              if name != "observation_covariance"}
    moves = [[_move(name, value, unit).ravel() for name, value in scaled.items()]
             for unit in np.eye(k * k).reshape(-1, k, k)]
    rank = np.linalg.matrix_rank(np.array([np.concatenate(parts) for parts in moves])) if scaled else 0
    return k * k - int(rank)


def _move(name: str, value: Array, unit: Array) -> Array:
    left: Array = np.zeros(value.shape) if name == "observation" else unit @ value
    if name == "initial_mean":
        return left
    right: Array = value @ unit.T if name.endswith("covariance") else -value @ unit
    return left + right
