"""ECME and PX-EM: steps that a model supplies beside its M-step, from the same expected statistics."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from emlib.algorithms.base import Info, State
from emlib.problem import Evaluation, Problem
from emlib.result import Status


@dataclass(frozen=True)
class ECME:
    """Conditional maximisations, each of Q or of the log-likelihood itself; one E-step per iteration.

    Notes
    -----
    Liu & Rubin (1994). The model's `cm_steps(params, stats)` makes one sweep, as that of `FactorAnalysis` does.

    Examples
    --------
    >>> import emlib
    >>> import numpy as np
    >>> from emlib.algorithms import ECME
    >>> from emlib.models import FactorAnalysis
    >>> factor, noise = np.random.default_rng(0).normal(size=(2, 100, 4))
    >>> result = emlib.fit(FactorAnalysis(4, 1), factor[:, :1] + noise, algorithm=ECME(), rng=0)
    >>> result.success, bool(np.diff(result.trace.loglik).min() > -1e-9)
    (True, True)
    """

    coordinates: ClassVar[str] = "standard"
    monotone: ClassVar[bool] = True

    def init(self, problem: Problem, evaluation: Evaluation) -> State:
        """Return the starting state.

        Raises
        ------
        TypeError
            If the model has no `cm_steps`.
        """
        _require(problem, "ECME", "cm_steps")
        return State(evaluation)

    def step(self, problem: Problem, state: State) -> tuple[State, Info]:
        """Make the model's conditional maximisations."""
        here = state.evaluation
        return _move(problem, state, problem.model.cm_steps(here.params, here.stats), "ecme")


@dataclass(frozen=True)
class PXEM:
    """The M-step of a model with more parameters, reduced to the original ones.

    Notes
    -----
    Liu, Rubin & Wu (1998): monotone, and never slower than EM. The model's `expanded_m_step(stats)` makes the step, as
    that of `StudentT` does.

    Examples
    --------
    >>> import emlib
    >>> import numpy as np
    >>> from emlib.algorithms import EM, PXEM
    >>> from emlib.models import StudentT
    >>> rows = np.random.default_rng(0).standard_t(2, size=(200, 1))
    >>> slow, fast = (emlib.fit(StudentT(1, 2), rows, algorithm=a, rng=0) for a in (EM(), PXEM()))
    >>> abs(slow.loglik - fast.loglik) < 1e-6, fast.nit < slow.nit
    (True, True)
    """

    coordinates: ClassVar[str] = "standard"
    monotone: ClassVar[bool] = True

    def init(self, problem: Problem, evaluation: Evaluation) -> State:
        """Return the starting state.

        Raises
        ------
        TypeError
            If the model has no `expanded_m_step`.
        """
        _require(problem, "PXEM", "expanded_m_step")
        return State(evaluation)

    def step(self, problem: Problem, state: State) -> tuple[State, Info]:
        """Make the expanded model's M-step."""
        return _move(problem, state, problem.model.expanded_m_step(state.evaluation.stats), "px-em")


def _require(problem: Problem, algorithm: str, name: str) -> None:
    """Raise TypeError unless the model supplies a capability."""
    if not problem.model.supplies(name):
        raise TypeError(f"algorithm: {algorithm} needs a model with `{name}`; "
                        f"{type(problem.model).__name__} has none, use EM() or SQUAREM()")


def _move(problem: Problem, state: State, update: Any, kind: str) -> tuple[State, Info]:
    """Evaluate the update; `solve` estimates the remaining gain from the EM step."""
    target = problem.checked_m_step(update)
    if target.fault is not None:
        return state, Info(kind, False, None, Status.DEGENERATE, target.fault)
    there = problem.evaluate(target.x)
    if there.fault is not None:
        return state, Info(kind, False, None, Status.NON_FINITE, there.fault)
    return State(there), Info(kind)
