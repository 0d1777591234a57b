"""EM whose step is stretched for as long as the log-likelihood rises."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from emlib.algorithms.base import Info, State, is_number
from emlib.algorithms.fixed_point import guarded_step, last_rates, residual
from emlib.algorithms.stopping import em_gain
from emlib.problem import Evaluation, Problem


@dataclass(frozen=True)
class StretchedEM:
    """x <- x + s (M(x) - x), with a stretch s that grows after each success and starts afresh at 1 after a failure.

    Parameters
    ----------
    growth : float
        By what factor a success lengthens the next step; above 1.
    coordinates : {"free", "standard"}

    Notes
    -----
    Adaptive over-relaxation in the manner of Salakhutdinov & Roweis (2003), Proceedings of ICML, 664-671. A stretched
    step fails where it leaves the space or lowers the log-likelihood; the EM step is then made in its place, for one
    E-step more, so that the log-likelihood never falls. A step with s = 1 is EM's own and always stands.

    Examples
    --------
    >>> import emlib
    >>> from emlib import datasets
    >>> from emlib.algorithms import EM, StretchedEM
    >>> from emlib.models import PoissonMixture
    >>> model = PoissonMixture(2)
    >>> counts = model.as_data(*datasets.hasselblad())
    >>> slow, fast = (emlib.fit(model, counts, algorithm=a, rng=0) for a in (EM(), StretchedEM()))
    >>> abs(slow.loglik - fast.loglik) < 1e-6, slow.n_estep > 3 * fast.n_estep
    (True, True)
    """

    growth: float = 2.0
    coordinates: str = "free"
    monotone: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if not is_number(self.growth) or self.growth <= 1:
            raise ValueError(f"growth: {self.growth!r} found; a finite number above 1 is needed")

    def init(self, problem: Problem, evaluation: Evaluation) -> State:
        """Return the starting state, whose first step is EM's own."""
        return State(evaluation, {"stretch": 1.0, "rates": np.empty(0)})

    def step(self, problem: Problem, state: State) -> tuple[State, Info]:
        """Make the stretched step, or the EM step where that one fails."""
        here, stretch = state.evaluation, state.memory["stretch"]
        increment = residual(problem, here)
        direction = stretch * increment if stretch > 1 and np.isfinite(increment).all() else None
        there, info = guarded_step(problem, here, direction, "stretched")
        if not info.accepted:
            return state, info
        failed = direction is not None and info.kind != "stretched"
        rates, change = state.memory["rates"], residual(problem, there) - increment
        if np.isfinite(change).all():
            rates = last_rates(rates, problem.reduce(there.x - here.x), change)
        memory = {"stretch": 1.0 if failed else self.growth * stretch, "rates": rates}
        return State(there, memory), Info(info.kind, True, em_gain(problem, there, float(rates.max(initial=0.0))))
