"""Two algorithms one after the other, each in its own coordinates."""

from __future__ import annotations

from dataclasses import dataclass

from emlib.algorithms.base import Algorithm, Info, State, check_algorithm, is_integer
from emlib.problem import Evaluation, Problem


@dataclass(frozen=True)
class Relay:
    """`first` for some steps, then `second` to the end, in free coordinates.

    Parameters
    ----------
    first : Algorithm
    second : Algorithm
        One that works in free coordinates.
    n_steps : int
        Steps of `first`, at least one. A run that is done before has no second part.

    Notes
    -----
    `Switch` lets two algorithms take turns as often as a criterion says, in coordinates that serve both. Here the run
    itself changes coordinates, once, for one E-step: probabilities of zero, which free coordinates do not have, are
    lifted then. `x` and `jac` of the result are in the coordinates in which the run began.

    Examples
    --------
    >>> import emlib
    >>> from emlib import datasets
    >>> from emlib.algorithms import EM, Newton, Relay
    >>> from emlib.models import PoissonMixture
    >>> values, days = datasets.hasselblad()
    >>> data = PoissonMixture(2).as_data(values, days)
    >>> result = emlib.fit(PoissonMixture(2), data, algorithm=Relay(EM(), Newton(), 3), rng=0)
    >>> result.success, " ".join(result.trace.kind[:6])
    (True, 'start em em em newton newton')
    """

    first: Algorithm
    second: Algorithm
    n_steps: int

    def __post_init__(self) -> None:
        for algorithm in (self.first, self.second):
            check_algorithm(algorithm)
            if isinstance(algorithm, Relay):
                raise TypeError(f"first, second: {algorithm!r} found; one run changes coordinates once at most")
        if self.second.coordinates != "free":
            raise ValueError(f"second: {self.second!r} works in {self.second.coordinates!r} coordinates; give one that "
                             "works in free ones, or a Switch")
        if not is_integer(self.n_steps, 1):
            raise ValueError(f"n_steps: {self.n_steps!r} found; a whole number above 0 is needed")

    @property
    def coordinates(self) -> str:
        """Those in which the run begins."""
        return self.first.coordinates

    @property
    def monotone(self) -> bool:
        """True if both algorithms are."""
        return self.first.monotone and self.second.monotone

    def init(self, problem: Problem, evaluation: Evaluation) -> State:
        """Return the starting state, that of `first`."""
        return self.first.init(problem, evaluation)

    def step(self, problem: Problem, state: State) -> tuple[State, Info]:
        """Make a step of `first`; the run lets `second` take over."""
        return self.first.step(problem, state)
