"""Complete, observed and missing information; the rate of EM; standard errors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from emlib.diagnostics.bound import differences
from emlib.diagnostics.em_map import jacobian
from emlib.diagnostics.tangent import Tangent, steps, tangent
from emlib.model import LatentVariableModel, Statistics
from emlib.numerics import Array, symmetrise
from emlib.problem import Problem

UNIDENTIFIED = 1e-7  # share of observed information below which a direction is unidentified
LEAST_LOADING = 1e-6  # loading on an unidentified direction that makes a standard error infinite


@dataclass(frozen=True, eq=False)
class Information:
    """Information matrices in the basis of the tangent space, boundary entries held.

    Attributes
    ----------
    complete, observed, missing : ndarray, shape (r, r)
        I_c = -d2Q, I_o = -d2 loglik, I_m = I_c - I_o.
    fraction_missing : ndarray, shape (r, r)
        I_c^-1 I_m, which at a fixed point is the Jacobian of the EM map.
    eigenvalues : ndarray, shape (r,)
        Of `fraction_missing`, descending.
    rate : float
        The largest of them over the identified directions: EM's linear rate; larger is slower, above 1 EM leaves.
    standard_errors : dict of str to ndarray
        Per field, of the field's shape; infinite where the data say nothing, 0 for what is held.
    covariance : ndarray, shape (p, p)
        Of the standard entries, over the identified directions.
    n_unidentified : int
        Directions with no observed information, counted and left out of `rate`.
    n_uphill : int
        Directions in which the log-likelihood rises to second order: the point is no maximum, and `rate` exceeds 1.
    unidentified : ndarray, shape (p, n_unidentified)
        These directions, unit length, in standard entries.
    unidentified_entries : list of str
        The entries that take part in these directions, such as "means[0, 1]": their standard errors are infinite.
    at_boundary : list of str
        Entries on the boundary, which were held.
    held : list of str
        Fields that the model holds: known, not estimated, standard error 0.
    basis : ndarray, shape (p, r)
    """

    complete: Array
    observed: Array
    missing: Array
    fraction_missing: Array
    eigenvalues: Array
    rate: float
    standard_errors: dict[str, Array]
    covariance: Array = field(repr=False)
    n_unidentified: int
    n_uphill: int
    unidentified: Array = field(repr=False)
    unidentified_entries: list[str]
    at_boundary: list[str]
    held: list[str]
    basis: Array = field(repr=False)


def information(model: LatentVariableModel, data: Any, params: Any, *, method: str = "auto") -> Information:
    """Return the information at a point, as a rule a fitted one.

    Parameters
    ----------
    params : the model's parameters
        "sem" needs a fixed point of EM; the other methods hold wherever Q is concave.
    method : {"auto", "louis", "oakes", "score", "sem"}
        "louis": the model's closed form, one E-step or so (Louis 1982, all terms). "oakes": differences of
        grad Q in its second argument (Oakes 1999), 4r E-steps. "score": differences of the gradient of the
        log-likelihood. "sem": I_c (I - DM) with DM by differences (Meng & Rubin 1991). "auto": "louis" where
        the model has it, else "oakes".

    Raises
    ------
    ValueError
        If Q is not concave at the point, or the method is unknown or not available.
    """
    problem, params = Problem(model, data, "standard"), model.space.accepted(params)
    here = problem.evaluate(model.space.pack(params, "standard"))
    if here.fault is not None:
        raise ValueError(f"params: outside the parameter space: {here.fault}")
    around = tangent(model, params, here.stats, problem.data.n_observations)
    route = _route(model, method)
    nothing = around.complete  # everything lies on the boundary
    missing = symmetrise(route(problem, params, here.stats, around)) if around.basis.size else nothing
    return _assemble(problem, around, missing)


Route = Callable[[Problem, Any, Statistics, Tangent], Array]


def _route(model: LatentVariableModel, method: str) -> Route:
    closed = model.supplies("missing_information")
    chosen = ("louis" if closed else "oakes") if method == "auto" else method
    if chosen not in ROUTES:
        raise ValueError(f"method: {method!r} is unknown; choose one of {('auto', *ROUTES)}")
    if chosen == "louis" and not closed:
        raise ValueError(f"method: {type(model).__name__} has no closed-form missing information; use 'oakes'")
    return ROUTES[chosen]


def _louis(problem: Problem, params: Any, stats: Statistics, around: Tangent) -> Array:
    return around.basis.T @ problem.missing_information(params) @ around.basis


def _oakes(problem: Problem, params: Any, stats: Statistics, around: Tangent) -> Array:
    """I_m = d12 Q: how grad Q at `params` changes when the posterior moves."""
    return _along(problem, params, around, slope_of_q(problem, params))


def slope_of_q(problem: Problem, params: Any) -> Callable[[Array], Array]:
    """Return x -> grad Q at `params` under the posterior at x, standard entries."""
    model = problem.model
    return lambda x: model.space.pullback(params, model.q_gradient(params, problem.evaluate(x).stats), "standard")


def _score(problem: Problem, params: Any, stats: Statistics, around: Tangent) -> Array:
    return around.complete + _along(problem, params, around, problem.gradient)


def _sem(problem: Problem, params: Any, stats: Statistics, around: Tangent) -> Array:
    return around.complete @ jacobian(problem, params, around)


def _along(problem: Problem, params: Any, around: Tangent, function: Callable[[Array], Array]) -> Array:
    """Return the derivative matrix of a vector field in the basis of `around`."""
    moves = steps(problem.model, params, around.basis @ around.whitening, problem.data.n_units)
    change = differences(function, problem.model.space.pack(params, "standard"), moves)
    solved: Array = np.linalg.solve((around.basis.T @ moves).T, (around.basis.T @ change).T).T
    return solved


ROUTES: dict[str, Route] = {"louis": _louis, "oakes": _oakes, "score": _score, "sem": _sem}


def _assemble(problem: Problem, around: Tangent, missing: Array) -> Information:
    white = around.whitening
    values, vectors = np.linalg.eigh(symmetrise(white.T @ missing @ white))
    known, flat = 1.0 - values > UNIDENTIFIED, np.abs(1.0 - values) <= UNIDENTIFIED
    directions = around.basis @ white @ vectors  # columns: unit complete information each
    scaled = directions[:, known] / np.sqrt(1.0 - values[known])
    unit = directions / np.linalg.norm(directions, axis=0)
    silent = np.concatenate([unit[:, flat], around.empty], axis=1)
    unknown = _entries(silent) | _entries(unit[:, ~known])
    errors = np.where(unknown, np.inf, np.sqrt((scaled**2).sum(axis=1)))
    return Information(
        complete=around.complete, observed=around.complete - missing, missing=missing,
        fraction_missing=np.linalg.solve(around.complete, missing), eigenvalues=values[::-1],
        rate=float(values[~flat].max(initial=0.0)), standard_errors=problem.model.space.split(errors),
        covariance=scaled @ scaled.T, n_unidentified=silent.shape[1],
        n_uphill=int((~known & ~flat).sum()), unidentified=silent,
        unidentified_entries=np.array(problem.model.space.entry_names())[_entries(silent)].tolist(),
        at_boundary=around.at_boundary,
        held=list(problem.model.space.held), basis=around.basis)


def _entries(directions: Array) -> Array:
    """Return a mask of the entries that take part in some of the unit directions (columns)."""
    taking_part: Array = np.abs(directions).max(axis=1, initial=0.0) > LEAST_LOADING
    return taking_part
