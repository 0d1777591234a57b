"""EM as long as that is the better buy, then Newton steps that learn the missing information."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, cast

import numpy as np

from emlib.algorithms.base import Info, State, require_free
from emlib.algorithms.em import em_step, observed_rate, slope
from emlib.algorithms.metric import hessian_cost, louis_is_cheap, metric_factor, observed_information
from emlib.algorithms.stopping import (
    DEFAULT_TOL,
    NEARBY,
    SADDLE_CURVATURE,
    known_hessian_distance,
    newton_gain,
    remaining_gain,
)
from emlib.algorithms.trust_region import SMALLEST, QuadraticModel, attempt, model_in_metric
from emlib.numerics import Array
from emlib.problem import Evaluation, Problem
from emlib.result import Status

FAR_GAIN = 3.0  # nats: where an EM step promises more, the optimum is too far off for a quadratic model to beat it
FAR_GAIN_A_UNIT = 0.003  # nats: what a step promises grows with the data, so that 3 would be ever nearer
FEW_STEPS = 8.0  # E-steps that the other steps would take at least: if EM needs no more, it goes on
SHRINK_AFTER_MISS = 0.5  # how much shorter the next step is after one that failed: what it taught is a better model
LEAST_COSINE = 1e-8  # cosine between a change and the step below which it says nothing


@dataclass(frozen=True)
class Adaptive:
    """EM while it gains much or is nearly done, then trust-region Newton steps, each for one E-step.

    Notes
    -----
    The model of the log-likelihood has the curvature I_c - A. The complete information I_c is exact at each point and
    costs no pass over the data; the missing information A starts at zero and is corrected after each step by a
    symmetric matrix of rank one, so that the change of the gradient comes out (Conn, Gould & Toint 1991). Where Louis's
    matrix costs but one E-step it takes A's place throughout; otherwise it is asked for once, where the run would end.

    EM steps are made while one promises more than 3 nats, and of more than a thousand units more than 0.003 nats a
    unit; before the first trust-region step also until two have shown a rate, and for as long as that rate says that 8
    more will do; and where a trust-region step would lose a component, or there is no matrix to make one with. A
    probability below 1e-10 is as good as zero: nothing is learnt about its log-odds.

    Examples
    --------
    >>> import emlib
    >>> from emlib import datasets
    >>> from emlib.algorithms import EM, Adaptive
    >>> from emlib.models import PoissonMixture
    >>> model = PoissonMixture(2)
    >>> counts = model.as_data(*datasets.hasselblad())
    >>> slow, fast = (emlib.fit(model, counts, algorithm=a, rng=0) for a in (EM(), Adaptive()))
    >>> abs(slow.loglik - fast.loglik) < 1e-6, slow.n_estep > 50 * fast.n_estep
    (True, True)
    """

    coordinates: ClassVar[str] = "free"
    monotone: ClassVar[bool] = True

    def init(self, problem: Problem, evaluation: Evaluation) -> State:
        """Return the starting state; a radius of zero says that no trust-region step has been made.

        Raises
        ------
        ValueError
            If the problem is not in free coordinates.
        """
        require_free(problem, "Adaptive")
        return State(evaluation, {"slopes": np.empty(0), "radius": 0.0, "exact": False,
                                  "missing": np.zeros((problem.size, problem.size))})

    def step(self, problem: Problem, state: State) -> tuple[State, Info]:
        """Make an EM step where that is the better buy, else one trust-region step."""
        if _em_pays(problem, state):
            return _em(problem, state)
        here, memory = state.evaluation, state.memory
        known = problem.memo.hessian is not None and problem.memo.hessian[0] is here
        ask = (known or louis_is_cheap(problem.model)) and not memory["exact"]
        model = _model(problem, here, memory["missing"], ask)
        if model is None:
            return _em(problem, state)
        return _trust_region(problem, State(here, {**memory, "exact": ask or memory["exact"]}), model)


def _em_pays(problem: Problem, state: State) -> bool:
    here, memory = state.evaluation, state.memory
    target = problem.m_step(here)
    if target.fault is not None or len(memory["slopes"]) < 2:
        return True
    promised = slope(here, target)
    far = _is_far(problem, promised)
    if far or memory["radius"] > 0:
        return far
    return _further_steps(np.append(memory["slopes"], promised)) <= FEW_STEPS


def _is_far(problem: Problem, promised: float) -> bool:
    """Return whether EM gains so much that a quadratic model would not do better; `promised` is twice the gain."""
    return promised > 2 * max(FAR_GAIN, FAR_GAIN_A_UNIT * problem.data.n_units)


def _further_steps(slopes: Array) -> float:
    """Return how many more steps EM needs, by the rate seen so far."""
    if slopes[-1] <= 0:
        return 0.0
    rate = observed_rate(slopes)
    gain = remaining_gain(float(slopes[-1]), rate)
    if not np.isfinite(gain):
        return np.inf
    return float(np.log(max(gain / DEFAULT_TOL, 1.0)) / (-2 * np.log(max(rate, np.finfo(float).tiny))))


def _em(problem: Problem, state: State) -> tuple[State, Info]:
    here = state.evaluation
    moved, info = em_step(problem, state)
    if not info.accepted:
        return moved, info
    there, missing = moved.evaluation, state.memory["missing"]
    factor = None if _is_far(problem, moved.memory["slopes"][-1]) else metric_factor(problem, there)
    if factor is not None:
        missing = _learn(problem, missing, factor @ factor.T, here, there)
    return State(there, {**moved.memory, "missing": missing, "exact": False}), info


@dataclass(frozen=True, eq=False)
class _Model:
    """The complete and the missing information at a point, and the quadratic model that they make."""

    complete: Array
    missing: Array
    quadratic: QuadraticModel


def _model(problem: Problem, here: Evaluation, missing: Array, exact: bool) -> _Model | None:
    """Return the model at a point, with Louis's matrix if `exact`; None where a matrix is missing."""
    kept = problem.memo.model
    if kept is not None and kept[0] is here and kept[1] is missing and not exact:
        return cast(_Model, kept[2])
    factor = metric_factor(problem, here)
    if factor is None:
        return None
    complete = factor @ factor.T
    if exact:
        observed = observed_information(problem, here)
        if observed is None:
            return None
        missing = complete - observed
    made = _Model(complete, missing, model_in_metric(factor, complete - missing, here.gradient))
    problem.memo.model = (here, missing, made)
    return made


def _trust_region(problem: Problem, state: State, model: _Model) -> tuple[State, Info]:
    here, memory, quadratic = state.evaluation, state.memory, model.quadratic
    radius = memory["radius"] or max(2.0 * float(np.linalg.norm(quadratic.slopes)), 10 * SMALLEST)
    tried = attempt(lambda move: problem.evaluate(here.x + move), here, quadratic, radius, SHRINK_AFTER_MISS)
    there = tried.there
    if there.fault is None and problem.m_step(there).fault is not None:  # on its way to lose a component
        return _em(problem, replace(state, memory={**memory, "radius": SHRINK_AFTER_MISS * tried.length}))
    if tried.accepted:
        return _arrive(problem, state, there, model, max(tried.radius, 10 * SMALLEST))
    if tried.length < SMALLEST:
        return state, Info("newton", False, None, Status.LINE_SEARCH_FAILED)
    missing = model.missing
    if there.fault is None and not memory["exact"]:
        missing = _learn(problem, missing, model.complete, here, there)
    memory = {**memory, "missing": missing, "radius": tried.radius}
    return State(here, memory), Info("newton", False, _gain(quadratic, tried.radius))


def _arrive(problem: Problem, state: State, there: Evaluation, before: _Model, radius: float) -> tuple[State, Info]:
    """Correct the missing information, and compute the exact one where nothing seems left to gain."""
    here, missing = state.evaluation, before.missing
    factor = metric_factor(problem, there)
    if factor is not None:
        missing = _learn(problem, missing, factor @ factor.T, here, there)
    exact = louis_is_cheap(problem.model)
    model, remaining = _model(problem, there, missing, exact), np.inf
    if model is not None and not exact:
        quadratic = model.quadratic
        at_rest = newton_gain(quadratic.curvatures, quadratic.slopes) <= DEFAULT_TOL
        looked = known_hessian_distance(problem, there, model.complete) < NEARBY  # the next would say the same
        if at_rest and not looked and problem.allows(hessian_cost(problem.model)):
            exact, model = True, _model(problem, there, missing, True)
    if model is not None:
        missing, remaining = model.missing, _gain(model.quadratic, radius)
    memory = {**state.memory, "missing": missing, "exact": exact, "radius": radius}
    return State(there, memory), Info("newton", True, remaining)


def _gain(model: QuadraticModel, radius: float) -> float:
    """Return Newton's estimate; where the model has no maximum, what it promises within the radius.

    Rounding in the data may bend a flat direction upwards; steps along it fail then, and the radius with them.
    """
    if model.curvatures[0] >= -SADDLE_CURVATURE:
        return newton_gain(np.abs(model.curvatures), model.slopes)
    return model.predicted_gain(model.best_step(radius))


def _learn(problem: Problem, missing: Array, complete: Array, here: Evaluation, there: Evaluation) -> Array:
    """Learn from a move, but not about log-odds of what is as good as zero: long moves along them tell too little."""
    known = ~problem.model.space.vanished_mask(here.params, there.params)
    both = np.outer(known, known)
    move, change = known * (there.x - here.x), known * (here.gradient - there.gradient)
    return symmetric_rank_one(both * missing, both * complete, move, change)


def symmetric_rank_one(missing: Array, complete: Array, move: Array, change: Array) -> Array:
    """Return A corrected by a matrix of rank one, so that (I_c - A) move = change (SR1)."""
    gap = (complete - missing) @ move - change
    share = float(gap @ move)
    units = np.sqrt(np.abs(np.diag(complete)))  # of the coordinates, so that the cosine has none
    scaled = np.divide(gap, units, where=units > 0, out=np.zeros(len(gap)))
    if abs(share) <= LEAST_COSINE * float(np.linalg.norm(scaled) * np.linalg.norm(units * move)):
        return missing
    return missing + np.outer(gap, gap) / share
