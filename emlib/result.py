"""What a fit returns: status, trace, result."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import numpy as np

from emlib.numerics import Array


class Status(Enum):
    """Why a run ended; only CONVERGED is a success."""

    CONVERGED = "stationary, no direction of positive curvature, expected further gain below tol"
    MAX_ESTEP = "the budget of E-steps is spent"
    SADDLE = "stationary, but the log-likelihood rises to second order in some direction"
    DEGENERATE = "a step left the parameter space"
    DECREASED = "a step that must not lower the log-likelihood did"
    NON_FINITE = "the log-likelihood or its gradient is not finite"
    LINE_SEARCH_FAILED = "no acceptable point along the search direction"
    INTERRUPTED = "stopped by the user"
    CALLBACK = "stopped by the callback"


COLUMNS = ("loglik", "n_estep", "kind", "remaining", "gradient_norm", "step_norm", "entropy")


@dataclass(frozen=True)
class Trace:
    """One row per iteration, kept by column; `trace.loglik` is an array.

    Attributes
    ----------
    columns : mapping of str to list
        loglik, n_estep, kind ("start", "em", "newton", ...), remaining (nats), gradient_norm, step_norm, entropy.
    """

    columns: dict[str, list[Any]] = field(default_factory=lambda: {name: [] for name in COLUMNS})

    def append(self, **row: Any) -> None:
        """Add one row; every column is needed."""
        for name in COLUMNS:
            self.columns[name].append(row[name])

    def __len__(self) -> int:
        return len(self.columns["loglik"])

    def __getattr__(self, name: str) -> Array:
        if name not in COLUMNS:
            raise AttributeError(f"trace: no column {name!r}; there are {COLUMNS}")
        return np.asarray(self.columns[name])


@dataclass(frozen=True, eq=False)
class Result:
    """The best evaluated point of a run, with scipy's names and ours.

    Attributes
    ----------
    params : the model's parameters
    loglik : float
        Total observed-data log-likelihood, nats.
    x, jac : ndarray, shape (p,)
        The point and the gradient of `fun` = -loglik, in the problem's coordinates.
    success : bool
        True only for Status.CONVERGED.
    status : Status
    message : str
        Why the run stopped, with what was noticed on the way.
    nit, nfev, n_estep, n_mstep : int
        Iterations; `nfev` equals `n_estep`.
    remaining : float
        Estimated gain in loglik still to be had, nats.
    trace : Trace
    stopped_by : str
        The name of the status.
    start : the model's parameters at the start
    model, data : the model that was fitted, with its held fields, and the validated data
    seed : the `rng` argument of `fit`, or None
    """

    params: Any
    loglik: float
    x: Array
    jac: Array
    status: Status
    message: str
    nit: int
    n_estep: int
    n_mstep: int
    remaining: float
    trace: Trace
    start: Any
    model: Any = field(repr=False)
    data: Any = field(repr=False)
    seed: Any = None

    @property
    def success(self) -> bool:
        """Whether the run converged to a local maximum."""
        return self.status is Status.CONVERGED

    @property
    def fun(self) -> float:
        """The minimised function, -loglik."""
        return -self.loglik

    @property
    def nfev(self) -> int:
        """E-steps, under scipy's name."""
        return self.n_estep

    @property
    def stopped_by(self) -> str:
        """The name of the status."""
        return self.status.name
