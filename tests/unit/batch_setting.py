"""Models, units and statistics that the tests of the quick steps after mini-batches share."""

from __future__ import annotations

from typing import Any

import numpy as np

import emlib
from emlib.evaluation.steps import Steps
from emlib.model import Statistics
from emlib.models import (
    PPCA,
    BernoulliMixture,
    FactorAnalysis,
    GaussianMixture,
    GaussianWithMissing,
    PoissonMixture,
    RandomEffects,
    RegressionMixture,
    RegressionWithMissingCovariates,
    StudentT,
    SymmetricRegressionMixture,
)
from emlib.numerics import Array

MIXED = GaussianMixture(3, 2)
HELD = GaussianMixture(3, 2, fixed={"weights": [0.5, 0.3, 0.2]})
TYPES = [GaussianMixture(*sizes, kind) for kind in ("tied", "diag", "spherical") for sizes in ((3, 2), (2, 3))]
NORMALS = [GaussianMixture(1, 1), GaussianMixture(2, 1), MIXED, GaussianMixture(2, 5), *TYPES, HELD,
           GaussianMixture(3, 2, penalty=0.1), GaussianMixture(3, 2, "tied", penalty=0.1), RegressionMixture(2, 3),
           RegressionMixture(2, 1, penalty=0.1), StudentT(2, 3.0), GaussianWithMissing(2)]
KNOWN_NOISE = [SymmetricRegressionMixture(2), SymmetricRegressionMixture(1, 0.5), RegressionWithMissingCovariates(2),
               RandomEffects((2, 2), (0.5, 0.5))]
FACTORS = [FactorAnalysis(4, 1), FactorAnalysis(5, 2), PPCA(4, 2), PPCA(2, 1)]
REGRESSIONS = [*NORMALS, *KNOWN_NOISE, *FACTORS]
COUNTS = [PoissonMixture(1), PoissonMixture(2), PoissonMixture(4), BernoulliMixture(1, 3), BernoulliMixture(3, 4)]
MODELS = [*REGRESSIONS, *COUNTS]


def rows(model: Any, count: int = 120) -> Any:
    """Units of components that overlap."""
    parts = getattr(model, "n_components", 1)
    rng = np.random.default_rng([count, parts])
    if isinstance(model, PoissonMixture):
        return rng.poisson(2.0 + 3.0 * rng.integers(parts, size=count)).astype(float)
    if isinstance(model, BernoulliMixture):
        return (rng.random((count, model.n_features)) < rng.choice([0.2, 0.6, 0.8], size=(count, 1))).astype(float)
    side = 4 if isinstance(model, RandomEffects) else model.n_features
    drawn: Array = rng.standard_normal((count, side)) @ (np.eye(side) + 0.3) + rng.integers(3, size=(count, 1))
    if isinstance(model, RegressionMixture | SymmetricRegressionMixture | RegressionWithMissingCovariates):
        return drawn, drawn[:, 0] * rng.choice([-1.0, 2.0], size=count) + rng.standard_normal(count)
    if isinstance(model, GaussianWithMissing):
        drawn[::3, 0] = np.nan
    return drawn


def both(model: Any, coordinates: str) -> tuple[emlib.Problem, Any, Steps]:
    """A problem, its quick steps and its general ones."""
    problem = emlib.Problem(model, rows(model), coordinates)
    return problem, model.batch_steps(problem.data, coordinates, 1000), Steps(model, problem.data, coordinates)


def stats_at(problem: emlib.Problem, seed: int, units: slice) -> Statistics:
    """Statistics of some units at a random start, which is their origin."""
    params = problem.model.start(problem.data, np.random.default_rng(seed))
    found: Statistics = problem.model.e_step(params, problem.data.piece(units)).stats
    return found


def flat(problem: emlib.Problem, params: Any) -> Array:
    """Return parameters as a vector of standard entries."""
    return problem.model.space.pack(params, "standard")


def gap(ours: Array, theirs: Array) -> float:
    """Return the largest difference, in units of the largest entry."""
    return float(np.abs(ours - theirs).max() / np.abs(theirs).max())
