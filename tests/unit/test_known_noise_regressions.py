"""The second and third example of Balakrishnan, Wainwright & Yu (2017): closed forms, saddles, rates, errors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.stats import multivariate_normal

import emlib
from emlib import diagnostics as dx
from emlib.algorithms import EM, FirstOrderEM
from emlib.models import RegressionWithMissingCovariates, SymmetricRegressionMixture
from tests.tolerances import CONTROL, REORDERED, SAME_OPTIMUM, TWO_CODES

SIGNED, PARTIAL = SymmetricRegressionMixture(2, 0.5), RegressionWithMissingCovariates(2, 0.5)
THETA = np.array([1.0, -2.0])
SIGNED_DATA = SIGNED.sample(SIGNED.params(coefficients=THETA), 200, np.random.default_rng(0))
PARTIAL_DATA = PARTIAL.sample(PARTIAL.params(coefficients=THETA), 200, np.random.default_rng(0), missing=0.3)
BOTH = [(SIGNED, SIGNED_DATA), (PARTIAL, PARTIAL_DATA)]


def test_em_step_of_the_symmetric_mixture() -> None:
    """inv(X'X) sum tanh(y x' theta / variance) y x."""
    (design, response), theta = SIGNED_DATA, np.array([0.4, -0.3])
    signs = np.tanh(response * (design @ theta) / 0.5)
    by_hand = np.linalg.solve(design.T @ design, design.T @ (signs * response))
    step = emlib.Problem(SIGNED, SIGNED_DATA, "standard").em_map(theta)
    assert np.abs(step - by_hand).max() < REORDERED
    forgotten = np.linalg.solve(design.T @ design, design.T @ (np.tanh(response * (design @ theta)) * response))
    assert np.abs(step - forgotten).max() > CONTROL  # the twin without the variance


def test_em_step_with_missing_covariates() -> None:
    """Unit by unit: conditional means and second moments of a joint normal vector (x, y)."""
    (design, response), theta = PARTIAL_DATA, np.array([0.4, -0.3])
    joint = np.block([[np.eye(2), theta[:, None]], [theta[None], np.atleast_2d(theta @ theta + 0.5)]])
    second, first, plain, loglik = np.zeros((2, 2)), np.zeros(2), np.zeros((2, 2)), 0.0
    for row, y in zip(design, response, strict=True):
        seen, gone = np.append(~np.isnan(row), True), np.append(np.isnan(row), False)
        values, x, spread = np.append(row, y)[seen], np.where(gone[:2], 0.0, row), np.zeros((2, 2))
        gain = np.linalg.solve(joint[np.ix_(seen, seen)], joint[np.ix_(seen, gone)]).T
        x[gone[:2]] = gain @ values
        spread[np.ix_(gone[:2], gone[:2])] = joint[np.ix_(gone, gone)] - gain @ joint[np.ix_(seen, gone)]
        second, first = second + np.outer(x, x) + spread, first + y * x
        plain += np.outer(x, x) + np.diag(gone[:2])
        loglik += multivariate_normal(np.zeros(len(values)), joint[np.ix_(seen, seen)]).logpdf(values)
    problem = emlib.Problem(PARTIAL, PARTIAL_DATA, "standard")
    assert np.abs(problem.em_map(theta) - np.linalg.solve(second, first)).max() < TWO_CODES
    assert problem.loglik(theta) == pytest.approx(loglik, rel=TWO_CODES)
    # The twin whose missing block has the prior's covariance in place of the conditional one.
    assert np.abs(problem.em_map(theta) - np.linalg.solve(plain, first)).max() > CONTROL


@pytest.mark.parametrize(("model", "data"), BOTH)
def test_fits_recover_the_truth_and_three_routes_agree(model: Any, data: Any) -> None:
    best = emlib.fit(model, data, rng=0, tol=1e-14)
    assert best.success
    sign = np.sign(best.params.coefficients[0]) if model is SIGNED else 1.0
    assert np.abs(sign * best.params.coefficients - THETA).max() < 0.3  # five standard errors
    routes = [dx.information(model, data, best.params, method=name).observed for name in ("louis", "oakes", "sem")]
    for other in routes[1:]:
        assert np.abs(other - routes[0]).max() < SAME_OPTIMUM * np.abs(routes[0]).max()
    assert np.abs(dx.information(model, data, best.params).missing).max() > CONTROL * np.abs(routes[0]).max()


def test_first_order_em_is_em_only_with_the_design_as_metric() -> None:
    """Theorem T3: the complete-data information is X'X / variance, and no multiple of the identity."""
    start = {"coefficients": [0.5, -1.0]}
    runs = [emlib.fit(SIGNED, SIGNED_DATA, start=start, algorithm=algorithm, coordinates="standard", max_estep=2)
            for algorithm in (EM(), FirstOrderEM(0.5, "standard"))]
    assert np.abs(runs[0].x - runs[1].x).max() > CONTROL
    root = np.linalg.cholesky(SIGNED_DATA[0].T @ SIGNED_DATA[0] / 200)
    white = np.linalg.solve(root, SIGNED_DATA[0].T).T, SIGNED_DATA[1]
    start = {"coefficients": root.T @ [0.5, -1.0]}
    runs = [emlib.fit(SIGNED, white, start=start, algorithm=algorithm, coordinates="standard", max_estep=2)
            for algorithm in (EM(), FirstOrderEM(0.5, "standard"))]
    assert np.abs(runs[0].x - runs[1].x).max() < REORDERED


@pytest.mark.parametrize(("kind", "options", "rate", "plateau"), [
    (SymmetricRegressionMixture, {}, (0.34, 0.43), (0.07, 0.15)),
    (RegressionWithMissingCovariates, {"missing": 0.2}, (0.45, 0.53), (0.10, 0.21))])
def test_rate_and_plateau_at_ten_dimensions(kind: Any, options: Any, rate: Any, plateau: Any) -> None:
    """d = 10, n = 1000, |theta| = 2: the error of optimisation dies linearly, that of estimation stays near sqrt(d/n).

    The bands hold what ten other data sets gave; there is no published number.
    """
    rng = np.random.default_rng(17)
    theta = rng.standard_normal(10)
    theta *= 2 / np.linalg.norm(theta)
    model = kind(10)
    data = model.sample(model.params(coefficients=theta), 1000, rng, **options)
    best = emlib.fit(model, data, start={"coefficients": theta}, tol=1e-12).params
    assert rate[0] < dx.information(model, data, best).rate < rate[1]
    assert plateau[0] < np.linalg.norm(best.coefficients - theta) < plateau[1]
    problem = emlib.Problem(model, data, "standard")
    path = [theta]
    for _ in range(12):
        path.append(problem.em_map(path[-1]))
    errors = [np.linalg.norm(x - best.coefficients) for x in path]
    assert rate[0] < errors[-1] / errors[-2] < rate[1]
    assert np.linalg.norm(path[-1] - theta) > plateau[0]


def test_the_saddle_at_zero_is_left() -> None:
    found = emlib.fit(SIGNED, SIGNED_DATA, start={"coefficients": [0.0, 0.0]}, rng=0)
    assert found.success
    assert "started equal" in found.message
    assert emlib.solve(emlib.Problem(SIGNED, SIGNED_DATA, "standard"), EM(), [0.0, 0.0]).status is emlib.Status.SADDLE


def test_imputed_covariates_and_predictions() -> None:
    params, (design, response) = PARTIAL.params(coefficients=THETA), PARTIAL_DATA
    filled = PARTIAL.impute(params, PARTIAL_DATA)
    seen = ~np.isnan(design)
    assert np.array_equal(filled[seen], design[seen])
    assert np.abs(filled[~seen]).max() > CONTROL
    whole = np.isnan(design).any(axis=1)
    assert np.abs(response - filled @ THETA)[whole].mean() < np.abs(response - PARTIAL.predict(params, design))[
        whole].mean()  # the response itself helps to fill in
    assert PARTIAL.predict(params, [[1.0, np.nan]]).tolist() == [1.0]
    shares = SIGNED.posterior(SIGNED.params(coefficients=THETA), SIGNED_DATA)
    assert np.abs(shares.sum(axis=1) - 1).max() < REORDERED
    one = PARTIAL.impute(params, (design[whole][:1], response[whole][:1]))
    assert np.abs(one - filled[whole][:1]).max() < REORDERED


def test_complete_covariates_are_least_squares() -> None:
    design, response = SIGNED_DATA
    found = emlib.fit(PARTIAL, (design, response), rng=0, tol=1e-14)
    assert np.abs(found.params.coefficients - np.linalg.lstsq(design, response)[0]).max() < TWO_CODES
    assert dx.information(PARTIAL, (design, response), found.params).rate == 0.0


def test_units_of_the_response_change_nothing() -> None:
    here = emlib.fit(SIGNED, SIGNED_DATA, rng=0, tol=1e-12)
    rescaled = SIGNED_DATA[0], SIGNED_DATA[1] * 1e8
    there = emlib.fit(SymmetricRegressionMixture(2, 0.5e16), rescaled, rng=0, tol=1e-12)
    turned = np.sign(there.params.coefficients[0] * here.params.coefficients[0]) * there.params.coefficients / 1e8
    np.testing.assert_allclose(turned, here.params.coefficients, rtol=SAME_OPTIMUM)
    assert there.loglik + 200 * np.log(1e8) == pytest.approx(here.loglik, abs=SAME_OPTIMUM)


X, Y = PARTIAL_DATA
DATA = [
    (SIGNED, (X, Y), r"X: entry \[\d+, \d\] is nan; remove or impute it"),
    (SIGNED, (SIGNED_DATA[0][:, [0, 0]], Y), "X: the columns are linearly dependent"),
    (SIGNED, X, "data: ndarray found; give the tuple"),
    (PARTIAL, [X, Y], "data: list found; give the tuple"),
    (PARTIAL, (X, np.where(Y > 3, np.nan, Y)), r"y: entry \[\d+\] is nan"),
    (PARTIAL, (np.where(X > 2, np.inf, X), Y), r"X: entry \[\d+, \d\] is inf; write nan where a value is missing"),
    (PARTIAL, (X * [1, np.nan], Y), "X: column 1 has no seen entry; the sign of its coefficient has no estimate"),
    (PARTIAL, (SIGNED_DATA[0] * [1, 0], Y), "X: column 1 is zero in every row"),
    (PARTIAL, (SIGNED_DATA[0][:, [0, 0]], Y), "X: the columns are linearly dependent"),
    (PARTIAL, (X[:, :1], Y), "X: 1 column found, the model has n_features=2"),
    (PARTIAL, (X, Y[1:]), "y: 199 entries found, X has 200 rows"),
    (PARTIAL, (X[:1], Y[:1]), "data: 1 unit found, fewer than the 2 columns of X"),
    (PARTIAL, (X[:0], Y[:0]), "X: empty"),
]


@pytest.mark.parametrize(("model", "raw", "text"), DATA)
def test_bad_data_are_refused(model: Any, raw: Any, text: str) -> None:
    for call in (lambda: model.as_data(raw), lambda: emlib.fit(model, raw, rng=0)):
        with pytest.raises(ValueError, match=text):
            call()


@pytest.mark.parametrize("kind", [SymmetricRegressionMixture, RegressionWithMissingCovariates])
@pytest.mark.parametrize("variance", [0.0, -1.0, float("nan"), [1.0, 2.0], "one"])
def test_bad_settings_are_refused(kind: Any, variance: Any) -> None:
    with pytest.raises(ValueError, match="variance: "):
        kind(2, variance)
    with pytest.raises(ValueError, match="n_features: 0 found"):
        kind(0)
