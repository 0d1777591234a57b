"""Newton's method in one field of the parameters, the others at their best given it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from emlib.algorithms.base import Info, State, require_free
from emlib.algorithms.stopping import FLAT_CURVATURE, newton_gain
from emlib.algorithms.trust_region import SMALLEST, QuadraticModel, attempt
from emlib.numerics import Array, symmetrise
from emlib.problem import Evaluation, MStep, Problem
from emlib.result import Status

FIRST_RADIUS = 1.0  # in the free coordinates of the field: for variances, a factor e


@dataclass(frozen=True)
class Profile:
    """Trust-region Newton steps on the profile log-likelihood; a point tried costs one E-step.

    Notes
    -----
    For a model whose likelihood can be maximised in closed form over all fields but one, `FactorAnalysis` with all
    loadings free (Jöreskog 1967). Its `profiled` names the field that is left, its `profile(params, stats)` returns
    the best point with this field, and the Hessian of the log-likelihood at such points in the field's free
    coordinates. The gradient is that of any E-step: the other fields' part vanishes there. As the Hessian is exact,
    it is also what convergence is judged by, unless the field goes to where the
    model degenerates. ``Switch(EM(), Profile(), after(1))``, the default of `fit` for such models, begins with an EM
    step.

    Examples
    --------
    >>> import emlib
    >>> import numpy as np
    >>> from emlib.algorithms import EM, Profile, Switch, after
    >>> from emlib.models import FactorAnalysis
    >>> factor, noise = np.random.default_rng(0).normal(size=(2, 100, 4))
    >>> rows = factor[:, :1] + noise
    >>> profile = Switch(EM(), Profile(), after(1))
    >>> slow, fast = (emlib.fit(FactorAnalysis(4, 1), rows, algorithm=a, rng=0) for a in (EM(), profile))
    >>> abs(slow.loglik - fast.loglik) < 1e-6, slow.n_estep > 5 * fast.n_estep
    (True, True)
    """

    coordinates: ClassVar[str] = "free"
    monotone: ClassVar[bool] = True

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
        return State(evaluation, {"hessian": np.empty((0, 0)), "radius": FIRST_RADIUS})

    def step(self, problem: Problem, state: State) -> tuple[State, Info]:
        """Give the other fields their best values at first, then move the one that is left."""
        here, hessian, radius = state.evaluation, state.memory["hessian"], state.memory["radius"]
        if hessian.size:
            return _trust_region(problem, here, hessian, radius)
        target, hessian = _best(problem, here, here.x)
        if target.fault is not None:
            return state, Info("profile", False, None, Status.DEGENERATE, target.fault)
        return _arrived(problem, problem.evaluate(target.x), hessian, radius)


def _best(problem: Problem, here: Evaluation, x: Array) -> tuple[MStep, Array]:
    """Return the best point with the field at x, and the Hessian there, from the expected statistics of `here`."""
    best, hessian = problem.model.profile(problem.model.space.unpack(x), here.stats)
    return problem.checked_m_step(best), hessian


def _field(problem: Problem) -> slice:
    """Return where the field that is left lies in the flat vector."""
    blocks = problem.model.space.blocks
    index = [block.name for block in blocks].index(str(problem.model.profiled))
    low = sum(block.free_size for block in blocks[:index])
    return slice(low, low + blocks[index].free_size)


def _trust_region(problem: Problem, here: Evaluation, hessian: Array, radius: float) -> tuple[State, Info]:
    found: list[tuple[MStep, Array]] = []

    def evaluate(move: Array) -> Evaluation:
        x = here.x.copy()
        x[_field(problem)] += move
        target, curvature = _best(problem, here, x)
        found.append((target, curvature))
        return problem.evaluate(target.x) if target.fault is None else replace(here, loglik=-np.inf)

    tried = attempt(evaluate, here, _model(problem, here, hessian), radius)
    target, next_hessian = found[0]
    if tried.accepted:
        return _arrived(problem, tried.there, next_hessian, tried.radius)
    shorter = State(here, {"hessian": hessian, "radius": tried.radius})
    if target.fault is not None:
        # A long step may only have gone too far; a short one that rises is on its way out of the space.
        status = Status.DEGENERATE if tried.length <= FIRST_RADIUS else None
        return shorter, Info("profile", False, None, status, target.fault)
    return shorter, Info("profile", False, None, Status.LINE_SEARCH_FAILED if tried.length < SMALLEST else None)


def _model(problem: Problem, here: Evaluation, hessian: Array) -> QuadraticModel:
    """Return the quadratic model of the profile log-likelihood in the free coordinates of the field."""
    curvatures, vectors = np.linalg.eigh(-symmetrise(hessian))
    return QuadraticModel(curvatures, vectors.T @ here.gradient[_field(problem)], vectors)


def _arrived(problem: Problem, there: Evaluation, hessian: Array, radius: float) -> tuple[State, Info]:
    """Return the state at a new point, with what Newton's step would still gain in units of the rows' number."""
    model, count = _model(problem, there, hessian), problem.data.n_units
    remaining = newton_gain(model.curvatures / count, model.slopes / np.sqrt(count))
    step = np.zeros(problem.size)
    step[_field(problem)] = model.directions @ (model.slopes / np.maximum(model.curvatures, FLAT_CURVATURE * count))
    exact = problem.model.vanishing(there.params, problem.data, step) is None
    return State(there, {"hessian": hessian, "radius": radius}), Info("profile", True, remaining, exact=exact)
