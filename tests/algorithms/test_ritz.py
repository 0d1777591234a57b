"""The curvature along a few directions agrees with that of the whole matrix at its lower end, and in the gain.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import emlib
import emlib.fitting.run as run_module
from emlib import Problem
from emlib.algorithms import EM, SQUAREM, krylov, ritz, stopping
from emlib.algorithms.stopping import curvature
from emlib.models import FactorAnalysis, GaussianHMM, GaussianMixture
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
    before, found = problem.n_estep, ritz.ritz(problem, here)
    assert found is not None
    spent, (values, vectors, bound) = problem.n_estep - before, found
    whole, gain = exact(problem, here)
    assert spent <= ritz.FROM_RANDOM + ritz.FROM_GRADIENT < problem.size
    # A Ritz value is no less than the least value where I_c (I - DM) = I_o, which is so at a fixed point of EM.
    below = tol.CONTROL if left < 1e-6 else LEAST * whole[0]
    assert whole[0] - below < values[0] < (1 + LEAST) * whole[0]
    assert values[-1] < 1 + tol.CONTROL
    assert bound == 0
    assert abs((0.5 * (vectors.T @ here.gradient) ** 2 / values).sum() - gain) < GAIN * gain
    gram = vectors.T @ problem.complete_information(here) @ vectors
    assert np.abs(gram - np.eye(len(values))).max() < tol.CONTROL


def doubled(honest: Any) -> Any:
    """I_c twice as large."""
    return lambda directions, v: 2 * honest(directions, v)


def forgetful(honest: Any) -> Any:
    """Directions without DM, so that none is new."""
    return lambda directions, v: (v, honest(directions, v)[1])


@pytest.mark.parametrize(("part", "sabotage"), [("by_complete", doubled), ("_moved", forgetful)])
def test_wrong_directions_are_found_out(part: str, sabotage: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    problem, here = point(1e-8)
    least = exact(problem, here)[0][0]
    monkeypatch.setattr(krylov.Directions, part, sabotage(getattr(krylov.Directions, part)))
    wrong = ritz.ritz(problem, here)
    assert wrong is None or abs(wrong.values[0] - least) > LEAST * least


@pytest.mark.parametrize("left", [1e-2, 1e-8])
def test_where_little_is_left_a_bound_of_the_gain_does(left: float) -> None:
    """Random directions alone, fewer E-steps, and a bound that is one."""
    problem, here = point(left)
    _, gain = exact(problem, here)
    costs = []
    for allowed in (0.0, 1e3 * left):
        before, found = problem.n_estep, ritz.ritz(problem, here, allowed)
        assert found is not None
        costs.append(problem.n_estep - before)
    assert costs[1] < costs[0]
    assert gain < found.bound <= allowed


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
    found = ritz.ritz(problem, problem.evaluate(model.space.pack(fit.params)))
    assert found is None or found[0][0] > -tol.CONTROL


def overlapping_chain() -> tuple[GaussianHMM, Array]:
    """A chain of 35 parameters, of which a Hessian by differences takes 70 E-steps."""
    rng = np.random.default_rng(3)
    states = np.tile(np.repeat(np.arange(4), 25), 8)
    return GaussianHMM(4, 2), 1.5 * np.array([[0, 0], [1, 0], [0, 1], [1, 1.0]])[states] + rng.standard_normal((800, 2))


def test_of_a_chain_a_few_directions_are_cheaper_and_say_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    model, rows = overlapping_chain()
    run = emlib.fit(model, rows, algorithm=EM(), rng=0)
    problem = Problem(model, rows, "standard")
    looks = []
    for along_few in (True, False):
        if not along_few:
            monkeypatch.setattr(stopping, "_along_few", lambda problem: False)
        here, before = problem.evaluate(model.space.pack(run.params, "standard")), problem.n_estep
        found = curvature(problem, here)
        assert found is not None
        assert not found.saddle
        looks.append((found, problem.n_estep - before))
    (few, cost), (whole, dear) = looks
    assert 3 * cost < 2 * model.space.size("free") <= dear
    assert few.along < whole.along
    assert abs(few.rate - whole.rate) < LEAST * (1 - whole.rate)
    assert 0 < few.remaining < 2 * whole.remaining  # both are of the order of rounding


def test_of_a_chain_a_saddle_is_seen_along_a_few_directions() -> None:
    """Two states on one spot with the same moves: EM keeps them alike, and the log-likelihood is higher apart."""
    model, rows = overlapping_chain()
    alike = model.params(initial=[0.25] * 4, means=[[0.7, 0.2], [0.7, 0.2], [0.3, 1.4], [1.4, 1.4]],
                         transition=[[0.4, 0.4, 0.1, 0.1]] * 2 + [[0.1, 0.1, 0.7, 0.1], [0.1, 0.1, 0.1, 0.7]],
                         covariances=[np.eye(2)] * 4)
    problem = Problem(model, rows, "standard")
    x = model.space.pack(alike, "standard")
    for _ in range(2000):
        x = problem.em_map(x)
    here = problem.evaluate(x)
    assert np.allclose(here.params.means[0], here.params.means[1])
    before, found = problem.n_estep, curvature(problem, here)
    assert found is not None
    assert found.saddle
    assert problem.n_estep - before < 2 * model.space.size("free")


@pytest.mark.parametrize("top", [1.05, 1.2, 2.0])
def test_a_saddle_is_seen_along_coordinates_that_no_em_step_has_moved(top: float,
                                                                      monkeypatch: pytest.MonkeyPatch) -> None:
    """By symmetry EM stays where both means are the rows' mean; apart along the first column they are better."""
    side, rng = 110, np.random.default_rng(0)
    rows = rng.standard_normal((2000, side))
    rows = (rows - rows.mean(axis=0)) @ np.linalg.inv(np.linalg.cholesky(np.cov(rows.T, bias=True))).T
    rows *= np.sqrt(np.r_[top, np.linspace(0.99, 0.5, side - 1)])
    fixed = {"weights": [0.5, 0.5], "covariances": np.eye(side)}
    model = GaussianMixture(2, side, "tied", fixed=fixed)
    means = np.zeros((2, side))
    means[:, 1] = 1e-7, -1e-7
    start = model.params(**fixed, means=means)
    found = emlib.fit(model, rows, start=start)
    assert found.status is emlib.Status.SADDLE, found.message
    monkeypatch.setattr(ritz, "FROM_RANDOM", 0)
    assert emlib.fit(model, rows, start=start).success  # what a few products of the EM step alone would say


def test_looks_take_no_more_than_the_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Were each to say that something is left to gain, the budget would go into looks."""
    monkeypatch.setattr(stopping, "LARGE_SPACE", 10)
    honest, costs = run_module.curvature, []

    def never(problem: Problem, here: Evaluation, tol: float) -> Any:
        before, found = problem.n_estep, honest(problem, here, tol)
        costs.append(problem.n_estep - before)
        return found if found is None else replace(found, remaining=1.01 * tol, rate=0.0)

    monkeypatch.setattr(run_module, "curvature", never)
    for share in (run_module.MOST_LOOKS, 1.0):
        monkeypatch.setattr(run_module, "MOST_LOOKS", share)
        costs.clear()
        found = emlib.fit(MODEL, ROWS, algorithm=EM(), rng=3, max_estep=1500)
        assert len(costs) > 1
        assert (sum(costs[:-1]) > 0.5 * found.n_estep) is (share == 1.0)


def test_without_a_look_a_run_is_no_success(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stopping, "LARGE_SPACE", 10)
    monkeypatch.setattr(stopping, "ritz", lambda problem, here, tol: None)
    assert emlib.fit(MODEL, ROWS, algorithm=SQUAREM(), rng=3).success  # by the whole matrix
    monkeypatch.setattr(stopping, "LARGEST_HESSIAN", 10)
    for price in (stopping.hessian_cost, lambda model: 10**6):  # a Hessian that no budget would have room for
        monkeypatch.setattr(stopping, "hessian_cost", price)
        found = emlib.fit(MODEL, ROWS, algorithm=SQUAREM(), rng=3)
        assert found.status is emlib.Status.UNCHECKED
        assert not found.success


@pytest.mark.parametrize("startable", [True, False])
def test_at_rest_exactly_there_is_the_random_direction(startable: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both means in one place: the EM step is zero to the last bit. Data may have no random start at all."""
    side = 110
    rows = np.random.default_rng(0).standard_normal((2000, side)) * np.r_[1.4, np.linspace(0.99, 0.7, side - 1)]
    rows = np.vstack([rows, -rows])  # whose mean is zero exactly
    fixed = {"weights": [0.5, 0.5], "covariances": np.eye(side)}
    model = GaussianMixture(2, side, "tied", fixed=fixed)
    problem = Problem(model, rows)

    def refusing(self: Any, data: Any, rng: Any) -> Any:
        raise NotImplementedError("no start")

    if not startable:
        monkeypatch.setattr(GaussianMixture, "start", refusing)
    here = problem.evaluate(model.space.pack(model.params(**fixed, means=np.zeros((2, side)))))
    found = ritz.ritz(problem, here)
    assert found is not None
    assert found[0][0] < -0.5


def thin_cloud(top: float, thin: float) -> tuple[GaussianMixture, Any, Array]:
    """Rows whose columns are all but equal, of which two components of known covariances share one mean: a saddle."""
    side, rng = 24, np.random.default_rng(0)
    level, noise = rng.standard_normal(3000), rng.standard_normal((3000, side))
    level = (level - level.mean()) / level.std()
    noise -= noise.mean(axis=0) + np.outer(level, level @ noise) / len(level)
    rows = np.sqrt(top) * level[:, None] + 0.6 * thin * noise
    fixed = {"weights": [0.5, 0.5], "covariances": np.ones((side, side)) + thin**2 * np.eye(side)}
    model = GaussianMixture(2, side, "tied", fixed=fixed)
    return model, model.params(**fixed, means=rows.mean(axis=0) + 1e-7 * np.array([[1.0], [-1.0]])), rows


@pytest.mark.parametrize("thin", [1e-2, 1e-3, 1e-4])
def test_a_saddle_is_seen_where_columns_are_all_but_equal(thin: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """By a scale of each coordinate the noise, of which I_c makes much, would take up the whole random start."""
    model, start, rows = thin_cloud(1.5, thin)
    assert emlib.fit(model, rows, start=start).status is emlib.Status.SADDLE
    for large in (0, 0.0):  # as of more parameters: by their lengths it is seen that I_c must be factorised
        monkeypatch.setattr(ritz, "LARGE", large)
        assert emlib.fit(model, rows, start=start).status is emlib.Status.SADDLE
    monkeypatch.setattr(ritz, "UNLIKE", np.inf)
    assert emlib.fit(model, rows, start=start).success is (thin < 1e-3)  # 141 nats below the optimum


def test_a_saddle_of_few_units_is_seen_beside_heavy_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two components on one spot of 200 rows; those of the others count ten thousand times."""
    rng, side = np.random.default_rng(0), 10
    centres = 30 * rng.standard_normal((10, side))
    far = rng.choice([-1.25, 1.25], 200)[:, None] * np.eye(side)[0]
    rows = np.vstack([centres[rng.integers(1, 10, size=3000)] + rng.standard_normal((3000, side)),
                      centres[0] + rng.standard_normal((200, side)) + far])
    weight = np.r_[np.full(3000, 1e4), np.ones(200)]
    few, many = GaussianMixture(10, side, "diag"), GaussianMixture(11, side, "diag")
    start = few.params(weights=[0.1] * 10, means=centres, covariances=np.ones((10, side)))
    pooled = emlib.fit(few, rows, start=start, sample_weight=weight).params
    twice = many.params(weights=[pooled.weights[0] / 2, *pooled.weights[1:], pooled.weights[0] / 2],
                        means=pooled.means[[*range(10), 0]], covariances=pooled.covariances[[*range(10), 0]])
    problem = Problem(many, rows, sample_weight=weight)
    here = problem.evaluate(many.space.pack(twice))
    for large in (200, 0):
        monkeypatch.setattr(ritz, "LARGE", large)
        found = ritz.ritz(problem, here)
        assert found is not None
        assert found.values[0] < -0.5


def test_a_value_of_zero_bounds_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    problem, here = point(1e-2)
    monkeypatch.setattr(krylov.Directions, "values", lambda found, first=0: np.zeros(len(found.vectors) - first))
    with np.errstate(all="raise"):
        found = ritz.ritz(problem, here, 1.0)
    assert found is not None
    assert found.bound == 0


def test_a_look_keeps_to_the_budget() -> None:
    """Whatever a look takes, and what is made where it fails, comes out of the E-steps that are left."""
    model, rows = overlapping_chain()
    whole = emlib.fit(model, rows, algorithm=EM(), rng=0)
    for short in (1, 5, 9, 12, 20):
        limit = whole.n_estep - short
        assert emlib.fit(model, rows, algorithm=EM(), rng=0, max_estep=limit).n_estep <= limit + 2
