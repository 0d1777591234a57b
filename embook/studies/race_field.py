"""The problems of the race: thirteen small ones, four with 100 to 200 parameters, and common starts."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np

from emlib import datasets
from emlib.algorithms.metric import hessian_cost
from emlib.data import Data
from emlib.models import (
    BernoulliMixture,
    CategoricalHMM,
    FactorAnalysis,
    GaussianMixture,
    GaussianWithMissing,
    LinearDynamicalSystem,
    PoissonMixture,
    StudentT,
)
from emlib.numerics import Array

SEED = 8
REST = 200  # E-steps without a rise, at least


def _drawn(place: int) -> np.random.Generator:
    return np.random.default_rng([SEED, place])


def _standardised(rows: Array) -> Array:
    """Return columns of mean zero and variance one, so that no method gains by the units."""
    result: Array = (rows - rows.mean(axis=0)) / rows.std(axis=0)
    return result


def _pair(separation: float) -> tuple[Any, Data]:
    model = GaussianMixture(2, 1, "tied")
    return model, model.as_data(_standardised(datasets.two_normals(100, separation, _drawn(1))))


def _eruptions() -> tuple[Any, Data]:
    model = GaussianMixture(2, 2, "full")
    return model, model.as_data(_standardised(datasets.old_faithful()))


def _ring(n_features: int, radius: float, place: int) -> tuple[Any, Data]:
    """Return data from three normals of unit covariance with their means on a circle in the first two dimensions."""
    rng, angles = _drawn(place), 2 * np.pi * np.arange(3) / 3
    means = np.zeros((3, n_features))
    means[:, 0], means[:, 1] = radius * np.cos(angles), radius * np.sin(angles)
    rows = means[rng.integers(0, 3, 150)] + rng.standard_normal((150, n_features))
    model = GaussianMixture(3, n_features, "tied")
    return model, model.as_data(_standardised(rows))


def _notices() -> tuple[Any, Data]:
    model = PoissonMixture(2)
    return model, model.as_data(*datasets.hasselblad())


def _answers() -> tuple[Any, Data]:
    model = BernoulliMixture(2, 5)
    truth = model.params(weights=[0.193, 0.807], probabilities=[[0.0191, 0.0789, 0.8774, 0.2741, 0.2515],
                                                                [0.4478, 0.7046, 0.3388, 0.2343, 0.0886]])
    patterns, counts = np.unique(model.sample(truth, 500, _drawn(2)), axis=0, return_counts=True)
    return model, model.as_data(patterns, counts)


def _factors() -> tuple[Any, Data]:
    rng = _drawn(3)
    loadings = rng.uniform(0.4, 0.9, (6, 2)) * [[1, 0], [1, 0], [1, 0.5], [0.5, 1], [0, 1], [0, 1]]
    rows = rng.standard_normal((150, 2)) @ loadings.T + 0.6 * rng.standard_normal((150, 6))
    model = FactorAnalysis(6, 2)
    return model, model.as_data(_standardised(rows))


def _chain() -> tuple[Any, Data]:
    full = CategoricalHMM(2, 3)
    truth = full.params(initial=[0.5, 0.5], transition=[[0.85, 0.15], [0.2, 0.8]],
                        emission=[[0.7, 0.2, 0.1], [0.1, 0.3, 0.6]])
    sequences = full.sample(truth, [8] * 30, _drawn(4))
    model = CategoricalHMM(2, 3, fixed={"initial": [0.5, 0.5]})
    return model, model.as_data(sequences)


def _dynamics() -> tuple[Any, Data]:
    known = {"initial_mean": [0.0], "initial_covariance": [[1.0]], "observation": [[1.0]]}
    rng, state, rows = _drawn(5), 0.0, []
    for _ in range(20):
        state = 0.8 * state + rng.standard_normal()
        rows.append([state + 0.7 * rng.standard_normal()])
    model = LinearDynamicalSystem(1, 1, fixed=known)
    return model, model.as_data(np.array(rows))


def _tails() -> tuple[Any, Data]:
    model = StudentT(2, 2.0)
    truth = model.params(location=[0.0, 0.0], scale=[[1.0, 0.5], [0.5, 1.0]])
    return model, model.as_data(model.sample(truth, 100, _drawn(6)))


def _gaps() -> tuple[Any, Data]:
    rng = _drawn(7)
    rows = rng.standard_normal((80, 3)) @ np.linalg.cholesky(np.full((3, 3), 0.7) + 0.3 * np.eye(3)).T
    rows[:, 1:][rng.random((80, 2)) < 0.3] = np.nan
    model = GaussianWithMissing(3)
    return model, model.as_data(rows)


def _eight_features() -> tuple[Any, Data]:
    """Return 3000 rows from four normals in eight dimensions, each with a covariance of its own."""
    rng, rows = _drawn(11), []
    for centre in 1.3 * rng.standard_normal((4, 8)):
        root = np.eye(8) + 0.18 * rng.standard_normal((8, 8))
        rows.append(centre + rng.standard_normal((750, 8)) @ root.T)
    model = GaussianMixture(4, 8, "full")
    return model, model.as_data(_standardised(np.vstack(rows)))


def _questionnaire() -> tuple[Any, Data]:
    """Return 1000 rows of twenty-five answers from five groups, each of which says yes with 0.25 or 0.75."""
    rng, model = _drawn(12), BernoulliMixture(5, 25)
    truth = model.params(weights=rng.dirichlet(np.full(5, 8.0)),
                         probabilities=np.where(rng.random((5, 25)) < 0.5, 0.25, 0.75))
    return model, model.as_data(model.sample(truth, 1000, rng))


def _thirty_variables() -> tuple[Any, Data]:
    rng = _drawn(13)
    loadings, deviations = 0.6 * rng.standard_normal((30, 4)), rng.uniform(0.4, 1.2, 30)
    rows = rng.standard_normal((400, 4)) @ loadings.T + deviations * rng.standard_normal((400, 30))
    model = FactorAnalysis(30, 4)
    return model, model.as_data(_standardised(rows))


def _wide_tails() -> tuple[Any, Data]:
    rng, model = _drawn(15), StudentT(14, 2.0)
    root = np.eye(14) + 0.1 * rng.standard_normal((14, 14))
    truth = model.params(location=np.zeros(14), scale=root @ root.T)
    return model, model.as_data(model.sample(truth, 400, rng))


SMALL: dict[str, Callable[[], tuple[Any, Data]]] = {
    "two normals, apart": lambda: _pair(4.0),
    "two normals, close": lambda: _pair(2.2),
    "Old Faithful": _eruptions,
    "three normals in 2-D, close": lambda: _ring(2, 1.8, 8),
    "three normals in 4-D, apart": lambda: _ring(4, 4.0, 9),
    "three normals in 4-D, close": lambda: _ring(4, 2.0, 10),
    "Poisson mixture": _notices,
    "Bernoulli mixture": _answers,
    "factor analysis": _factors,
    "hidden Markov": _chain,
    "linear dynamics": _dynamics,
    "Student t": _tails,
    "missing entries": _gaps,
}
#: With 100 to 200 parameters.
LARGE: dict[str, Callable[[], tuple[Any, Data]]] = {
    "four normals in 8-D": _eight_features,
    "twenty-five answers": _questionnaire,
    "factors of thirty variables": _thirty_variables,
    "Student t in 14-D": _wide_tails,
}
PROBLEMS = {**SMALL, **LARGE}


@lru_cache(maxsize=len(PROBLEMS))
def problem(name: str) -> tuple[Any, Data]:
    """Return model and data of a problem; the data are drawn once a process."""
    return PROBLEMS[name]()


def start(name: str, index: int) -> Any:
    """Return the start of this number, the same for every method; numbers below zero are for tuning."""
    model, data = problem(name)
    return model.start(data, np.random.default_rng([SEED, list(PROBLEMS).index(name), index % 2**32]))


def rest(name: str) -> int:
    """Return after how many E-steps without a rise a run is at rest: four Hessians at least may be among them."""
    return max(REST, 4 * hessian_cost(problem(name)[0]))
