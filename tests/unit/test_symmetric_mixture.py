"""The symmetric mixture: EM's closed form, T3's equality of steps, its saddle, and its errors."""

from __future__ import annotations

import numpy as np
import pytest

import emlib
from emlib import diagnostics as dx
from emlib.algorithms import EM, GradientAscent
from emlib.models import SymmetricMixture
from tests.tolerances import CONTROL, CURVATURE, IDENTITY, REORDERED, TWO_CODES


def _rows(n: int = 40, side: int = 2) -> np.ndarray:
    rng = np.random.default_rng(3)
    return rng.choice([-1.0, 1.0], (n, 1)) * np.linspace(1.0, 2.0, side) + rng.standard_normal((n, side))


def test_em_step_is_the_mean_of_tanh() -> None:
    rows, theta = _rows(), np.array([0.7, -0.3])
    model = SymmetricMixture(2, 1.7)
    by_hand = (np.tanh(rows @ theta / 1.7)[:, None] * rows).mean(axis=0)
    step = emlib.Problem(model, rows, "standard").em_map(theta)
    assert np.abs(step - by_hand).max() < IDENTITY
    assert np.abs(step - (np.tanh(rows @ theta)[:, None] * rows).mean(axis=0)).max() > CONTROL  # variance forgotten


@pytest.mark.extras
@pytest.mark.parametrize("variance", [1.0, 2.5, (1.0, 4.0)])
def test_gradient_and_hessian_agree_with_autodiff(variance: float | tuple[float, ...]) -> None:
    from emlib.backends.jax import autodiff_gradient, autodiff_hessian

    model, rows = SymmetricMixture(2, variance), _rows()
    params = model.params(mean=[0.8, 0.5])
    problem = emlib.Problem(model, rows, "standard")
    found = problem.evaluate(params.mean)
    true = autodiff_gradient(model, rows, params)["mean"]
    assert np.abs(found.gradient - true).max() < TWO_CODES * max(1.0, np.abs(true).max())
    bent = autodiff_hessian(model, rows, params)
    louis = model.q_hessian(params, found.stats, "standard") + model.missing_information(params, model.as_data(rows))
    assert np.abs(louis - bent).max() < CURVATURE * np.abs(bent).max()
    elsewhere = model.params(mean=[1.2, 0.1])
    assert dx.fisher_identity_gap(model, rows, params, at=elsewhere) > CONTROL


def test_bound_entropy_and_chunks() -> None:
    model, rows = SymmetricMixture(2, (1.0, 4.0)), _rows()
    params = model.params(mean=[0.8, 0.5])
    found = model.e_step(params, model.as_data(rows))
    assert model.q_value(params, found.stats) + found.entropy == pytest.approx(found.loglik, rel=REORDERED)
    halves = model.e_step(params, model.as_data(rows[:15])) + model.e_step(params, model.as_data(rows[15:]))
    assert halves.loglik == pytest.approx(found.loglik, rel=REORDERED)
    assert np.allclose(halves.stats["mean"], found.stats["mean"], rtol=REORDERED, atol=REORDERED)
    assert dx.jensen_gap(model, rows, model.params(mean=[0.1, 1.0]), params) > CONTROL


@pytest.mark.parametrize(("variance", "same"), [(1.7, True), ((1.0, 4.0), False)])
def test_em_is_gradient_ascent_only_for_a_round_variance(variance: float | tuple[float, ...], same: bool) -> None:
    rows, start = _rows(), {"mean": [0.5, 1.0]}
    step = 1.7 / len(rows) if same else 1.0 / len(rows)
    model = SymmetricMixture(2, variance)
    runs = [emlib.fit(model, rows, start=start, algorithm=algorithm, coordinates="standard", max_estep=8)
            for algorithm in (EM(), GradientAscent(step, "standard"))]
    gap = np.abs(runs[0].x - runs[1].x).max()
    assert gap < REORDERED if same else gap > CONTROL


def test_projection_reproduces_the_step_and_the_rate_is_the_missing_share() -> None:
    model, rows = SymmetricMixture(2, (1.0, 4.0)), _rows()
    assert dx.projection_matrix(model, rows, model.params(mean=[0.8, 0.5])).gap < IDENTITY
    best = emlib.fit(model, rows, rng=0, tol=1e-14).params
    slopes = np.linalg.eigvals(dx.em_jacobian(model, rows, best)).real
    assert dx.information(model, rows, best).rate == pytest.approx(slopes.max(), rel=1e-6)


def test_a_start_at_the_saddle_is_moved_and_said_so() -> None:
    result = emlib.fit(SymmetricMixture(2), _rows(), start={"mean": [0.0, 0.0]}, rng=1)
    assert result.success
    assert "started equal" in result.message
    assert np.abs(result.params.mean).max() > 0.5


def test_mean_coordinates_are_the_parameter() -> None:
    space = SymmetricMixture(2).space
    params = SymmetricMixture(2).params(mean=[0.8, -0.5])
    assert np.array_equal(space.pack(params, "mean"), params.mean)
    assert np.array_equal(space.unpack(params.mean, "mean").mean, params.mean)


@pytest.mark.extras
@pytest.mark.parametrize("variance", [1.7, (1.0, 4.0)])
def test_em_is_the_natural_gradient_with_unit_step(variance: float | tuple[float, ...]) -> None:
    from emlib.backends.jax import autodiff_gradient, natural_gradient

    model, rows = SymmetricMixture(2, variance), _rows()
    params = model.params(mean=[0.8, -0.5])
    step = emlib.Problem(model, rows, "mean").em_map(params.mean) - params.mean
    natural = natural_gradient(model, rows, params) / len(rows)
    assert np.abs(step - natural).max() < TWO_CODES
    assert np.abs(step - autodiff_gradient(model, rows, params)["mean"] / len(rows)).max() > CONTROL


@pytest.mark.parametrize(("arguments", "text"), [
    ({"n_features": 0}, "n_features: 0 found"),
    ({"n_features": 2, "variance": (1.0, 2.0, 3.0)}, "variance: shape"),
    ({"n_features": 2, "variance": -1.0}, "variance: -1.0 found"),
    ({"n_features": 2, "variance": float("nan")}, "variance: entry"),
])
def test_bad_settings_are_named(arguments: dict[str, object], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        SymmetricMixture(**arguments)  # type: ignore[arg-type]


@pytest.mark.parametrize(("rows", "text"), [
    (np.zeros((3, 4)), "4 columns found"), ([[1.0, np.nan]], "entry"), (np.zeros((0, 2)), "empty")])
def test_bad_data_are_named(rows: object, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        SymmetricMixture(2).as_data(rows)
