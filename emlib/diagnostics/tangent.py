"""The feasible directions at a point, scaled by the complete information: where all diagnostics differentiate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.linalg import null_space

from emlib.blocks import Interval, Positive, Rate, Simplex
from emlib.model import LatentVariableModel, Statistics
from emlib.numerics import Array, symmetrise

STEP_LENGTH = 1e-3  # length of a difference step, in standard deviations of one unit's complete data
BOUNDARY_DISTANCE = 1e-10  # distance from the boundary, relative to the block's scale, that counts as on it
RARE_EVENTS = 1e-4  # expected events below which a probability is on the boundary: its error would be 100 times it
NO_INFORMATION = 1e-12  # complete information, relative to the largest after scaling, that counts as none
HALVINGS = 40


@dataclass(frozen=True, eq=False)
class Tangent:
    """Directions that a point can move in, in standard entries.

    Attributes
    ----------
    basis : ndarray, shape (p, r)
        Orthonormal; row sums 0, symmetric, boundary entries held.
    complete : ndarray, shape (r, r)
        I_c in this basis.
    whitening : ndarray, shape (r, r)
        W with W' I_c W = identity, columns are directions of equal information.
    at_boundary : list of str
        Entries that were held, such as "weights[1]".
    empty : ndarray, shape (p, m)
        Unit directions dropped because even the complete data say nothing about them.
    """

    basis: Array
    complete: Array
    whitening: Array
    at_boundary: list[str]
    empty: Array


def tangent(model: LatentVariableModel, params: Any, stats: Statistics, n_observations: float) -> Tangent:
    """Return the identified feasible directions at a point.

    Parameters
    ----------
    stats : Statistics
        Expected there.
    n_observations : float
        A probability below `RARE_EVENTS` / n_observations is on the boundary: a run that stops within its tolerance
        leaves such numbers where the maximum has zeros.

    Raises
    ------
    ValueError
        If Q is not concave there: the point is then no stationary point of EM.
    """
    held, names = boundary_entries(model, params, RARE_EVENTS / n_observations)
    basis = model.space.tangent()
    if held.any():
        basis = basis @ null_space(basis[held])
        basis[held] = 0.0
    complete = symmetrise(basis.T @ -model.q_hessian(params, stats, "standard") @ basis)
    informed = np.diag(complete) > 0
    complete = complete[np.ix_(informed, informed)]
    return Tangent(basis[:, informed], complete, _whitening(complete), names, basis[:, ~informed])


def _whitening(complete: Array) -> Array:
    if not complete.size:  # everything lies on the boundary
        return complete
    scale = np.sqrt(np.maximum(np.diag(complete), np.finfo(float).tiny))
    values, vectors = np.linalg.eigh(complete / np.outer(scale, scale))
    if values.min() <= NO_INFORMATION * values.max():
        raise ValueError(f"params: Q is not concave there (smallest relative eigenvalue {values.min():.2g}); "
                         "the information needs a point near a fixed point of EM: fit first")
    whitening: Array = vectors / np.sqrt(values) / scale[:, None]
    return whitening


def boundary_entries(model: LatentVariableModel, params: Any, rare: float) -> tuple[Array, list[str]]:
    """Return a mask over the standard entries that lie on the boundary, and their names; known zeros have none."""
    masks = []
    edge = max(BOUNDARY_DISTANCE, rare)
    for block in model.space.blocks:
        value = np.asarray(getattr(params, block.name), dtype=float)
        mask = np.zeros(value.shape, dtype=bool)
        if isinstance(block, Simplex):
            mask = (value <= edge) & block.support
        elif isinstance(block, Positive):
            mask = value <= max(BOUNDARY_DISTANCE * value.max(), rare if isinstance(block, Rate) else 0.0)
        elif isinstance(block, Interval):
            mask = np.minimum(value - block.low, block.high - value) <= edge * (block.high - block.low)
        masks.append(np.atleast_1d(mask).ravel())
    held = np.concatenate(masks)
    return held, [name for name, is_held in zip(model.space.entry_names(), held, strict=True) if is_held]


def steps(model: LatentVariableModel, params: Any, directions: Array, n_units: float) -> Array:
    """Return difference steps along whitened directions (columns), halved until both far ends are inside."""
    x = model.space.pack(params, "standard")
    chosen = []
    for direction in directions.T:
        step = STEP_LENGTH * np.sqrt(n_units) * direction
        for _ in range(HALVINGS):
            ends = [model.space.unpack(x + sign * 2.0 * step, "standard") for sign in (1.0, -1.0)]
            if all(model.space.fault(end) is None for end in ends):
                break
            step = 0.5 * step
        chosen.append(step)
    return np.stack(chosen, axis=1)
