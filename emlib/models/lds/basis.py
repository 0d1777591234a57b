"""Changes of the state's basis and origin, z -> T z + s: the same distribution of what is observed."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from emlib.numerics import Array

GENERIC = 0  # seed of the numbers that stand for what is estimated


def n_free_changes(shapes: Mapping[str, tuple[int, ...]], held: Mapping[str, Array]) -> int:
    """Return the dimension of the changes that leave what is held as it is: k^2 if nothing is, k more with offsets.

    Parameters
    ----------
    shapes : mapping of str to tuple of int
        Of all fields.
    held : mapping of str to ndarray
        Known values by field, not-a-number where an entry is estimated.

    Notes
    -----
    T = 1 + X and s move the fields, to first order, by X m + s, X P_0 + P_0 X', X A - A X, X b + s - A s,
    X Q + Q X', -C X and -C s. Estimated entries have generic values.
    """
    k, moved = shapes["initial_mean"][0], {name: _generic(name, shape) for name, shape in shapes.items()}
    for name, value in held.items():
        moved[name] = np.where(np.isnan(value), moved[name], value)
    turns = [(unit, np.zeros(k)) for unit in np.eye(k * k).reshape(-1, k, k)]
    shifts = [(np.zeros((k, k)), unit) for unit in np.eye(k)] if "observation_offset" in shapes else []
    known = {name: ~np.isnan(value) for name, value in held.items() if name != "observation_covariance"}
    if not any(mask.any() for mask in known.values()):
        return len(turns + shifts)
    moves = [np.array([_move(name, moved, *change)[mask] for change in turns + shifts])
             for name, mask in known.items() if mask.any()]
    scaled = np.column_stack([part / (np.abs(part).max() or 1.0) for part in moves])  # each field has units of its own
    return len(turns + shifts) - int(np.linalg.matrix_rank(scaled))


def _generic(name: str, shape: tuple[int, ...]) -> Array:
    """Return values that no rank is special at; covariances are diagonal, so that held zeros are zeros."""
    drawn = np.random.default_rng(GENERIC).uniform(0.5, 1.5, shape)
    return np.diag(np.diag(drawn)) if name.endswith("covariance") else drawn


def _move(name: str, fields: Mapping[str, Array], turn: Array, shift: Array) -> Array:
    value = fields[name]
    if name == "initial_mean":
        moved = turn @ value + shift
    elif name == "transition_offset":
        moved = turn @ value + shift - fields["transition"] @ shift
    elif name == "observation_offset":
        moved = -fields["observation"] @ shift
    elif name == "observation":
        moved = -value @ turn
    else:
        moved = turn @ value + (value @ turn.T if name.endswith("covariance") else -value @ turn)
    result: Array = moved
    return result
