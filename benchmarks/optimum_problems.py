"""Problems on which whole fits are timed: eight kinds of model, 100 to a million units, one to two thousand parameters.

The list was written before the default of `fit` was tuned, and none of its draws was used for that: the default was
tuned on the same kinds of model with the data of `TUNING`, in other sizes and of other seeds.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from emlib import datasets, models
from emlib.numerics import Array

Given = tuple[Any, Any]  # a model and raw data
REPORT, TUNING = 3, 7  # first words of the seeds


def clouds(n: int, d: int, k: int, apart: float, kind: str, rng: np.random.Generator) -> Given:
    """Return a normal mixture and rows about k random centres."""
    centres = apart * rng.standard_normal((k, d))
    return models.GaussianMixture(k, d, kind), centres[rng.integers(k, size=n)] + rng.standard_normal((n, d))


def ring(n: int, k: int, radius: float, rng: np.random.Generator) -> Given:
    """Return a normal mixture and rows about centres on a circle."""
    angles = 2 * np.pi * rng.integers(k, size=n) / k
    centres = radius * np.column_stack([np.cos(angles), np.sin(angles)])
    return models.GaussianMixture(k, 2), centres + rng.standard_normal((n, 2))


def line(n: int, apart: float, rng: np.random.Generator) -> Given:
    """Return a mixture of two normals on the line."""
    return models.GaussianMixture(2, 1), datasets.two_normals(n, apart, rng)


def eruptions(k: int, rng: np.random.Generator) -> Given:
    """Return Old Faithful."""
    return models.GaussianMixture(k, 2), datasets.old_faithful()


def counts(n: int, rates: tuple[float, ...], rng: np.random.Generator) -> Given:
    """Return a Poisson mixture."""
    return models.PoissonMixture(len(rates)), rng.poisson(np.array(rates)[rng.integers(len(rates), size=n)])


def notices(rng: np.random.Generator) -> Given:
    """Return the death notices."""
    model = models.PoissonMixture(2)
    return model, model.as_data(*datasets.hasselblad())


def answers(n: int, d: int, k: int, rng: np.random.Generator) -> Given:
    """Return a mixture of yes and no answers."""
    chances = rng.beta(1.0, 1.0, (k, d))
    return models.BernoulliMixture(k, d), (rng.random((n, d)) < chances[rng.integers(k, size=n)]).astype(float)


def path(steps: int, k: int, stay: float, rng: np.random.Generator) -> Array:
    """Return the states of a chain that stays with this probability."""
    move = rng.random(steps) > stay
    return np.cumsum(move * rng.integers(1, max(k, 2), size=steps)) % k


def normal_chain(steps: int, k: int, rng: np.random.Generator) -> Given:
    """Return a hidden chain with normal rows of two numbers."""
    means = 2.0 * rng.standard_normal((k, 2))
    return models.GaussianHMM(k, 2), means[path(steps, k, 0.9, rng)] + rng.standard_normal((steps, 2))


def symbol_chain(steps: int, k: int, symbols: int, rng: np.random.Generator) -> Given:
    """Return a hidden chain with symbols."""
    edges = np.cumsum(rng.dirichlet(np.full(symbols, 0.5), k), axis=1)[:, :-1]
    drawn = (rng.random(steps)[:, None] > edges[path(steps, k, 0.9, rng)]).sum(axis=1)
    return models.CategoricalHMM(k, symbols), drawn


def dynamics(steps: int, latent: int, d: int, rng: np.random.Generator) -> Given:
    """Return a linear dynamical system, its observation matrix and state noise known, so that no direction is flat."""
    turn = 0.9 * np.linalg.qr(rng.standard_normal((latent, latent)))[0]
    shown, state, rows = rng.standard_normal((d, latent)), np.zeros(latent), []
    for _ in range(steps):
        state = turn @ state + rng.standard_normal(latent)
        rows.append(shown @ state + 0.7 * rng.standard_normal(d))
    known = {"observation": shown, "transition_covariance": np.eye(latent)}
    return models.LinearDynamicalSystem(latent, d, fixed=known), np.array(rows)


def factors(n: int, d: int, k: int, rng: np.random.Generator) -> Given:
    """Return factor analysis, components of unequal noise."""
    noise = rng.uniform(0.3, 1.5, d)
    return models.FactorAnalysis(d, k), rng.standard_normal((n, k)) @ rng.standard_normal((k, d)) + noise * (
        rng.standard_normal((n, d)))  # fmt: skip


def tails(n: int, d: int, dof: float, rng: np.random.Generator) -> Given:
    """Return a multivariate t."""
    return models.StudentT(d, dof), rng.standard_normal((n, d)) / np.sqrt(rng.chisquare(dof, (n, 1)) / dof)


def regressions(n: int, d: int, k: int, rng: np.random.Generator) -> Given:
    """Return a mixture of linear regressions."""
    x, slopes = rng.standard_normal((n, d)), 2.0 * rng.standard_normal((k, d))
    y = (x * slopes[rng.integers(k, size=n)]).sum(axis=1) + rng.standard_normal(n)
    return models.RegressionMixture(k, d), (x, y)


def gaps(n: int, d: int, share: float, rng: np.random.Generator) -> Given:
    """Return correlated normal rows, some of whose entries are missing."""
    rows = rng.standard_normal((n, d)) @ rng.standard_normal((d, d))
    rows[:, 1:][rng.random((n, d - 1)) < share] = np.nan
    return models.GaussianWithMissing(d), rows


Draw = Callable[[np.random.Generator], Given]
REPORTED: tuple[tuple[str, Draw], ...] = (
    ("two normals, n = 100", partial(line, 100, 3.0)),
    ("two normals 2.5 apart, n = 1e5", partial(line, 100_000, 2.5)),
    ("Old Faithful, K = 2", partial(eruptions, 2)),
    ("Old Faithful, K = 3", partial(eruptions, 3)),
    ("ring of 3, radius 2, n = 500", partial(ring, 500, 3, 2.0)),
    ("ring of 5, radius 4, n = 1e5", partial(ring, 100_000, 5, 4.0)),
    ("ring of 5, radius 2, n = 1e5", partial(ring, 100_000, 5, 2.0)),
    ("ring of 3, radius 3, n = 1e6", partial(ring, 1_000_000, 3, 3.0)),
    ("normals 1e4 x 4, K = 3", partial(clouds, 10_000, 4, 3, 2.0, "full")),
    ("normals 1e4 x 8, K = 10", partial(clouds, 10_000, 8, 10, 1.5, "full")),
    ("normals 1e4 x 16, K = 8, diagonal", partial(clouds, 10_000, 16, 8, 1.0, "diag")),
    ("normals 5000 x 30, K = 4", partial(clouds, 5_000, 30, 4, 1.0, "full")),
    ("death notices", notices),
    ("Poissons 1, 4, 9, n = 1e4", partial(counts, 10_000, (1.0, 4.0, 9.0))),
    ("Poissons 2, 8, n = 1e6", partial(counts, 1_000_000, (2.0, 8.0))),
    ("answers 1000 x 10, K = 3", partial(answers, 1_000, 10, 3)),
    ("answers 2e4 x 20, K = 5", partial(answers, 20_000, 20, 5)),
    ("answers 5000 x 100, K = 8", partial(answers, 5_000, 100, 8)),
    ("normal chain, T = 1000, K = 2", partial(normal_chain, 1_000, 2)),
    ("normal chain, T = 2e4, K = 5", partial(normal_chain, 20_000, 5)),
    ("symbol chain, T = 5000, K = 3", partial(symbol_chain, 5_000, 3, 6)),
    ("dynamics, T = 300, 2 states", partial(dynamics, 300, 2, 2)),
    ("dynamics, T = 2000, 3 states", partial(dynamics, 2_000, 3, 4)),
    ("factors 300 x 8, 2", partial(factors, 300, 8, 2)),
    ("factors 1e4 x 30, 5", partial(factors, 10_000, 30, 5)),
    ("factors 3000 x 200, 8", partial(factors, 3_000, 200, 8)),
    ("t 500 x 3, dof 2", partial(tails, 500, 3, 2.0)),
    ("t 5e4 x 5, dof 4", partial(tails, 50_000, 5, 4.0)),
    ("regressions 2000 x 3, K = 2", partial(regressions, 2_000, 3, 2)),
    ("missing entries 1000 x 5", partial(gaps, 1_000, 5, 0.3)),
)
TUNED: tuple[tuple[str, Draw], ...] = (
    ("two normals, n = 400", partial(line, 400, 2.7)),
    ("two normals, n = 2e4", partial(line, 20_000, 3.2)),
    ("ring of 4, radius 2.4, n = 2000", partial(ring, 2_000, 4, 2.4)),
    ("ring of 4, radius 3, n = 5e4", partial(ring, 50_000, 4, 3.0)),
    ("normals 3000 x 3, K = 4", partial(clouds, 3_000, 3, 4, 2.0, "full")),
    ("normals 6000 x 10, K = 6", partial(clouds, 6_000, 10, 6, 1.2, "full")),
    ("Poissons 2, 5, 12, n = 3000", partial(counts, 3_000, (2.0, 5.0, 12.0))),
    ("answers 3000 x 12, K = 4", partial(answers, 3_000, 12, 4)),
    ("normal chain, T = 4000, K = 3", partial(normal_chain, 4_000, 3)),
    ("symbol chain, T = 2000, K = 2", partial(symbol_chain, 2_000, 2, 4)),
    ("dynamics, T = 600, 2 states", partial(dynamics, 600, 2, 3)),
    ("factors 1000 x 12, 3", partial(factors, 1_000, 12, 3)),
    ("t 3000 x 4, dof 3", partial(tails, 3_000, 4, 3.0)),
    ("regressions 1e4 x 2, K = 3", partial(regressions, 10_000, 2, 3)),
)


def drawn(place: int, tuning: bool = False) -> Given:
    """Return model and data of one problem."""
    problems, word = (TUNED, TUNING) if tuning else (REPORTED, REPORT)
    return problems[place][1](np.random.default_rng([word, place]))
