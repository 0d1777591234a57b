"""The Jacobian of the EM map."""

from __future__ import annotations

from typing import Any

import numpy as np

from emlib.diagnostics.bound import differences
from emlib.diagnostics.tangent import Tangent, steps, tangent
from emlib.model import LatentVariableModel
from emlib.numerics import Array
from emlib.problem import Problem


def em_jacobian(model: LatentVariableModel, data: Any, params: Any) -> Array:
    """Return the column Jacobian DM of the EM map, reduced to the tangent space.

    Parameters
    ----------
    params : the model's parameters
        Any point where Q is concave; at a fixed point DM = I_c^-1 I_m.

    Returns
    -------
    ndarray, shape (r, r)
        In the orthonormal basis of `model.space.tangent()`, boundary entries held. Dempster, Laird & Rubin
        (1977, 3.19) and the r_ij of Meng & Rubin (1991) are its transpose.

    Notes
    -----
    Fourth-order central differences along directions of equal complete information; 4r E-steps.
    """
    problem = Problem(model, data, "standard")
    around = tangent(model, params, problem.expectation(params).stats, problem.data.n_observations)
    return jacobian(problem, params, around)


def jacobian(problem: Problem, params: Any, around: Tangent) -> Array:
    """Return DM in the basis of `around`."""
    moves = steps(problem.model, params, around.basis @ around.whitening, problem.data.n_units)
    change = differences(problem.em_map, problem.model.space.pack(params, "standard"), moves)
    lengths = around.basis.T @ moves
    solved: Array = np.linalg.solve(lengths.T, (around.basis.T @ change).T).T
    return solved
