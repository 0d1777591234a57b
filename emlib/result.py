"""The result of a fit, with its status and its trace."""

from __future__ import annotations

import pickle
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any

import numpy as np

from emlib.data.validate import counted
from emlib.fitting.summary import Summary, summarise
from emlib.numerics import Array

if TYPE_CHECKING:
    from emlib.diagnostics.information import Information


class Status(Enum):
    """Why a run ended; only CONVERGED is a success."""

    CONVERGED = "stationary, no direction of positive curvature, expected further gain below tol"
    UNCHECKED = "stationary, but the curvature could not be looked at, so that it may be a saddle"
    MAX_ESTEP = "the budget of E-steps is spent"
    MAX_ITER = "the budget of iterations is spent"
    SADDLE = "stationary, but the log-likelihood rises to second order in some direction"
    DEGENERATE = "a step left the parameter space"
    DECREASED = "a step that must not lower the log-likelihood did"
    NON_FINITE = "the log-likelihood or its gradient is not finite"
    LINE_SEARCH_FAILED = "no acceptable point along the search direction"
    INTERRUPTED = "stopped by the user"
    CALLBACK = "stopped by the callback"


COLUMNS = ("loglik", "n_estep", "kind", "remaining", "gradient_norm", "step_norm", "entropy", "objective")


@dataclass(frozen=True)
class Trace:
    """One row per iteration, kept by column; `trace.loglik` is an array.

    Attributes
    ----------
    columns : mapping of str to list
        loglik, n_estep, kind ("start", "em", "newton", ...), remaining (nats), gradient_norm, step_norm, entropy, and
        what the run climbs, objective: loglik, of a penalised model with its penalty.
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
        Total observed-data log-likelihood, nats; of a penalised model, too, without the penalty.
    x, jac : ndarray, shape (p,)
        The point and the gradient of `fun` = -objective, in the coordinates in which the run began.
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
    penalty : float
        Of a penalised model at the point, nats: not above zero. Zero for maximum likelihood.
    algorithm : Algorithm or None
        The one that `fit` was given, or chose, with its settings. None from `solve`, and in copies and pickles where
        it does not pickle itself.
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
    penalty: float = 0.0
    algorithm: Any = field(default=None, repr=False)

    def __getstate__(self) -> dict[str, Any]:
        """Leave out of copies and pickles an algorithm that does not pickle, such as one with a lambda."""
        try:
            pickle.dumps(self.algorithm)
        except Exception:  # whatever an algorithm of the user's may raise
            return vars(self) | {"algorithm": None}
        return dict(vars(self))

    @property
    def objective(self) -> float:
        """What was maximised, loglik + penalty: the log-likelihood itself unless the model is penalised."""
        return self.loglik + self.penalty

    @property
    def success(self) -> bool:
        """Whether the run converged to a local maximum."""
        return self.status is Status.CONVERGED

    @property
    def n_parameters(self) -> int:
        """Free parameters, without the directions in which a model is the same distribution (its `n_invariant`)."""
        return int(self.model.n_parameters)

    @property
    def aic(self) -> float:
        """Akaike's criterion, 2 n_parameters - 2 loglik; smaller is better."""
        return 2.0 * self.n_parameters - 2.0 * self.loglik

    @property
    def bic(self) -> float:
        """Schwarz's criterion, n_parameters log(observations) - 2 loglik; smaller is better."""
        return self.n_parameters * float(np.log(self.data.n_observations)) - 2.0 * self.loglik

    def summary(self, *, standard_errors: bool = True) -> Summary:
        """Return a table to print: estimates, standard errors, missing information, rate, why the run stopped.

        Parameters
        ----------
        standard_errors : bool
            Whether to look at the information, for about one E-step where the model has it in closed form and
            for four E-steps a parameter where not. A run that did not converge gets no standard errors.

        Examples
        --------
        >>> import emlib
        >>> from emlib.models import Linkage
        >>> print(emlib.fit(Linkage(), [125, 18, 20, 34], rng=0).summary())  # doctest: +ELLIPSIS
        Linkage()
        log-likelihood -205.71589, 197 observations, 1 free parameter, AIC 413.43177, BIC 416.71498
        parameter  estimate  std. error  missing
        theta       0.62682      0.0515    13.3%
        rate of EM 0.132779: in the slowest direction 13.3% of the information is missing, on average 13.3%
        stopped: CONVERGED, stationary, no direction of positive curvature, expected further gain below tol
        ... iterations, ... E-steps; expected further gain ... nats
        """
        found, reason = self._information() if standard_errors else (None, "not asked for")
        return summarise(self.model, self.params, found, reason, self._head(), self._ending())

    def _information(self) -> tuple[Information | None, str]:
        """Return the information at the estimate, or why there is none."""
        from emlib.diagnostics import information  # at first use: `import emlib` stays quick

        if not self.success:
            return None, f"the run did not converge ({self.stopped_by})"
        try:
            return information(self.model, self.data, self.params), ""
        except ValueError as error:
            return None, str(error)

    def _head(self) -> list[str]:
        """Return the lines above the table; of a penalised fit, also that it is no maximum of the likelihood."""
        head = [repr(self.model),
                f"log-likelihood {self.loglik:.8g}, {self.data.n_observations:g} observations, "
                f"{counted(self.n_parameters, 'free parameter')}, AIC {self.aic:.8g}, BIC {self.bic:.8g}"]
        if self.model.penalty is None:
            return head
        return [*head,
                f"penalised fit (penalty={self.model.penalty:g}), not maximum likelihood: what was maximised is "
                f"{self.objective:.8g}, the log-likelihood with the penalty's {self.penalty:.4g}",
                "AIC and BIC leave the penalty out; standard errors, missing shares and rate are the penalised "
                "objective's"]

    def _ending(self) -> list[str]:
        """Return the lines below the table that say why the run stopped and what it cost."""
        spent = f"{counted(self.nit, 'iteration')}, {counted(self.n_estep, 'E-step')}"
        return [f"stopped: {self.stopped_by}, {self.message}",
                f"{spent}; expected further gain {self.remaining:.2g} nats"]

    def to_dataframe(self) -> Any:
        """Return `summary` as a pandas DataFrame, if pandas is installed."""
        return self.summary().to_dataframe()

    @property
    def fun(self) -> float:
        """The minimised function, -objective."""
        return -self.objective

    @property
    def nfev(self) -> int:
        """E-steps, under scipy's name."""
        return self.n_estep

    @property
    def stopped_by(self) -> str:
        """The name of the status."""
        return self.status.name
