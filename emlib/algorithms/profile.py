"""Newton's method in one field of the parameters, the others at their best given it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from emlib.algorithms.base import Info, State, check_warm_up, require_free
from emlib.algorithms.em import em_step
from emlib.algorithms.trust_region import SHRINK, SMALLEST, best_step, brought, next_radius, rise
from emlib.numerics import Array, symmetrise
from emlib.problem import Evaluation, Problem
from emlib.result import Status
from emlib.stopping import newton_gain

FIRST = 1.0  # first radius, in the free coordinates of the field: for variances, a factor e


@dataclass(frozen=True)
class Profile:
    """A few EM steps, then trust-region Newton steps on the profile log-likelihood; a point tried costs one E-step.

    Parameters
    ----------
    warm_up : int
        EM steps to begin with.

    Notes
    -----
    For a model whose likelihood can be maximised in closed form over all fields but one, `FactorAnalysis` with all
    loadings free (Jöreskog 1967). Its `profiled` names the field that is left, its `profile(params, stats)` returns
    the best point with this field, and the Hessian of the log-likelihood at such points in the field's free
    coordinates. The gradient is that of any E-step: the other fields' part vanishes there. As the Hessian is exact,
    it is also what convergence is judged by.

    Examples
    --------
    >>> import emlib
    >>> import numpy as np
    >>> from emlib.algorithms import EM, Profile
    >>> from emlib.models import FactorAnalysis
    >>> factor, noise = np.random.default_rng(0).normal(size=(2, 100, 4))
    >>> rows = factor[:, :1] + noise
    >>> slow, fast = (emlib.fit(FactorAnalysis(4, 1), rows, algorithm=a, rng=0) for a in (EM(), Profile()))
    >>> abs(slow.loglik - fast.loglik) < 1e-6, slow.n_estep > 5 * fast.n_estep
    (True, True)
    """

    warm_up: int = 1
    coordinates: ClassVar[str] = "free"
    monotone: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_warm_up(self.warm_up)

    def init(self, problem: Problem, evaluation: Evaluation) -> State:
        """Return the starting state.

        Raises
        ------
        ValueError
            If the problem is not in free coordinates.
        TypeError
            If the model has no field for which the others have a best value in closed form.
        """
        require_free(problem, "Profile")
        if problem.model.profiled is None:
            raise TypeError("algorithm: Profile needs a model with `profiled`; "
                            f"{type(problem.model).__name__} has none with these settings, use EM() or Adaptive()")
        return State(evaluation, {"left": self.warm_up, "hessian": np.empty((0, 0)), "radius": FIRST})

    def step(self, problem: Problem, state: State) -> tuple[State, Info]:
        """Make an EM step while warming up; then give the other fields their best values, or move the one left."""
        here, memory = state.evaluation, state.memory
        if memory["left"] > 0:
            moved, info = em_step(problem, State(here))
            return State(moved.evaluation, {**memory, "left": memory["left"] - 1}), info
        if not memory["hessian"].size:
            target, hessian = _best(problem, here, here.x)
            if target.fault is not None:
                return state, Info("profile", False, None, Status.DEGENERATE, target.fault)
            there = problem.evaluate(target.x)
            return _arrived(problem, there, hessian, memory["radius"])
        return _trust_region(problem, here, memory)


def _best(problem: Problem, here: Evaluation, x: Array) -> tuple[Any, Array]:
    """Return the best point with the field at x, and the Hessian there; what was seen at `here` suffices."""
    best, hessian = problem.model.profile(problem.model.space.unpack(x), here.stats)
    return problem.placed(best), hessian


def _place(problem: Problem) -> slice:
    """Return where the field that is left lies in the flat vector."""
    blocks = problem.model.space.blocks
    index = [block.name for block in blocks].index(str(problem.model.profiled))
    low = sum(block.free_size for block in blocks[:index])
    return slice(low, low + blocks[index].free_size)


def _trust_region(problem: Problem, here: Evaluation, memory: Mapping[str, Any]) -> tuple[State, Info]:
    values, vectors, slopes = _model(problem, here, memory["hessian"])
    move = best_step(values, slopes, memory["radius"])
    length, x = float(np.linalg.norm(move)), here.x.copy()
    x[_place(problem)] += vectors @ move
    target, hessian = _best(problem, here, x)
    shorter = State(here, {**memory, "radius": SHRINK * length})
    if target.fault is not None:
        # A long step may only have gone too far; a short one that rises is on its way out of the space.
        status = Status.DEGENERATE if length <= FIRST else None
        return shorter, Info("profile", False, None, status, target.fault)
    there = problem.evaluate(target.x)
    share = brought(here, there, rise(values, slopes, move))
    if share is not None:
        return _arrived(problem, there, hessian, next_radius(memory["radius"], length, share))
    return shorter, Info("profile", False, None, Status.LINE_SEARCH_FAILED if length < SMALLEST else None)


def _model(problem: Problem, here: Evaluation, hessian: Array) -> tuple[Array, Array, Array]:
    """Return curvatures, directions and slopes of the quadratic model of the profile log-likelihood."""
    values, vectors = np.linalg.eigh(-symmetrise(hessian))
    return values, vectors, vectors.T @ here.gradient[_place(problem)]


def _arrived(problem: Problem, there: Evaluation, hessian: Array, radius: float) -> tuple[State, Info]:
    """Return the state at a new point, with what Newton's step would still gain in units of the rows' number."""
    values, _, slopes = _model(problem, there, hessian)
    count = problem.data.n_units
    remaining = newton_gain(values / count, slopes / np.sqrt(count))
    return State(there, {"left": 0, "hessian": hessian, "radius": radius}), Info("profile", True, remaining, exact=True)
