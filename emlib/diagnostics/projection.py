"""The preconditioner of EM: M(theta) - theta = P grad loglik(theta) + remainder."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from emlib.model import LatentVariableModel
from emlib.numerics import Array
from emlib.problem import Problem


@dataclass(frozen=True, eq=False)
class Projection:
    """P of theorem T4 in standard entries. "Projection matrix" is the paper's word: it is a preconditioner.

    Attributes
    ----------
    matrix : ndarray, shape (p, p)
        Symmetric, block-diagonal; singular along the normals of the simplex, not idempotent.
    gradient, step, remainder : ndarray, shape (p,)
        Gradient of loglik, M(theta) - theta, and step - matrix @ gradient in closed form.
    fields : dict of str to ndarray
        The remainder, one array per field.
    """

    matrix: Array
    gradient: Array
    step: Array
    remainder: Array
    fields: dict[str, Array]

    @property
    def gap(self) -> float:
        """Largest entry of step - (matrix @ gradient + remainder): rounding, if the theorem holds."""
        return float(np.abs(self.step - self.matrix @ self.gradient - self.remainder).max())


def projection_matrix(model: LatentVariableModel, data: Any, params: Any) -> Projection:
    """Return P and the remainder at a point.

    Notes
    -----
    Xu & Jordan (1996), theorem 1, for mixtures; the remainder is zero but for covariances, where the M-step
    centres on the new means and P on the old ones.
    """
    problem = Problem(model, data, "standard")
    here = problem.evaluate(model.space.pack(params, "standard"))
    if here.fault is not None:
        raise ValueError(f"params: outside the parameter space: {here.fault}")
    fields = model.remainder(params, here.stats)
    flat = np.concatenate([np.ravel(fields[block.name]) for block in model.space.blocks])
    step = problem.em_map(here.x) - here.x
    return Projection(model.projection(params, here.stats), here.gradient, step, flat, fields)
