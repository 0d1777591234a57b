"""Random systems and random sequences."""

from __future__ import annotations

from typing import Any

import numpy as np

from emlib.models.lds.kalman import offsets
from emlib.numerics import Array

SLOWEST, FASTEST = 0.95, 0.5  # range of the eigenvalues of a random transition
NOISE = 0.5  # share of a column's variance that a random start gives to the observation noise


def fields(scale: Array, k: int, rng: np.random.Generator, offset: Array | None = None) -> dict[str, Array]:
    """Return the fields of a random stable system.

    Parameters
    ----------
    scale : ndarray, shape (2, d)
        Means and variances of the columns.
    k : int
        Latent dimensions.
    offset : ndarray, shape (d,), optional
        Of the observation; the state has none.

    Notes
    -----
    Q = I - A A' gives the states variance one for ever; the rows of C have the length of their column's root mean
    square, so that the start follows the data's units.
    """
    centre = scale[0] if offset is None else scale[0] - offset
    size, deviations = np.sqrt(centre**2 + scale[1]), np.sqrt(scale[1])
    directions = rng.standard_normal((len(size), k))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    axes = np.linalg.qr(rng.standard_normal((k, k)))[0]
    transition = axes * rng.uniform(FASTEST, SLOWEST, k) @ axes.T
    offsets = {} if offset is None else {"transition_offset": np.zeros(k), "observation_offset": offset}
    return {"initial_mean": rng.standard_normal(k), "initial_covariance": np.eye(k), "transition": transition,
            "transition_covariance": np.eye(k) - transition @ transition.T, "observation": size[:, None] * directions,
            "observation_covariance": NOISE * np.diag(deviations**2), **offsets}


def standard_states(k: int) -> dict[str, Array]:
    """Return fields in which no axis of the states is special: any turn of them leaves these as they are."""
    return {"initial_mean": np.zeros(k), "initial_covariance": np.eye(k), "transition_covariance": np.eye(k)}


def draw(params: Any, length: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """Draw one sequence of observations, shape (T, d), with its states, shape (T, k)."""
    first, step, noise = (np.linalg.cholesky(getattr(params, f"{name}_covariance"))
                          for name in ("initial", "transition", "observation"))
    constant, offset = offsets(params)
    state, states = params.initial_mean + first @ rng.standard_normal(len(first)), []
    for _ in range(length):
        states.append(state)
        state = params.transition @ state + step @ rng.standard_normal(len(step)) + constant
    rows = np.array(states) @ params.observation.T + rng.standard_normal((length, len(noise))) @ noise.T
    return rows + offset, np.array(states)
