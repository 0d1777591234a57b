"""Anderson acceleration of EM, damped, restarted and monotone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy

from emlib.algorithms.base import Info, State, check_inner, is_integer, is_number, require_free
from emlib.algorithms.fixed_point import guarded_step, last_rates, residual
from emlib.algorithms.metric import in_metric
from emlib.algorithms.stopping import em_gain
from emlib.numerics import Array
from emlib.problem import Evaluation, Problem

LARGEST_ORDER = 10  # the order, where none is given, is half the number of parameters and at most this
ODDS_GROWTH = 1.2  # by what factor a success changes the odds of the undamped step
HALFWAY = 25  # successes after which the damped coefficients have half the squared length of the undamped ones
SHARE_TOLERANCE = 1e-12  # of a share next to one, which rounding may turn into one
RANK_TOLERANCE = 1e-14  # relative size of a singular value that is rounding


@dataclass(frozen=True)
class Anderson:
    """x <- x + f - (X + F) c, f = M(x) - x, with X and F the last moves and changes of f, and c a ridge regression.

    Parameters
    ----------
    order : int, optional
        Moves after which the memory starts afresh; half the number of parameters, and at most 10, where not given.
    epsilon : float
        Nats that the log-likelihood may lose in one step; 0.01 in the paper. With 0, the default, it never falls.
    coordinates : {"free", "standard"}
    inner : {"identity", "complete"}
        The inner product in which c is found: Euclid's, or that of the complete information at M(x), in free
        coordinates, which does not depend on the units, and in which steps near a maximum never stagnate.

    Notes
    -----
    DAAREM of Henderson & Varadhan (2019), J. Comput. Graph. Statist. 28:834-846. The coefficients c minimise
    |f - F c|^2 + ridge |c|^2, with the ridge at which |c|^2 is the share 1/(1 + 1.2^(25 - s)) of what it would be
    without one: nearly EM at first, undamped after many successes s. A cycle of `order` moves at whose end the
    log-likelihood is lower than at its beginning takes `order` successes back. Where the point so found lies outside
    the space, or loses more than epsilon, the EM step is made in its place, for one E-step more. Undamped steps are
    those of a multisecant quasi-Newton method (Fang & Saad 2009), for which EM's DM need not be symmetric. In free
    coordinates no step leaves the space; standard ones, as in the paper's package, can reach maxima on the boundary.

    Examples
    --------
    >>> import emlib
    >>> from emlib import datasets
    >>> from emlib.algorithms import EM, Anderson
    >>> from emlib.models import PoissonMixture
    >>> model = PoissonMixture(2)
    >>> counts = model.as_data(*datasets.hasselblad())
    >>> slow, fast = (emlib.fit(model, counts, algorithm=a, rng=0) for a in (EM(), Anderson()))
    >>> abs(slow.loglik - fast.loglik) < 1e-6, slow.n_estep > 20 * fast.n_estep
    (True, True)
    """

    order: int | None = None
    epsilon: float = 0.0
    coordinates: str = "free"
    inner: str = "identity"

    def __post_init__(self) -> None:
        if self.order is not None and not is_integer(self.order, 1):
            raise ValueError(f"order: {self.order!r} found; at least one move is remembered, or None")
        if not is_number(self.epsilon) or self.epsilon < 0:
            raise ValueError(f"epsilon: {self.epsilon!r} found; a number of nats is needed, 0 for none")
        check_inner(self.inner, self.coordinates)

    @property
    def monotone(self) -> bool:
        """True without an allowance."""
        return self.epsilon == 0

    def init(self, problem: Problem, evaluation: Evaluation) -> State:
        """Return the starting state."""
        if self.inner == "complete":
            require_free(problem, "Anderson(inner='complete')")
        none = np.empty((0, len(problem.reduce(evaluation.x))))
        return State(evaluation, {"moves": none, "changes": none, "rates": np.empty(0), "successes": 0,
                                  "level": evaluation.loglik})

    def step(self, problem: Problem, state: State) -> tuple[State, Info]:
        """Make the accelerated step, or the EM step where there is nothing to go by yet or the first fails."""
        here, memory = state.evaluation, state.memory
        left = residual(problem, here)
        direction = self._direction(problem, here, left, memory)
        there, info = guarded_step(problem, here, direction, "anderson", self.epsilon)
        if not info.accepted:
            return state, info
        ahead = residual(problem, there)
        if np.isfinite(ahead).all():
            move = problem.reduce(there.x - here.x)
            memory = self._with_move(memory, move, ahead - left, there.loglik, info.kind == "anderson")
        remaining = em_gain(problem, there, float(memory["rates"].max(initial=0.0)))
        return State(there, memory), Info(info.kind, True, remaining)

    def _direction(self, problem: Problem, here: Evaluation, left: Array, memory: Mapping[str, Any]) -> Array | None:
        """Return the accelerated step; None where nothing is remembered or M(x) is no point."""
        moves, changes = memory["moves"], memory["changes"]
        if not len(moves) or not np.isfinite(left).all():
            return None
        share = 1 / (1 + ODDS_GROWTH ** (HALFWAY - memory["successes"]))
        columns, goal = in_metric(problem, here, [changes, left]) if self.inner == "complete" else (changes, left)
        step: Array = left - damped_coefficients(columns, goal, share) @ (moves + changes)
        return step

    def _with_move(self, memory: Mapping[str, Any], move: Array, change: Array, loglik: float,
                   success: bool) -> dict[str, Any]:
        """Remember a move; after `order` of them it is the first of a new cycle."""
        order = self.order or min(LARGEST_ORDER, -(-len(move) // 2))
        kept, level = len(memory["moves"]), memory["level"]
        successes = memory["successes"] + int(success)
        if kept >= order:
            if loglik < level:
                successes = max(successes - order, -2 * HALFWAY)
            kept, level = 0, loglik
        return {"moves": np.vstack([memory["moves"][:kept], move]),
                "changes": np.vstack([memory["changes"][:kept], change]),
                "rates": last_rates(memory["rates"], move, change), "successes": successes, "level": level}


def damped_coefficients(changes: Array, left: Array, share: float) -> Array:
    """Return the coefficients of a ridge regression of `left` on the rows of `changes`.

    Parameters
    ----------
    changes : ndarray, shape (m, p)
    left : ndarray, shape (p,)
    share : float
        Their squared length, as a share of what it is without a ridge, in (0, 1].
    """
    columns, sizes, rows = np.linalg.svd(changes.T, full_matrices=False)
    kept = sizes > RANK_TOLERANCE * sizes[0]
    sizes, along = sizes[kept], columns.T[kept] @ left
    goal = share * float(np.sum((along / sizes) ** 2))
    if goal == 0:
        return np.zeros(len(changes))
    if share > 1 - SHARE_TOLERANCE:  # no ridge is left to be found
        undamped: Array = rows[kept].T @ (along / sizes)
        return undamped
    largest = 2 * float(np.linalg.norm(sizes * along)) / np.sqrt(goal)
    ridge = scipy.optimize.brentq(lambda r: float(np.sum((sizes * along / (sizes**2 + r)) ** 2)) - goal, 0.0, largest)
    coefficients: Array = rows[kept].T @ (sizes * along / (sizes**2 + ridge))
    return coefficients
