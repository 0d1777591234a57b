"""Runs of the hybrid's studies: following a method along its path, and the hybrid itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from emlib.algorithms import (
    ECG,
    EM,
    LBFGS,
    Adaptive,
    Algorithm,
    Switch,
    after,
    entropy_above,
    missing_information_above,
)
from emlib.data import Data
from emlib.numerics import Array
from emlib.problem import Evaluation, Problem

LEVEL = 0.5  # of the normalised entropy, as remembered from the paper
SHARE = 0.9  # of the missing information
NEAR = 1e-4  # nats: how close to a level counts as being there
REST, WINDOW = 1e-6, 10  # nats and E-steps: a run that gains less in so many is over
STILL = 3  # steps: a run that asks for no E-step in so many has nowhere to go


def hybrid(level: float) -> Switch:
    """Return the hybrid of 2003: conjugate gradients while the normalised entropy is at least a level, else EM."""
    return Switch(EM(), ECG(), entropy_above(level), hysteresis=0.0)


METHODS: dict[str, Algorithm] = {
    "em": EM(),
    "ecg": ECG(),
    "entropy": hybrid(LEVEL),
    "share": Switch(EM(), ECG(), missing_information_above(SHARE)),
    "lbfgs": Switch(EM(), LBFGS(), after(5)),
    "adaptive": Adaptive(),
}


@dataclass(frozen=True, eq=False)
class Path:
    """The points that a run accepted, one entry each.

    Attributes
    ----------
    n_estep, loglik, entropy : ndarray, shape (n_points,)
        E-steps spent when the point was reached; nats.
    points : list of Evaluation
    """

    n_estep: Array
    loglik: Array
    entropy: Array
    points: list[Evaluation]

    @property
    def end(self) -> float:
        """Return the highest log-likelihood."""
        return float(self.loglik.max())

    def reaches(self, level: float) -> int:
        """Return the E-steps spent when the log-likelihood first came to within `NEAR` of a level.

        Raises
        ------
        ValueError
            If it never did.
        """
        there = np.flatnonzero(self.loglik >= level - NEAR)
        if not len(there):
            raise ValueError(f"level: {level} lies above the run's end {self.end}")
        return int(self.n_estep[there[0]])


def follow(model: Any, data: Data, algorithm: Algorithm, start: Any, budget: int) -> Path:
    """Run an algorithm from a start until it converges, fails or has spent its budget.

    Notes
    -----
    For sequences `entropy_above` makes an E-step at every look; a program that keeps the smoothed probabilities has
    them for nothing, so that these looks are not counted.
    """
    problem = Problem(model, data, algorithm.coordinates)
    looks = isinstance(data.units, list) and "entropy" in getattr(getattr(algorithm, "when", None), "name", "")
    state = algorithm.init(problem, problem.evaluate(model.space.pack(start, algorithm.coordinates)))
    rows, points = [(problem.n_estep - looks, state.evaluation.loglik, state.evaluation.entropy)], [state.evaluation]
    while rows[-1][0] < budget and not _at_rest(rows):
        state, info = algorithm.step(problem, state)
        if info.status is not None:
            break
        points.append(state.evaluation)
        rows.append((problem.n_estep - looks * (len(rows) + 1), state.evaluation.loglik, state.evaluation.entropy))
    spent, heights, entropies = np.array(rows).T
    return Path(spent, heights, entropies, points)


def _at_rest(rows: list[tuple[int, float, float]]) -> bool:
    """Return whether the last `WINDOW` E-steps gained nothing, or the last `STILL` steps evaluated nothing."""
    spent, height, _ = rows[-1]
    if len(rows) > STILL and rows[-1 - STILL][0] == spent:
        return True
    before = next((row for row in reversed(rows) if row[0] <= spent - WINDOW), None)
    return before is not None and height - before[1] < REST


def normalised_entropy(model: Any, data: Data, params: Any) -> float:
    """Return the mean marginal entropy of the hidden variable as a share of log K."""
    problem = Problem(model, data)
    here = problem.evaluate(model.space.pack(params, "free"))
    return entropy_above(LEVEL).measure(problem, here, here, 0)


def missing_share(model: Any, data: Data, before: Any, after: Any) -> float:
    """Return the share of missing information along the move from one point to another."""
    problem = Problem(model, data)
    first, last = (problem.evaluate(model.space.pack(here.params, "free")) for here in (before, after))
    return missing_information_above(SHARE).measure(problem, first, last, 0)


def gains(model: Any, data: Data, path: Path, place: int, horizon: int) -> tuple[float, float]:
    """Return what EM and conjugate gradients gain in the next `horizon` E-steps after a point of EM's path."""
    here = path.points[place]
    other = follow(model, data, ECG(), here.params, horizon + 1)
    reached = other.loglik[other.n_estep <= horizon + 1].max()
    return float(path.loglik[: place + horizon + 1].max()) - here.loglik, float(reached) - here.loglik
