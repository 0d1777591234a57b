"""In every model the roads to the information meet: Louis, Oakes, the score, SEM, Lanczos and the delta method."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import emlib
from emlib import diagnostics as dx
from emlib.diagnostics import lanczos
from emlib.models import PPCA, GaussianMixture, Linkage
from tests import tolerances as tol
from tests.contract.cases import CASES, Case
from tests.contract.checks import close
from tests.contract.sabotage import drops_the_scores_product

EVERY = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


def routes(case: Case, model: Any) -> dict[str, dx.Information]:
    methods = ["oakes", "score", "sem", *(["louis"] if case.has_closed_form else [])]
    return {method: dx.information(model, case.data, case.optimum, method=method) for method in methods}


def check_routes(case: Case, model: Any) -> None:
    """The observed information in units of the complete one, which has no scale of its own."""
    found = routes(case, model)
    one = found["oakes"]
    root = np.linalg.cholesky(one.complete)
    for method, other in found.items():
        gap = np.linalg.solve(root, np.linalg.solve(root, other.observed - one.observed).T)
        close(gap, 0.0, tol.ROUTES, f"observed information by {method}")
        assert other.n_unidentified == one.n_unidentified, method
        assert other.at_boundary == one.at_boundary == []


@EVERY
def test_every_road_leads_to_the_same_information(case: Case) -> None:
    check_routes(case, case.model)


@pytest.mark.parametrize("case", [case for case in CASES if case.has_closed_form][:3], ids=lambda case: case.name)
def test_a_wrong_turning_is_noticed(case: Case) -> None:
    with pytest.raises(AssertionError):
        check_routes(case, drops_the_scores_product(case.model))


@EVERY
def test_lanczos_finds_the_rate(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lanczos, "FEW_DIRECTIONS", 2)
    found = dx.information(case.model, case.data, case.optimum)
    assert dx.rate(case.model, case.data, case.optimum) == pytest.approx(found.rate, abs=tol.ROUTES)


@EVERY
def test_the_delta_method_gives_back_the_standard_errors(case: Case) -> None:
    found = dx.information(case.model, case.data, case.optimum)
    for name, errors in found.standard_errors.items():
        one = dx.delta_method(case.model, found, lambda params, name=name: getattr(params, name), case.optimum)
        np.testing.assert_array_equal(np.isinf(one.standard_error), np.isinf(errors))
        known = np.isfinite(errors)
        np.testing.assert_allclose(one.standard_error[known], errors[known], rtol=tol.ROUTES)


def test_the_delta_method_is_the_calculus_rule() -> None:
    """Of the odds theta / (1 - theta) the slope is 1 / (1 - theta)^2; of the mean of a mixture the error is finite."""
    case = next(case for case in CASES if case.name == "linkage")
    found = dx.information(case.model, case.data, case.optimum)
    odds = dx.delta_method(case.model, found, lambda p: p.theta / (1 - p.theta), case.optimum)
    expected = found.standard_errors["theta"] / (1 - case.optimum.theta) ** 2
    assert odds.standard_error == pytest.approx(float(expected), rel=tol.ROUTES)
    assert odds.covariance.shape == (1, 1)


def test_functions_that_a_rotation_leaves_alone_have_finite_errors() -> None:
    """Loadings are known up to a rotation; their products, the covariances of the data, are known."""
    rows = np.random.default_rng(0).standard_normal((80, 4)) * [5.0, 3.0, 1.0, 1.0]
    model = PPCA(4, 2)
    data = model.as_data(rows)
    best = closed_form(model, data)
    found = dx.information(model, data, best)
    assert found.n_unidentified == 1
    assert np.isinf(dx.delta_method(model, found, lambda p: p.loadings, best).standard_error).any()
    implied = dx.delta_method(model, found, lambda p: p.loadings @ p.loadings.T, best)
    assert np.isfinite(implied.standard_error).all()
    assert (implied.standard_error > 0).all()


def closed_form(model: Any, data: Any) -> Any:
    """The maximum by Tipping & Bishop (1999), from the eigenvectors of the rows' covariance."""
    spread = np.cov(data.units, rowvar=False, ddof=0)
    values, vectors = np.linalg.eigh(spread)
    noise = values[:2].mean()
    return model.params(mean=data.units.mean(axis=0), loadings=vectors[:, 2:] * np.sqrt(values[2:] - noise),
                        noise_variance=noise)


def test_lanczos_passes_over_the_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    """With rotations the largest eigenvalue is 1, which is no rate."""
    rows = np.random.default_rng(0).standard_normal((80, 4)) * [5.0, 3.0, 1.0, 1.0]
    model = PPCA(4, 2)
    data = model.as_data(rows)
    best = closed_form(model, data)
    monkeypatch.setattr(lanczos, "FEW_DIRECTIONS", 2)
    expected = dx.information(model, data, best).rate
    assert dx.rate(model, data, best) == pytest.approx(expected, abs=tol.ROUTES)
    assert expected < 0.9999


def test_lanczos_needs_a_few_dozen_products(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fewer than there are parameters, where the whole matrix needs one a parameter."""
    rng = np.random.default_rng(1)
    model = GaussianMixture(2, 30, "diag")
    data = model.as_data(rng.standard_normal((80, 30)) + np.repeat([[0.0], [0.6]], 40, axis=0))
    best = emlib.fit(model, data, rng=0).params
    calls: list[int] = []
    honest = lanczos._product

    def counted(*arguments: Any) -> Any:
        product = honest(*arguments)
        return lambda vector: (calls.append(1), product(vector))[1]

    monkeypatch.setattr(lanczos, "_product", counted)
    assert dx.rate(model, data, best) == pytest.approx(dx.information(model, data, best).rate, abs=tol.ROUTES)
    assert 0 < len(calls) < model.space.size() / 2


def test_a_function_that_is_not_smooth_is_refused() -> None:
    model = Linkage()
    best = model.params(theta=0.6268)
    found = dx.information(model, [125, 18, 20, 34], best)
    with pytest.raises(ValueError, match="function: not finite at the parameters or next to them"):
        dx.delta_method(model, found, lambda p: np.nan, best)


def test_nothing_to_move_has_rate_zero_and_no_error() -> None:
    model = Linkage()
    edge = model.params(theta=0.0)
    assert dx.rate(model, [10, 18, 20, 0], edge) == 0.0
    found = dx.information(model, [10, 18, 20, 0], edge)
    assert dx.delta_method(model, found, lambda p: p.theta, edge).standard_error == 0.0
