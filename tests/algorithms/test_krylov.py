"""The curvature along a few directions agrees with that of the whole matrix at its lower end, and in the gain.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import emlib
from emlib import Problem
from emlib.algorithms import SQUAREM, krylov, stopping
from emlib.algorithms.stopping import curvature
from emlib.models import FactorAnalysis, GaussianMixture
from emlib.numerics import Array
from emlib.problem import Evaluation
from tests import tolerances as tol

MODEL = GaussianMixture(4, 6)
RNG = np.random.default_rng(0)
ROWS = RNG.standard_normal((1500, 6)) + 1.2 * RNG.standard_normal((4, 6))[RNG.integers(4, size=1500)]
LEAST, GAIN = 0.1, 0.05  # relative accuracy of the least value and of the gain that a few directions must have


def point(left: float) -> tuple[Problem, Evaluation]:
    """A problem and a point that a run has reached, with about so many nats to go."""
    problem = Problem(MODEL, ROWS)
    x0 = MODEL.space.pack(MODEL.start(problem.data, np.random.default_rng(3)))
    run = emlib.solve(problem, SQUAREM(coordinates="free"), x0, tol=left)
    return problem, problem.evaluate(MODEL.space.pack(run.params))


def exact(problem: Problem, here: Evaluation) -> tuple[Array, float]:
    """All values, and Newton's gain, by the matrix."""
    values, vectors = stopping._relative(-problem.hessian(here.x), problem.complete_information(here))
    return values, float((0.5 * (vectors.T @ here.gradient) ** 2 / values).sum())


@pytest.mark.parametrize("left", [1e-2, 1e-8])
def test_a_few_directions_say_what_the_matrix_says(left: float, monkeypatch: pytest.MonkeyPatch) -> None:
    problem, here = point(left)
    before, found = problem.n_estep, krylov.ritz(problem, here)
    assert found is not None
    spent, (values, vectors) = problem.n_estep - before, found
    whole, gain = exact(problem, here)
    assert spent <= krylov.cost() < 2 * problem.size
    assert whole[0] - tol.CONTROL < values[0] < (1 + LEAST) * whole[0]
    assert values[-1] < 1 + tol.CONTROL
    assert abs((0.5 * (vectors.T @ here.gradient) ** 2 / values).sum() - gain) < GAIN * gain
    if left < 1e-6:
        gram = vectors.T @ problem.complete_information(here) @ vectors
        assert np.abs(gram - np.eye(len(values))).max() < 1e-2

    honest = krylov._product

    def half(*given: Any) -> Any:
        """Products with half of I_o: what I_c makes of a direction no longer belongs to it."""
        found = honest(*given)
        return None if found is None else (found[0], 0.5 * found[1])

    monkeypatch.setattr(krylov, "_product", half)
    wrong = krylov.ritz(problem, here)
    assert wrong is None or abs(wrong[0][0] - whole[0]) > LEAST * whole[0]


def test_a_saddle_of_many_parameters_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two components on one spot: EM does not move them apart, and the curvature is positive."""
    monkeypatch.setattr(stopping, "LARGE_SPACE", 10)
    pooled = emlib.fit(GaussianMixture(3, 6), ROWS, rng=5).params
    twice = MODEL.params(weights=[*pooled.weights[:2], *(pooled.weights[2] / 2,) * 2],
                         means=pooled.means[[0, 1, 2, 2]], covariances=pooled.covariances[[0, 1, 2, 2]])
    problem = Problem(MODEL, ROWS)
    found = curvature(problem, problem.evaluate(MODEL.space.pack(twice)), tol=1e-6)
    assert found is not None
    assert found.saddle
    assert found.along < problem.size


def test_a_run_says_along_how_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stopping, "LARGE_SPACE", 10)
    result = emlib.fit(MODEL, ROWS, algorithm=SQUAREM(), rng=3)
    assert result.success
    assert "curvature looked at along" in result.message
    monkeypatch.undo()
    assert "looked at" not in emlib.fit(MODEL, ROWS, algorithm=SQUAREM(), rng=3).message


def test_a_rotation_costs_nothing() -> None:
    """Of factors, the directions along which nothing changes have curvature zero and no slope."""
    rows = np.random.default_rng(1).standard_normal((400, 12)) @ np.random.default_rng(2).standard_normal((12, 12))
    model = FactorAnalysis(12, 3)
    problem = Problem(model, rows)
    fit = emlib.fit(model, rows, rng=0)
    found = krylov.ritz(problem, problem.evaluate(model.space.pack(fit.params)))
    assert found is None or found[0][0] > -tol.CONTROL
