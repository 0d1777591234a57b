"""What the accelerators of the fixed-point map share."""

from __future__ import annotations

import numpy as np

from emlib.numerics import Array
from emlib.problem import Problem

DEPENDENT = 1e-9  # length of what is left of a basis row that others make up


def independent(problem: Problem) -> Array:
    """Return the indices of entries that determine the whole flat vector, the first such set.

    In standard coordinates: all but the last probability of each row, one triangle of a symmetric matrix.
    """
    basis = problem.lift(np.eye(len(problem.reduce(np.zeros(problem.size)))))
    kept, directions = [], np.empty((0, basis.shape[1]))
    for index, row in enumerate(basis):
        rest = row - directions.T @ (directions @ row)
        if np.linalg.norm(rest) > DEPENDENT:
            kept.append(index)
            directions = np.vstack([directions, rest / np.linalg.norm(rest)])
    return np.array(kept)
