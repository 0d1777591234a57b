"""Factor analysis: known zeros, held fields, Heywood cases, units, ECME's steps, rotations."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import emlib
from emlib import diagnostics as dx
from emlib.algorithms import EM, LBFGS
from emlib.models import FactorAnalysis
from tests import tolerances as tol

SIDE, COUNT = 5, 2
LOADINGS = np.array([[1.0, 0.0], [0.9, 0.0], [0.8, 0.7], [0.0, 1.0], [0.0, 0.9]])
CONFIRMED = np.random.default_rng(6).standard_normal((100, 7)) @ np.vstack([LOADINGS.T, 0.7 * np.eye(SIDE)]) + 2.0
PATTERN = np.array([[1, 0], [1, 0], [1, 1], [0, 1], [0, 1]], dtype=bool)
CONFIRMATORY = FactorAnalysis(SIDE, COUNT, PATTERN)
WHOLE = FactorAnalysis(SIDE, COUNT)
FREE = np.concatenate([np.ones(SIDE, dtype=bool), PATTERN.ravel(), np.ones(SIDE, dtype=bool)])


def test_known_zeros_are_constants_of_the_model() -> None:
    """Gradient and Hessian are the free entries of the whole model's, and P times the gradient the EM step."""
    params = CONFIRMATORY.start(CONFIRMATORY.as_data(CONFIRMED), np.random.default_rng(1))
    assert CONFIRMATORY.space.size() == FREE.sum()
    part, whole = (emlib.Problem(model, CONFIRMED) for model in (CONFIRMATORY, WHOLE))
    x, full = CONFIRMATORY.space.pack(params), WHOLE.space.pack(params)
    np.testing.assert_array_equal(x, full[FREE])
    assert part.loglik(x) == whole.loglik(full)
    np.testing.assert_array_equal(part.gradient(x), whole.gradient(full)[FREE])
    np.testing.assert_allclose(part.hessian(x), whole.hessian(full)[np.ix_(FREE, FREE)], rtol=tol.ROOT, atol=tol.ROOT)
    found = dx.projection_matrix(CONFIRMATORY, CONFIRMED, params)
    assert found.gap <= tol.IDENTITY * np.abs(found.step).max()
    assert not found.step[~FREE].any()
    assert dx.projection_matrix(WHOLE, CONFIRMED, params).step[~FREE].any()  # the whole model would move them


@pytest.mark.parametrize("algorithm", [None, EM(), LBFGS()])
def test_known_zeros_stay_zero(algorithm: Any) -> None:
    whole = emlib.fit(WHOLE, CONFIRMED, rng=0)
    result = emlib.fit(CONFIRMATORY, CONFIRMED, rng=0, algorithm=algorithm, max_estep=20_000)
    assert result.success, result.message
    assert (result.params.loadings[~PATTERN] == 0).all()
    assert (result.params.loadings[PATTERN] != 0).all()
    assert result.loglik < whole.loglik - 0.1
    found = dx.information(CONFIRMATORY, CONFIRMED, result.params)
    assert found.n_unidentified == 0
    assert (found.standard_errors["loadings"][~PATTERN] == 0).all()
    assert np.isfinite(found.standard_errors["loadings"]).all()
    assert dx.information(WHOLE, CONFIRMED, whole.params).n_unidentified == 1


@pytest.mark.parametrize("held", [{"mean": np.full(SIDE, 2.0)}, {"noise_variance": np.full(SIDE, 0.4)},
                                  {"mean": np.zeros(SIDE), "noise_variance": np.full(SIDE, 0.4)},
                                  {"loadings": 0.5 * PATTERN}])
def test_known_fields_are_held(held: dict[str, Any]) -> None:
    """The maximum given them: EM's steps are the maxima of Q, monotone, and end where the free slope vanishes."""
    model = FactorAnalysis(SIDE, COUNT, PATTERN, fixed=held)
    data = model.as_data(CONFIRMED)
    params = model.start(data, np.random.default_rng(2))
    found = dx.projection_matrix(model, data, params)
    assert found.gap <= tol.IDENTITY * np.abs(found.step).max()
    stats = model.e_step(params, data).stats
    best = model.m_step(stats)
    slope = model.space.pullback(best, model.q_gradient(best, stats))
    assert np.abs(slope).max() <= tol.M_STATIONARY * len(CONFIRMED)
    result = emlib.fit(model, data, rng=0)
    assert result.success
    assert all(np.array_equal(getattr(result.params, name), value) for name, value in held.items())
    assert result.loglik <= emlib.fit(CONFIRMATORY, data, rng=0).loglik
    raised = model.e_step(model.cm_steps(params, stats), data).loglik
    assert raised >= model.e_step(best, data).loglik > model.e_step(params, data).loglik


@pytest.mark.parametrize("algorithm", [None, LBFGS()])
@pytest.mark.parametrize("scale", [1.0, 1e6])
def test_a_heywood_case_names_the_feature(algorithm: Any, scale: float) -> None:
    """One factor whose loading of feature 1 would be sqrt(.9 x .7 / .4) > 1."""
    model = FactorAnalysis(3, 1)
    matrix = np.array([[1.0, 0.9, 0.4], [0.9, 1.0, 0.7], [0.4, 0.7, 1.0]])
    units = np.array([1.0, scale, 1.0])
    result = emlib.fit(model, model.from_covariance(matrix * np.outer(units, units), 100), rng=0, algorithm=algorithm)
    assert result.status is emlib.Status.DEGENERATE
    assert "noise_variance: entry [1] has collapsed to" in result.message
    assert "Heywood case" in result.message
    milder = np.where(matrix == 0.9, 0.5, matrix)
    assert emlib.fit(model, model.from_covariance(milder, 100), rng=0, algorithm=algorithm).success


def test_em_creeps_towards_a_heywood_case() -> None:
    matrix = np.array([[1.0, 0.9, 0.4], [0.9, 1.0, 0.7], [0.4, 0.7, 1.0]])
    model = FactorAnalysis(3, 1)
    result = emlib.fit(model, model.from_covariance(matrix, 100), rng=0, algorithm=EM(), max_estep=1000)
    assert result.status is emlib.Status.MAX_ESTEP
    assert 1e-5 < result.params.noise_variance[1] < 1e-2


def test_units_of_the_features_change_nothing() -> None:
    """Factor analysis does not care for units: the loadings and uniquenesses are rescaled, the rest stays."""
    units = np.array([1e-8, 1e8, 1.0, 1e3, 1e-3])
    pair = CONFIRMED, (CONFIRMED + 1e6) * units
    here, there = (emlib.fit(CONFIRMATORY, rows, rng=0, tol=1e-10) for rows in pair)
    assert there.success
    assert there.loglik + len(CONFIRMED) * np.log(units).sum() == pytest.approx(here.loglik, abs=tol.SAME_OPTIMUM)
    np.testing.assert_allclose(there.params.noise_variance / units**2, here.params.noise_variance, rtol=1e-5)


def test_what_rotations_leave_alone_has_a_standard_error() -> None:
    """Communalities do, single loadings do not; the variance of a feature has the one of a normal sample."""
    params = emlib.fit(WHOLE, CONFIRMED, rng=0, tol=1e-12).params
    found = dx.information(WHOLE, CONFIRMED, params)
    shared = dx.delta_method(WHOLE, found, lambda at: (at.loadings**2).sum(axis=1), params)
    assert (np.isfinite(shared.standard_error) & (shared.standard_error > 0)).all()
    assert np.isinf(dx.delta_method(WHOLE, found, lambda at: at.loadings[0], params).standard_error).all()
    variances = dx.delta_method(WHOLE, found, lambda at: np.diag(WHOLE.covariance(at)), params)
    np.testing.assert_allclose(variances.standard_error, np.sqrt(2 / len(CONFIRMED)) * variances.value, rtol=1e-4)


def test_large_matrices_are_pulled_back_as_small_ones() -> None:
    """Above a size the chart's Jacobian is taken as sparse."""
    model, rng = FactorAnalysis(24, 4), np.random.default_rng(7)
    params = model.start(model.as_data(rng.standard_normal((60, 24))), rng)
    matrix = rng.standard_normal((24 * 6, 24 * 6))
    chart = model.space.jacobian(params)
    np.testing.assert_allclose(model.space.pull_matrix(params, matrix), chart.T @ matrix @ chart, atol=tol.IDENTITY)
    assert np.abs(chart.T @ matrix @ chart - matrix).max() > tol.CONTROL


@pytest.mark.parametrize("model", [WHOLE, CONFIRMATORY])
@pytest.mark.parametrize("noise", [1e-8, 1e-3, 1.0, 1e4])
def test_ecme_s_sweep_rises_from_anywhere(model: FactorAnalysis, noise: float) -> None:
    """With the pattern at least as much as EM, whose uniquenesses it takes where Newton's lead astray."""
    data = model.as_data(CONFIRMED)
    params = replace(model.start(data, np.random.default_rng(4)), noise_variance=np.full(SIDE, noise))
    for _ in range(5):
        stats = model.e_step(params, data).stats
        moved, by_em = model.cm_steps(params, stats), model.m_step(stats)
        assert model.space.fault(moved) is None
        values = [model.e_step(p, data).loglik for p in (params, by_em, moved)]
        assert values[2] > values[0]
        assert model is WHOLE or values[2] >= values[1]
        params = moved


@pytest.mark.parametrize(("pattern", "expected"), [
    (None, 3), ([[1, 1, 1]] * 6, 3), ([[1, 0, 0], [1, 1, 0], [1, 1, 1]] + [[1, 1, 1]] * 3, 0),
    ([[1, 1, 0]] * 3 + [[1, 1, 1]] * 3, 1),
])
def test_rotations_are_counted(pattern: Any, expected: int) -> None:
    """`n_invariant` is what `information` finds without identification; AIC and BIC leave it out."""
    model = FactorAnalysis(6, 3, None if pattern is None else np.array(pattern, dtype=bool))
    assert model.n_invariant == expected
    params = model.start(model.as_data(np.random.default_rng(3).standard_normal((60, 6))), np.random.default_rng(0))
    data = model.from_covariance(model.covariance(params), 100, params.mean)  # the start is the maximum of these
    assert dx.information(model, data, params).n_unidentified == expected
    assert replace(model, fixed={"loadings": params.loadings}).n_invariant == 0


@pytest.mark.parametrize(("make", "text"), [
    (lambda: FactorAnalysis(3, 1, [1, 1, 0]), r"pattern: shape \(3,\) of int64 found, \(3, 1\) of bool needed"),
    (lambda: FactorAnalysis(3, 2, [[True, False]] * 3), "pattern: factor 1 has no free loading; drop the factor"),
    (lambda: CONFIRMATORY.params(mean=np.zeros(5), loadings=np.ones((5, 2)), noise_variance=np.ones(5)),
     r"loadings: entry \[0, 1\] is 1; the model knows it to be zero"),
])
def test_bad_settings_and_data_are_refused(make: Any, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        make()
