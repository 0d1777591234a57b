"""Stochastic gradient ascent and Adam, on gradients per unit that mini-batches estimate."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from emlib.algorithms.base import Info, State, check_share, check_step_length, is_number
from emlib.algorithms.batches import batches, check_batches, kept_inside, mean_slope
from emlib.numerics import Array
from emlib.problem import Evaluation, Problem
from emlib.result import Status

Rule = Callable[[Array, Mapping[str, Any]], tuple[Array, dict[str, Any]]]
EPSILON = 1e-8  # of Kingma & Ba, algorithm 1
UNCLEAR = "the gradient of a mini-batch is not finite; use a shorter step_length or larger batches"


@dataclass(frozen=True)
class SGD:
    """x <- x + length * (gradient per unit of a mini-batch), batch after batch, the order drawn anew for each pass.

    Parameters
    ----------
    step_length : float
        Length of the first pass, per unit (as in `FirstOrderEM`).
    batch_size : int
        Units in a batch.
    decay : float
        The k-th pass has length step_length / k^decay; in (1/2, 1] the conditions of Robbins & Monro (1951) hold.
    seed : int
        Fixes the order of the units.
    coordinates : {"free", "standard", "mean"}

    Notes
    -----
    By Fisher's identity a batch's E-step gives the gradient of its log-likelihood. An iteration costs two
    E-steps: one for its pass over all batches (m of n units are m/n of an E-step), and one for the look at the
    whole log-likelihood after it, by which `emlib.solve` decides when to stop; the algorithm itself claims nothing. A
    move that would leave the space is halved until it does not.

    Examples
    --------
    >>> import numpy as np
    >>> import emlib
    >>> from emlib import datasets
    >>> from emlib.algorithms import SGD
    >>> from emlib.models import GaussianMixture
    >>> model, rows = GaussianMixture(2, 1), datasets.two_normals(500, 4.0, np.random.default_rng(0))
    >>> near = emlib.fit(model, rows, algorithm=SGD(), rng=0, max_estep=40)
    >>> best = emlib.fit(model, rows, rng=0)
    >>> near.status.name, best.loglik - near.loglik < 1.0
    ('MAX_ESTEP', True)
    """

    step_length: float = 0.5
    batch_size: int = 20
    decay: float = 0.6
    seed: int = 0
    coordinates: str = "free"
    monotone: ClassVar[bool] = False

    def __post_init__(self) -> None:
        check_step_length(self.step_length)
        check_batches(self.batch_size, self.seed)
        check_decay(self.decay)

    def init(self, problem: Problem, evaluation: Evaluation) -> State:
        """Return the starting state."""
        return State(evaluation, {"epoch": 0})

    def step(self, problem: Problem, state: State) -> tuple[State, Info]:
        """Make one pass over the data."""
        length = self.step_length / (1 + state.memory["epoch"]) ** self.decay
        return one_pass(problem, state, self, "sgd", lambda slope, memory: (length * slope, dict(memory)))


@dataclass(frozen=True)
class Adam:
    """Moves by a running mean of the gradient over the root of a running mean of its square, entry by entry.

    Parameters
    ----------
    step_length : float
        About how far each entry moves in a step as long as its gradient keeps its sign.
    beta1, beta2 : float
        Shares of the running means that are kept, in [0, 1).
    batch_size : int or None
        Units in a mini-batch; None takes all, an iteration is then one step and costs one E-step. With batches an
        iteration is a pass and costs two (see `SGD`).
    decay : float
        The k-th iteration has length step_length / k^decay.
    seed : int
        Fixes the order of the units.
    coordinates : {"free", "standard", "mean"}

    Notes
    -----
    Kingma & Ba (2015), algorithm 1, on the gradient per unit. With a constant step length it may circle about
    the optimum for ever; `emlib.solve` decides when to stop, the algorithm itself claims nothing. A move that would
    leave the space is halved until it does not.

    Examples
    --------
    >>> import emlib
    >>> from emlib.algorithms import Adam
    >>> from emlib.models import Linkage
    >>> result = emlib.fit(Linkage(), [125, 18, 20, 34], start={"theta": 0.1}, algorithm=Adam())
    >>> result.success, round(float(result.params.theta), 4)
    (True, 0.6268)
    """

    step_length: float = 0.05
    beta1: float = 0.9
    beta2: float = 0.999
    batch_size: int | None = None
    decay: float = 0.0
    seed: int = 0
    coordinates: str = "free"
    monotone: ClassVar[bool] = False

    def __post_init__(self) -> None:
        check_step_length(self.step_length)
        check_share(self.beta1, "beta1")
        check_share(self.beta2, "beta2")
        check_batches(1 if self.batch_size is None else self.batch_size, self.seed)
        check_decay(self.decay)

    def init(self, problem: Problem, evaluation: Evaluation) -> State:
        """Return the starting state."""
        zeros = np.zeros(problem.size)
        return State(evaluation, {"epoch": 0, "n_moves": 0, "mean": zeros, "square": zeros})

    def step(self, problem: Problem, state: State) -> tuple[State, Info]:
        """Make one step with the whole gradient, or one pass over the batches."""
        if self.batch_size is not None:
            return one_pass(problem, state, self, "adam", self._move)
        here = state.evaluation
        slope = problem.lift(problem.reduce(here.gradient)) / problem.data.n_units
        move, memory = self._move(slope, state.memory)
        return evaluated_end(problem, state, kept_inside(problem, here.x, move), memory, "adam")

    def _move(self, slope: Array, memory: Mapping[str, Any]) -> tuple[Array, dict[str, Any]]:
        count = int(memory["n_moves"]) + 1
        mean = self.beta1 * memory["mean"] + (1 - self.beta1) * slope
        square = self.beta2 * memory["square"] + (1 - self.beta2) * slope**2
        length = self.step_length / (1 + memory["epoch"]) ** self.decay
        unbiased = np.sqrt(square / (1 - self.beta2**count)) + EPSILON
        return (length * mean / (1 - self.beta1**count) / unbiased,
                {**memory, "n_moves": count, "mean": mean, "square": square})


def one_pass(problem: Problem, state: State, settings: Any, kind: str, rule: Rule) -> tuple[State, Info]:
    """Move the point once for each batch, then evaluate the whole log-likelihood."""
    problem.count_e_steps(1)
    x, memory = state.evaluation.x, dict(state.memory)
    for batch, factor in batches(problem.data, settings.batch_size, settings.seed, int(memory["epoch"])):
        slope = mean_slope(problem, x, batch, factor)
        if slope is None:
            return state, Info(kind, False, None, Status.NON_FINITE, UNCLEAR)
        move, memory = rule(slope, memory)
        x = kept_inside(problem, x, move)
    return evaluated_end(problem, state, x, memory, kind)


def evaluated_end(problem: Problem, state: State, x: Array, memory: Mapping[str, Any], kind: str) -> tuple[State, Info]:
    """Evaluate the point that an iteration has led to, for one E-step; end the run if it has not moved."""
    if np.array_equal(x, state.evaluation.x):
        return state, Info(kind, False, None, Status.LINE_SEARCH_FAILED, "no move inside the space changes the point")
    there = problem.evaluate(x)
    if there.fault is not None:
        return state, Info(kind, False, None, Status.NON_FINITE, there.fault)
    return State(there, {**memory, "epoch": int(memory["epoch"]) + 1}), Info(kind)


def check_decay(value: Any) -> None:
    """Raise ValueError unless the decay of step lengths is a number in [0, 1]."""
    if not is_number(value) or not 0 <= value <= 1:
        raise ValueError(f"decay: {value!r} found; a number from 0 (constant steps) to 1 is needed")
