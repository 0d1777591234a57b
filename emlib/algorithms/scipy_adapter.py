"""Any method of `scipy.optimize.minimize`, counted in E-steps like the rest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import scipy

from emlib.algorithms.base import Info, State, require_free
from emlib.numerics import Array
from emlib.problem import Evaluation, Problem
from emlib.result import Status

NEEDS_HESSIAN = ("newton-cg", "trust-exact", "trust-ncg", "trust-krylov", "dogleg")
METHODS = ("bfgs", "cg", "l-bfgs-b", "slsqp", "tnc", "trust-constr", *NEEDS_HESSIAN)
OUTSIDE_VALUE = 1e300  # what scipy is told at a point outside the space; it cannot use infinity


class _Spent(Exception):
    """The budget of E-steps is spent."""


@dataclass(frozen=True)
class SciPy:
    """Run `scipy.optimize.minimize(-loglik, jac=-gradient)` to its own end; one `step` is one such run.

    Parameters
    ----------
    method : str
        A method that uses gradients, such as "L-BFGS-B", "BFGS", "CG", "trust-exact".
    options : mapping
        Passed on to scipy; tolerances default to values well below ours.
    """

    method: str = "L-BFGS-B"
    options: Mapping[str, Any] = field(default_factory=dict)
    coordinates: ClassVar[str] = "free"
    monotone: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if not isinstance(self.method, str) or self.method.lower() not in METHODS:
            raise ValueError(f"method: {self.method!r} is unknown or uses no gradient; choose one of {METHODS}")

    def init(self, problem: Problem, evaluation: Evaluation) -> State:
        """Return the starting state.

        Raises
        ------
        ValueError
            If the problem is not in free coordinates.
        """
        require_free(problem, "SciPy")
        return State(evaluation)

    def step(self, problem: Problem, state: State) -> tuple[State, Info]:
        """Run scipy from the current point and return the best point it evaluated."""
        best = [state.evaluation]
        message = ""
        options: Any = {"jac": True, "method": self.method, "hess": self._hessian(problem), "options": self._options()}
        try:
            found = scipy.optimize.minimize(self._objective(problem, best), state.evaluation.x, **options)
            message = str(found.message)
        except _Spent:
            return State(best[0]), Info(self._kind, True)
        moved = best[0].loglik > state.evaluation.loglik
        status = None if moved else Status.LINE_SEARCH_FAILED
        return State(best[0]), Info(self._kind, moved, None, status, message)

    @property
    def _kind(self) -> str:
        return f"scipy {self.method}"

    def _objective(self, problem: Problem, best: list[Evaluation]) -> Any:
        def function(x: Array) -> tuple[float, Array]:
            if not problem.allows(1):
                raise _Spent
            here = problem.evaluate(x)
            if here.loglik > best[0].loglik:
                best[0] = here
            return (OUTSIDE_VALUE, np.zeros(problem.size)) if here.fault else (-here.loglik, -here.gradient)
        return function

    def _hessian(self, problem: Problem) -> Any:
        def function(x: Array) -> Array:
            if problem.evaluate(x).fault:
                return np.eye(problem.size)
            found = -problem.hessian(x)
            return found if np.isfinite(found).all() else np.eye(problem.size)  # SciPy's own would raise

        return function if self.method.lower() in NEEDS_HESSIAN else None

    def _options(self) -> dict[str, Any]:
        tight = {"l-bfgs-b": {"ftol": 0.0, "gtol": 1e-9, "maxiter": 100_000, "maxfun": 1_000_000},
                 "slsqp": {"ftol": 1e-14, "maxiter": 100_000}}
        return {**tight.get(self.method.lower(), {"gtol": 1e-9}), **self.options}
