"""Linear factor models: the maximum in closed form, rates, rotations, collapse, data as rows or as a covariance."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.stats import multivariate_normal

import emlib
from emlib import diagnostics as dx
from emlib.algorithms import EM, LBFGS, EMGradient, GradientAscent
from emlib.diagnostics import ppca_rate
from emlib.models import PPCA, FactorAnalysis
from tests import tolerances as tol

SIDE, COUNT = 5, 2
MODEL = PPCA(SIDE, COUNT)


def draw(n: int = 80, side: int = SIDE, count: int = COUNT) -> np.ndarray:
    rng = np.random.default_rng(3)
    loadings = rng.standard_normal((side, count))
    return 2.0 + rng.standard_normal((n, count)) @ loadings.T + 0.6 * rng.standard_normal((n, side))


ROWS = draw()
VALUES, VECTORS = np.linalg.eigh(np.cov(ROWS, rowvar=False, ddof=0))


def fitted(**options: Any) -> Any:
    return emlib.fit(MODEL, ROWS, rng=0, **{"tol": 1e-13, **options})


def in_closed_form(noise: float) -> np.ndarray:
    """The covariance that keeps the largest eigenvalues and has `noise` for the others."""
    kept = np.append(np.full(SIDE - COUNT, noise), VALUES[-COUNT:])
    return (VECTORS * kept) @ VECTORS.T


def test_the_maximum_in_closed_form() -> None:
    """Tipping & Bishop (1999): the mean of the discarded eigenvalues; any other noise is worse."""
    result = fitted()
    noise = VALUES[:-COUNT].mean()
    assert result.params.noise_variance == pytest.approx(noise, rel=tol.ROOT)
    np.testing.assert_allclose(MODEL.covariance(result.params), in_closed_form(noise), atol=tol.ROOT)
    best = multivariate_normal(ROWS.mean(axis=0), in_closed_form(noise)).logpdf(ROWS).sum()
    assert result.loglik == pytest.approx(best, rel=tol.IDENTITY)
    worse = multivariate_normal(ROWS.mean(axis=0), in_closed_form(VALUES[0])).logpdf(ROWS).sum()
    assert result.loglik > worse + 1


def test_the_spectrum_of_em() -> None:
    """Theorem T8 with the mean beside it: 1 - v / lambda_k for the kept directions, 0 for the others."""
    params = fitted().params
    expected = np.sort(np.concatenate(list(ppca_rate.spectrum(VALUES, COUNT).values())))
    found = np.sort(np.linalg.eigvals(dx.em_jacobian(MODEL, ROWS, params)).real)
    np.testing.assert_allclose(found, expected, atol=tol.DIFFERENCES)
    other = np.sort(np.concatenate(list(ppca_rate.spectrum(1.1 * VALUES + 0.1, COUNT).values())))
    assert np.abs(found - other).max() > tol.CONTROL


def test_rotations_are_named() -> None:
    """One unidentified direction, W times a quarter turn; mean and noise keep finite standard errors."""
    params = fitted().params
    found = dx.information(MODEL, ROWS, params)
    assert (found.n_unidentified, found.n_uphill) == (1, 0)
    assert {name.split("[")[0] for name in found.unidentified_entries} == {"loadings"}
    turn = (params.loadings @ [[0, -1], [1, 0]]).ravel()
    direction = found.unidentified[SIDE:-1, 0]
    assert abs(turn @ direction) == pytest.approx(np.linalg.norm(turn), rel=tol.ROUTES)
    assert abs(params.loadings.ravel() @ direction) < 0.5 * np.linalg.norm(params.loadings)  # no direction of growth
    assert np.isinf(found.standard_errors["loadings"]).all()
    noise = VALUES[:-COUNT].mean()
    errors = found.standard_errors
    assert errors["noise_variance"] == pytest.approx(noise * np.sqrt(2 / (len(ROWS) * (SIDE - COUNT))), rel=tol.ROUTES)
    np.testing.assert_allclose(errors["mean"], np.sqrt(np.diag(MODEL.covariance(params)) / len(ROWS)), rtol=tol.ROUTES)


@pytest.mark.parametrize(("pattern", "expected"), [
    (None, 3), ([[1, 1, 1]] * 6, 3), ([[1, 0, 0], [1, 1, 0], [1, 1, 1]] + [[1, 1, 1]] * 3, 0),
    ([[1, 1, 0]] * 3 + [[1, 1, 1]] * 3, 1),
])
def test_rotations_are_counted(pattern: Any, expected: int) -> None:
    """`n_invariant` is what `information` finds without identification; AIC and BIC leave it out."""
    model = FactorAnalysis(6, 3, None if pattern is None else np.array(pattern, dtype=bool))
    assert model.n_invariant == expected
    params = model.start(model.as_data(draw(60, 6, 3)), np.random.default_rng(0))
    data = model.from_covariance(model.covariance(params), 100, params.mean)  # the start is the maximum of these
    assert dx.information(model, data, params).n_unidentified == expected
    assert replace(model, fixed={"loadings": params.loadings}).n_invariant == 0


def test_one_factor_is_identified() -> None:
    model = PPCA(SIDE, 1)
    result = emlib.fit(model, ROWS, rng=0, tol=1e-13)
    assert model.n_invariant == 0
    assert result.n_parameters == 2 * SIDE + 1
    assert fitted().n_parameters == SIDE * (1 + COUNT) + 1 - 1  # one rotation
    found = dx.information(model, ROWS, result.params)
    assert found.n_unidentified == 0
    assert all(np.isfinite(value).all() for value in found.standard_errors.values())


@pytest.mark.parametrize("method", ["oakes", "score", "sem"])
def test_the_routes_to_the_information_agree(method: str) -> None:
    params = fitted().params
    closed, other = (dx.information(MODEL, ROWS, params, method=name) for name in ("louis", method))
    scale = np.abs(closed.complete).max()
    np.testing.assert_allclose(other.missing, closed.missing, atol=tol.ROUTES * scale)
    assert np.abs(other.missing - 1.5 * closed.missing).max() > tol.CONTROL * scale
    assert other.n_unidentified == closed.n_unidentified


@pytest.mark.parametrize("algorithm", [EM(), EMGradient(), LBFGS(), LBFGS(metric="identity"), GradientAscent()])
def test_rotations_do_not_keep_a_run_from_ending(algorithm: Any) -> None:
    """A direction with nothing to gain has no rate: neither waited for nor taken for a saddle."""
    model, rows = PPCA(6, 3), draw(60, 6, 3)
    best = emlib.fit(model, rows, rng=0).loglik
    result = emlib.fit(model, rows, rng=0, algorithm=algorithm, max_estep=1000)
    assert result.success, result.message
    assert result.loglik == pytest.approx(best, abs=tol.SAME_OPTIMUM)


def test_other_units_and_a_far_origin_change_nothing() -> None:
    plain = fitted(tol=1e-10)
    for scale, shift in ((1e-8, 0.0), (1e8, 0.0), (1.0, 1e6)):
        other = emlib.fit(MODEL, scale * ROWS + shift, rng=0, tol=1e-10)
        assert other.success
        assert other.loglik + ROWS.size * np.log(scale) == pytest.approx(plain.loglik, abs=tol.SAME_OPTIMUM)
        np.testing.assert_allclose(MODEL.covariance(other.params) / scale**2, MODEL.covariance(plain.params),
                                   atol=tol.SAME_OPTIMUM)


@pytest.mark.parametrize("algorithm", [None, EM(), LBFGS()])
def test_collapsed_noise_is_named(algorithm: Any) -> None:
    copies = np.column_stack([ROWS[:, 0], 2 * ROWS[:, 0] - 1, ROWS[:, 0]])
    result = emlib.fit(PPCA(3, 1), copies, rng=0, algorithm=algorithm)
    assert result.status is emlib.Status.DEGENERATE
    assert "noise_variance: collapsed to" in result.message
    assert "use fewer factors, more rows, or drop duplicated columns" in result.message


def test_small_noise_is_no_collapse() -> None:
    """The control: k = d - 1 keeps all but one eigenvalue, and units of 1e-9 are units."""
    for rows in (ROWS[:, :3], 1e-9 * ROWS[:, :3], ROWS[:, :3] * [1.0, 1e3, 1.0]):
        result = emlib.fit(PPCA(3, 2), rows, rng=0)
        assert result.success, result.message
        smallest = np.linalg.eigvalsh(np.cov(rows, rowvar=False, ddof=0))[0]
        assert result.params.noise_variance == pytest.approx(smallest, rel=1e-3)


@pytest.mark.parametrize("loadings", [np.zeros((SIDE, COUNT)), np.ones((SIDE, COUNT)), np.eye(SIDE, COUNT) * [1, 0]])
def test_loadings_of_low_rank_are_nudged(loadings: np.ndarray) -> None:
    """EM never raises the rank: without the nudge the run from a column of zeros ends at a saddle, and says so."""
    start = MODEL.params(mean=ROWS.mean(axis=0), loadings=loadings, noise_variance=1.0)
    result = fitted(start=start)
    assert result.success
    assert f"loadings of rank {np.linalg.matrix_rank(loadings)} cannot grow to 2 factors" in result.message
    if loadings.all():  # two equal columns are a saddle, too, but rounding tells them apart
        return
    problem = emlib.Problem(MODEL, ROWS, "standard")
    stuck = emlib.solve(problem, EM(), MODEL.space.pack(start, "standard"))
    assert stuck.status is emlib.Status.SADDLE
    assert stuck.loglik < result.loglik - 1


def test_a_covariance_stands_for_the_rows() -> None:
    moments = MODEL.from_covariance(np.cov(ROWS, rowvar=False, ddof=0), len(ROWS), ROWS.mean(axis=0))
    params = MODEL.start(MODEL.as_data(ROWS), np.random.default_rng(1))
    found, expected = MODEL.e_step(params, moments), MODEL.e_step(params, ROWS)
    assert found.n_units == expected.n_units
    assert found.loglik == pytest.approx(expected.loglik, rel=tol.IDENTITY)
    np.testing.assert_allclose(MODEL.m_step(found.stats).loadings, MODEL.m_step(expected.stats).loadings, atol=tol.ROOT)
    np.testing.assert_allclose(MODEL.missing_information(params, moments), MODEL.missing_information(params, ROWS),
                               rtol=tol.ROOT, atol=tol.ROOT)
    fewer = MODEL.from_covariance(np.cov(ROWS, rowvar=False, ddof=0), len(ROWS) - 1, ROWS.mean(axis=0))
    assert abs(MODEL.e_step(params, fewer).loglik - expected.loglik) > 1


def test_chunks_keep_their_moments() -> None:
    """Each chunk is the same object every time, so that its moments are computed once."""
    data = MODEL.as_data(ROWS, np.arange(len(ROWS)))
    first, again, other = (list(data.chunks(size)) for size in (32, 32, 40))
    assert all(one is two for one, two in zip(first, again, strict=True))
    assert [len(piece) for piece in first] == [32, 32, 16]
    assert first[0] is not other[0]
    assert sum(piece.n_units for piece in first) == data.n_units


def test_posterior_against_the_joint_normal() -> None:
    params = fitted().params
    found = MODEL.posterior(params, ROWS)
    gain = params.loadings.T @ np.linalg.inv(MODEL.covariance(params))
    np.testing.assert_allclose(found.means, (ROWS - params.mean) @ gain.T, atol=tol.ROOT)
    np.testing.assert_allclose(found.covariance, np.eye(COUNT) - gain @ params.loadings, atol=tol.ROOT)
    np.testing.assert_array_equal(MODEL.transform(params, ROWS), found.means)


def test_simulated_rows_have_the_model_s_moments() -> None:
    params = fitted().params
    drawn = MODEL.simulate(params, 40_000, np.random.default_rng(5))
    whole = MODEL.covariance(params)
    error = np.sqrt((whole**2 + np.outer(np.diag(whole), np.diag(whole))) / len(drawn))
    assert np.abs((np.cov(drawn, rowvar=False) - whole) / error).max() < 5  # standard errors
    assert np.abs((drawn.mean(axis=0) - params.mean) / np.sqrt(np.diag(whole) / len(drawn))).max() < 5
    assert np.abs((np.cov(drawn, rowvar=False) - 1.1 * whole) / error).max() > 5


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


def test_units_of_the_features_change_nothing() -> None:
    """Factor analysis does not care for units: the loadings and uniquenesses are rescaled, the rest stays."""
    units = np.array([1e-8, 1e8, 1.0, 1e3, 1e-3])
    pair = CONFIRMED, (CONFIRMED + 1e6) * units
    here, there = (emlib.fit(CONFIRMATORY, rows, rng=0, tol=1e-10) for rows in pair)
    assert there.success
    assert there.loglik + len(CONFIRMED) * np.log(units).sum() == pytest.approx(here.loglik, abs=tol.SAME_OPTIMUM)
    np.testing.assert_allclose(there.params.noise_variance / units**2, here.params.noise_variance, rtol=1e-5)


@pytest.mark.parametrize("model", [MODEL, WHOLE])
def test_the_preconditioner_in_closed_form(model: Any) -> None:
    """psi_i (sum of E x x')^-1 for row i of (mean, W); 2 psi^2 / n or 2 v^2 / (n d) for the noise."""
    params = model.start(model.as_data(ROWS), np.random.default_rng(1))
    params = replace(params, mean=params.mean + 0.5)  # at the rows' mean the factors' mean is zero
    found = model.posterior(params, ROWS)
    factors = np.column_stack([np.ones(len(ROWS)), found.means])
    design = factors.T @ factors
    design[1:, 1:] += len(ROWS) * found.covariance
    noise = np.broadcast_to(params.noise_variance, (SIDE,))
    whole = np.kron(np.diag(noise), np.linalg.inv(design))  # rows of (mean, loadings)
    metric = model.projection(params, model.e_step(params, ROWS).stats)
    loadings = np.arange(SIDE * (1 + COUNT)).reshape(SIDE, -1)[:, 1:].ravel()
    inner = slice(SIDE, SIDE * (1 + COUNT))
    np.testing.assert_allclose(metric[inner, inner], whole[np.ix_(loadings, loadings)], atol=tol.IDENTITY)
    expected = 2 * noise**2 / len(ROWS) if model is WHOLE else 2 * noise[:1] ** 2 / (len(ROWS) * SIDE)
    np.testing.assert_allclose(np.diag(metric)[SIDE * (1 + COUNT):], expected, rtol=tol.ROOT)
    assert np.abs(metric[inner, inner] - np.kron(np.diag(noise), np.linalg.inv(design[1:, 1:]))).max() > tol.CONTROL


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


@pytest.mark.parametrize(("make", "text"), [
    (lambda: FactorAnalysis(3, 1, [1, 1, 0]), r"pattern: shape \(3,\) of int64 found, \(3, 1\) of bool needed"),
    (lambda: FactorAnalysis(3, 2, [[True, False]] * 3), "pattern: factor 1 has no free loading; drop the factor"),
    (lambda: CONFIRMATORY.params(mean=np.zeros(5), loadings=np.ones((5, 2)), noise_variance=np.ones(5)),
     r"loadings: entry \[0, 1\] is 1; the model knows it to be zero"),
    (lambda: PPCA(3, 3), "n_factors: 3 found; fewer than n_features=3 are needed"),
    (lambda: PPCA(3, 0), "n_factors: 0 found; a positive integer"),
    (lambda: PPCA(3.0, 1), "n_features: 3.0 found"),
    (lambda: PPCA(3, 1).as_data(np.ones((5, 3))), "data: column 0 is constant"),
    (lambda: PPCA(3, 1).as_data(np.ones((1, 3))), "data: 1 units found, fewer than the 2 rows"),
    (lambda: PPCA(2, 1).from_covariance(np.eye(3), 10), r"covariance: shape \(3, 3\) with a mean of shape \(2,\)"),
    (lambda: PPCA(2, 1).from_covariance(np.eye(2), 10, [0.0]), r"with a mean of shape \(1,\) found"),
    (lambda: PPCA(2, 1).from_covariance(np.diag([1.0, 0.0]), 10), r"covariance: entry \[1\] of the diagonal"),
    (lambda: PPCA(2, 1).from_covariance([[1, 0.5], [0, 1]], 10), "covariance: the matrix is not symmetric"),
    (lambda: PPCA(2, 1).from_covariance([[1, 2], [2, 1]], 10), "covariance: smallest eigenvalue -1 "),
    (lambda: PPCA(2, 1).from_covariance(np.eye(2), 1), "n_units: 1 found; a covariance needs two units"),
])
def test_bad_settings_and_data_are_refused(make: Any, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        make()
