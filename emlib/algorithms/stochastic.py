"""Stochastic gradient ascent and Adam, on gradients per unit that mini-batches estimate."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from emlib.algorithms.base import Info, State, check_share, check_step_length, is_number
from emlib.algorithms.batches import batches, check_average_after, check_batches, kept_inside, mean_slope
from emlib.numerics import Array
from emlib.problem import Evaluation, Problem
from emlib.result import Status

Rule = Callable[[Array, Mapping[str, Any]], tuple[Array, Mapping[str, Any]]]
EPSILON = 1e-8  # of Kingma & Ba, algorithm 1
UNCLEAR = "the gradient of a mini-batch is not finite; use a shorter step_length or larger batches"


@dataclass(frozen=True)
class SGD:
    """x <- x + length * (gradient per unit of a mini-batch), batch after batch.

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
    order : {"random", "given"}
        Random ones are drawn anew for each pass. "given" takes the units as they lie, for data that were shuffled
        once on disk, where random reading is slow; in sorted data a batch tells of a part of them alone.
    average_after : float, optional
        Passes over the data, or a share of the first, after which the points are averaged; never if not given. The mean
        takes no part in the moves (Polyak & Ruppert).

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
    order: str = "random"
    average_after: float | None = None
    monotone: ClassVar[bool] = False

    def __post_init__(self) -> None:
        check_step_length(self.step_length)
        check_batches(self.batch_size, self.seed, self.order)
        check_average_after(self.average_after)
        check_decay(self.decay)

    def init(self, problem: Problem, evaluation: Evaluation) -> State:
        """Return the starting state."""
        return State(evaluation, {"epoch": 0, **_averages(self, evaluation)})

    def step(self, problem: Problem, state: State) -> tuple[State, Info]:
        """Make one pass over the data."""
        length = self.step_length / (1 + state.memory["epoch"]) ** self.decay
        return one_pass(problem, state, self, "sgd", lambda slope, memory: (length * slope, memory))


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
    order : {"random", "given"}
        Random ones are drawn anew for each pass. "given" takes the units as they lie, for data that were shuffled
        once on disk, where random reading is slow; in sorted data a batch tells of a part of them alone.
    average_after : float, optional
        Iterations, with batches also a share of the first, after which the points are averaged; never if not given.
        The mean takes no part in the moves (Polyak & Ruppert); without batches it costs an E-step more.

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
    order: str = "random"
    average_after: float | None = None
    monotone: ClassVar[bool] = False

    def __post_init__(self) -> None:
        check_step_length(self.step_length)
        check_share(self.beta1, "beta1")
        check_share(self.beta2, "beta2")
        check_batches(1 if self.batch_size is None else self.batch_size, self.seed, self.order)
        check_average_after(self.average_after)
        check_decay(self.decay)

    def init(self, problem: Problem, evaluation: Evaluation) -> State:
        """Return the starting state."""
        zeros = np.zeros(problem.size)
        return State(evaluation, {"epoch": 0, "n_moves": 0, "mean": zeros, "square": zeros,
                                  **_averages(self, evaluation)})

    def step(self, problem: Problem, state: State) -> tuple[State, Info]:
        """Make one step with the whole gradient, or one pass over the batches."""
        if self.batch_size is not None:
            return one_pass(problem, state, self, "adam", self._move)
        here = _at_last_point(problem, state)
        slope = problem.lift(problem.reduce(here.gradient)) / problem.data.n_units
        move, memory = self._move(slope, state.memory)
        with np.errstate(over="ignore", invalid="ignore"):
            x, _ = kept_inside(problem, problem.batch_steps(len(problem.data)), here.x, move)
        return evaluated_end(problem, state, x, _with_point(self, memory, x, memory["epoch"] + 1), "adam")

    def _move(self, slope: Array, memory: Mapping[str, Any]) -> tuple[Array, dict[str, Any]]:
        count = int(memory["n_moves"]) + 1
        mean = memory["mean"] + (1 - self.beta1) * (slope - memory["mean"])
        square = memory["square"] + (1 - self.beta2) * (slope * slope - memory["square"])
        # The divisors that make both unbiased are numbers: they are taken together, as Kingma & Ba do in section 2.
        length, share = self.step_length / (1 + memory["epoch"]) ** self.decay, math.sqrt(1 - self.beta2**count)
        move = length * share / (1 - self.beta1**count) * mean / (np.sqrt(square) + share * EPSILON)
        return move, {**memory, "n_moves": count, "mean": mean, "square": square}


def one_pass(problem: Problem, state: State, settings: Any, kind: str, rule: Rule) -> tuple[State, Info]:
    """Move the point once for each batch, then evaluate the whole log-likelihood."""
    problem.count_e_steps(1)
    memory: Mapping[str, Any] = state.memory
    x, epoch = memory.get("last", state.evaluation.x), int(memory["epoch"])
    params, steps = problem.model.space.unpack(x, problem.coordinates), problem.batch_steps(settings.batch_size)
    per_pass = -(-len(problem.data) // settings.batch_size)
    parts = batches(problem.data, settings.batch_size, settings.seed, epoch, settings.order)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        for done, (batch, factor) in enumerate(parts, start=1):
            slope = mean_slope(problem, steps, params, batch, factor)
            if slope is None:
                return state, Info(kind, False, None, Status.NON_FINITE, UNCLEAR)
            move, memory = rule(slope, memory)
            x, params = kept_inside(problem, steps, x, move)
            memory = _with_point(settings, memory, x, epoch + done / per_pass)
    return evaluated_end(problem, state, x, memory, kind)


def _averages(settings: Any, start: Evaluation) -> dict[str, Any]:
    """Return what is remembered for a mean of points; nothing where none is asked for."""
    if settings.average_after is None:
        return {}
    return {"last": start.x, "mean_point": np.zeros_like(start.x), "averaged": 0}


def _with_point(settings: Any, memory: Mapping[str, Any], x: Array, passes: float) -> Mapping[str, Any]:
    """Remember a point, and average over it if it is late enough."""
    if settings.average_after is None:
        return memory
    found = {**memory, "last": x}
    if passes > settings.average_after:
        count = memory["averaged"] + 1
        found |= {"averaged": count, "mean_point": memory["mean_point"] + (x - memory["mean_point"]) / count}
    return found


def _at_last_point(problem: Problem, state: State) -> Evaluation:
    """Return the evaluated point from which to move: not the mean, which costs one E-step more."""
    last = state.memory.get("last", state.evaluation.x)
    return state.evaluation if np.array_equal(last, state.evaluation.x) else problem.evaluate(last)


def evaluated_end(problem: Problem, state: State, x: Array, memory: Mapping[str, Any], kind: str) -> tuple[State, Info]:
    """Evaluate the point that an iteration has led to, for one E-step; end the run if it has not moved."""
    if np.array_equal(x, state.memory.get("last", state.evaluation.x)):
        return state, Info(kind, False, None, Status.LINE_SEARCH_FAILED, "no move inside the space changes the point")
    there = problem.evaluate(memory["mean_point"] if memory.get("averaged") else x)
    if there.fault is not None:
        return state, Info(kind, False, None, Status.NON_FINITE, there.fault)
    return State(there, {**memory, "epoch": int(memory["epoch"]) + 1}), Info(kind)


def check_decay(value: Any) -> None:
    """Raise ValueError unless the decay of step lengths is a number in [0, 1]."""
    if not is_number(value) or not 0 <= value <= 1:
        raise ValueError(f"decay: {value!r} found; a number from 0 (constant steps) to 1 is needed")
