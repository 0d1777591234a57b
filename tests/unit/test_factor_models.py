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
    data = MODEL.as_data(ROWS)
    found, expected = MODEL.e_step(params, moments), MODEL.e_step(params, data)
    assert found.n_units == expected.n_units
    assert found.loglik == pytest.approx(expected.loglik, rel=tol.IDENTITY)
    np.testing.assert_allclose(MODEL.m_step(found.stats).loadings, MODEL.m_step(expected.stats).loadings, atol=tol.ROOT)
    np.testing.assert_allclose(MODEL.missing_information(params, moments), MODEL.missing_information(params, data),
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
    drawn = MODEL.sample(params, 40_000, np.random.default_rng(5))
    whole = MODEL.covariance(params)
    error = np.sqrt((whole**2 + np.outer(np.diag(whole), np.diag(whole))) / len(drawn))
    assert np.abs((np.cov(drawn, rowvar=False) - whole) / error).max() < 5  # standard errors
    assert np.abs((drawn.mean(axis=0) - params.mean) / np.sqrt(np.diag(whole) / len(drawn))).max() < 5
    assert np.abs((np.cov(drawn, rowvar=False) - 1.1 * whole) / error).max() > 5


@pytest.mark.parametrize("model", [MODEL, FactorAnalysis(SIDE, COUNT)])
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
    metric = model.projection(params, model.e_step(params, model.as_data(ROWS)).stats)
    loadings = np.arange(SIDE * (1 + COUNT)).reshape(SIDE, -1)[:, 1:].ravel()
    inner = slice(SIDE, SIDE * (1 + COUNT))
    np.testing.assert_allclose(metric[inner, inner], whole[np.ix_(loadings, loadings)], atol=tol.IDENTITY)
    one_noise = not isinstance(model, FactorAnalysis)
    expected = 2 * noise[:1] ** 2 / (len(ROWS) * SIDE) if one_noise else 2 * noise**2 / len(ROWS)
    np.testing.assert_allclose(np.diag(metric)[SIDE * (1 + COUNT):], expected, rtol=tol.ROOT)
    assert np.abs(metric[inner, inner] - np.kron(np.diag(noise), np.linalg.inv(design[1:, 1:]))).max() > tol.CONTROL


@pytest.mark.parametrize(("make", "text"), [
    (lambda: PPCA(3, 3), "n_factors: 3 found; fewer than n_features=3 are needed"),
    (lambda: PPCA(3, 0), "n_factors: 0 found; a positive integer"),
    (lambda: PPCA(3.0, 1), "n_features: 3.0 found"),
    (lambda: PPCA(3, 1).as_data(np.ones((5, 3))), "data: column 0 is constant"),
    (lambda: PPCA(3, 1).as_data(np.ones((1, 3))), "data: 1 unit found, fewer than the 2 rows"),
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
