"""The rate of EM by Lanczos's method: a few dozen products with the missing information, never the whole of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy

from emlib.diagnostics.bound import differences
from emlib.diagnostics.information import UNIDENTIFIED, information, slope_of_q
from emlib.diagnostics.tangent import Tangent, steps, tangent
from emlib.model import LatentVariableModel
from emlib.numerics import Array
from emlib.problem import Problem

FEW_DIRECTIONS = 24  # directions up to which the whole matrix costs no more than the iteration
FIRST_VECTOR_SEED = 0  # of the iteration's first vector, so that the same call gives the same bits
ACCURACY = 1e-9  # relative, of the eigenvalues: about what the differences leave
MOST_RESTARTS = 100  # of the iteration; a few are enough where the products are accurate
LARGEST_MATRIX = 2000  # directions up to which the whole matrix is computed where the iteration fails


def rate(model: LatentVariableModel, data: Any, params: Any) -> float:
    """Return the rate of EM at a fixed point: the largest eigenvalue of I_c^-1 I_m over the identified directions.

    Parameters
    ----------
    params : the model's parameters
        A fixed point of EM; entries on the boundary are held there.

    Returns
    -------
    float
        Larger is slower; above 1 the point is no maximum and EM leaves it. 0 if nothing can move.

    Raises
    ------
    ValueError
        If Q is not concave at the point, or the iteration fails with more than 2000 directions.

    Notes
    -----
    The same number as ``information(...).rate``. Eigenvalues of 1 belong to directions that the data say nothing
    about, such as rotations of factors, and are passed over. I_c comes from the expected statistics; each product
    with I_m costs four E-steps, and a few dozen products are enough, however many parameters there are. Near the
    boundary, as in a Heywood case, differences may be too inaccurate for the iteration; then the whole matrix is
    computed.

    Examples
    --------
    >>> import emlib
    >>> from emlib import diagnostics as dx
    >>> from emlib.models import Linkage
    >>> counts = [125, 18, 20, 34]
    >>> found = emlib.fit(Linkage(), counts, rng=0)
    >>> round(dx.rate(Linkage(), counts, found.params), 4)  # Dempster, Laird & Rubin (1977), table 1: 0.1328
    0.1328
    """
    problem = Problem(model, data, "standard")
    around = tangent(model, params, problem.expectation(params).stats, problem.data.n_observations)
    size = around.basis.shape[1]
    if size <= FEW_DIRECTIONS:
        return information(model, data, params).rate
    product = scipy.sparse.linalg.LinearOperator((size, size), matvec=_product(problem, params, around), dtype=float)
    try:
        return _iterate(product, 1 + model.n_invariant)
    except scipy.sparse.linalg.ArpackNoConvergence as error:
        if size <= LARGEST_MATRIX:
            return information(model, data, params).rate
        raise ValueError(
            f"params: Lanczos's method has not found the rate over {size} directions ({error}); a parameter near its "
            "boundary, such as a variance of almost zero, makes the differences inaccurate: hold it by fixed=, use a "
            "smaller model, or give the parameters of a converged fit") from None


def _product(problem: Problem, params: Any, around: Tangent) -> Callable[[Array], Array]:
    """Return v -> W' I_m W v, W'I_c W = 1, by differences of grad Q when the posterior moves (Oakes 1999)."""
    x = problem.model.space.pack(params, "standard")
    slope = slope_of_q(problem, params)
    directions = around.basis @ around.whitening

    def product(vector: Array) -> Array:
        length = np.linalg.norm(vector)
        along = directions @ (np.ravel(vector) / length)
        move = steps(problem.model, params, along[:, None], problem.data.n_units)
        shrunk = np.linalg.norm(move) / np.linalg.norm(along)
        change: Array = directions.T @ differences(slope, x, move)[:, 0] * (length / shrunk)
        return change

    return product


def _iterate(product: Any, wanted: int) -> float:
    """Return the largest eigenvalue that is not 1, looking at more of them until there is one."""
    first = np.random.default_rng(FIRST_VECTOR_SEED).standard_normal(product.shape[0])
    while True:
        wanted = min(wanted, product.shape[0] - 1)
        values = scipy.sparse.linalg.eigsh(product, k=wanted, which="LA", v0=first, tol=ACCURACY,
                                           maxiter=MOST_RESTARTS, return_eigenvectors=False)
        known = values[np.abs(1.0 - values) > UNIDENTIFIED]
        if known.size or wanted == product.shape[0] - 1:
            return float(known.max(initial=0.0))
        wanted *= 2
