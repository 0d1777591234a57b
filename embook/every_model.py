"""Small simulated data for every model of the package, for checks that cover all models."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from emlib import datasets, models
from emlib.model import LatentVariableModel
from emlib.numerics import Array

__all__ = ["LEFT_OUT", "every_model"]

#: Models without a case here, with the reason; a new model gets a case, at the end, or a reason.
LEFT_OUT = {"TruncatedBetaBinomial": "its algorithm is MM, not EM",
            "NegativeBinomialMixture": "it came after the chapters whose tables these cases fill",
            "RandomEffects": "it came after the chapters whose tables these cases fill"}

Labelled = tuple[str, LatentVariableModel, Any]


def every_model(n: int, rng: np.random.Generator) -> dict[str, tuple[LatentVariableModel, Any]]:
    """Return each model whose algorithm is EM, with data; `LEFT_OUT` names the others.

    Parameters
    ----------
    n : int
        Units of independent data; sequences are fewer and add up to about as many observations.
    rng : numpy.random.Generator

    Returns
    -------
    dict of str to (model, data)
        Normal mixtures of the four covariance types, symmetric mixtures of two known covariances, and one case of
        every other model.
    """
    rows = rng.choice([-1.0, 1.0], size=(n, 1)) * [0.75, 1.5] + rng.standard_normal((n, 2))
    cases = [*_mixtures(rows, rng), *_regressions(n, rng), *_continuous(rows, rng), *_chains(n, rng)]
    return {name: (model, model.as_data(raw)) for name, model, raw in cases}


def _mixtures(rows: Array, rng: np.random.Generator) -> Iterator[Labelled]:
    yield "linkage", models.Linkage(), datasets.linkage()
    yield "Poisson mixture", models.PoissonMixture(2), rng.poisson(rng.choice([1.5, 4.0], size=len(rows)))
    for kind in ("full", "tied", "diag", "spherical"):
        yield f"normal mixture, {kind}", models.GaussianMixture(2, 2, kind), rows
    yield "symmetric mixture, round", models.SymmetricMixture(2, 1.5), rows
    yield "symmetric mixture, diag(1, 4)", models.SymmetricMixture(2, (1.0, 4.0)), rows
    chances = rng.choice([0.3, 0.8], size=(len(rows), 1))
    yield "Bernoulli mixture", models.BernoulliMixture(2, 4), (rng.random((len(rows), 4)) < chances).astype(int)


def _regressions(n: int, rng: np.random.Generator) -> Iterator[Labelled]:
    x, noise = rng.standard_normal((n, 2)), rng.standard_normal(n)
    y = x @ [1.0, -2.0] * rng.choice([-1.0, 1.0], size=n) + noise
    yield "regression mixture", models.RegressionMixture(2, 2), (x, y)
    yield "symmetric regressions", models.SymmetricRegressionMixture(2), (x, y)
    gone = np.where(rng.random((n, 2)) < 0.2, np.nan, x)
    yield "regression, covariates missing", models.RegressionWithMissingCovariates(2), (gone, x @ [1.0, -2.0] + noise)


def _continuous(rows: Array, rng: np.random.Generator) -> Iterator[Labelled]:
    gone = rng.random(rows.shape) < 0.2
    gone[:, 0] &= ~gone[:, 1]  # something is seen of every unit
    yield "normal, entries missing", models.GaussianWithMissing(2), np.where(gone, np.nan, rows)
    yield "Student's t", models.StudentT(2, 3.0), rows * np.sqrt(3 / rng.chisquare(3, size=(len(rows), 1)))
    loads = np.array([[1.0, 0.9, 0.8, -0.5, 0.4], [0.2, -0.6, 0.7, 0.9, 0.1]])
    wide = rng.standard_normal((len(rows), 2)) @ loads + 0.7 * rng.standard_normal((len(rows), 5))
    yield "factor analysis", models.FactorAnalysis(5, 2), wide
    yield "PPCA", models.PPCA(5, 2), wide


def _chains(n: int, rng: np.random.Generator) -> Iterator[Labelled]:
    states = [_states(20, rng) for _ in range(max(n // 20, 4))]
    yield "HMM, categorical", models.CategoricalHMM(2, 3), [(rng.random(20) < 0.3 + 0.3 * s) + 1 * s for s in states]
    yield "HMM, Poisson", models.PoissonHMM(2), [rng.poisson(1.0 + 3.0 * s) for s in states]
    yield "HMM, normal", models.GaussianHMM(2, 1), [2.0 * s[:, None] + rng.standard_normal((20, 1)) for s in states]
    paths = [np.cumsum(0.5 * rng.standard_normal((20, 1)), axis=0) for _ in states]
    yield ("linear dynamical system", models.LinearDynamicalSystem(1, 2),
           [path * [1.0, -0.5] + 0.5 * rng.standard_normal((20, 2)) for path in paths])


def _states(length: int, rng: np.random.Generator) -> Array:
    """Return a path of two states that changes its state one time in five."""
    return np.asarray((rng.integers(2) + np.cumsum(rng.random(length) < 0.2)) % 2)
