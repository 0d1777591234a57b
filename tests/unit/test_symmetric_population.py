"""EM's population map for two mirror-image normals: against direct integrals, its bound, its rates, its floor."""

from __future__ import annotations

import numpy as np
import pytest

from emlib.diagnostics.population import overlap_moment
from emlib.diagnostics.symmetric_population import (
    contraction,
    error_floor,
    local_rates,
    population_map,
    scalar_map,
)
from emlib.models import SymmetricMixture
from tests.tolerances import CONTROL, DIFFERENCES, QUADRATURE, SIX_DECIMALS

# r_L and r_T to six decimals, worked out apart from this package.
TABLE = {0.25: (0.888473, 0.941054), 1.0: (0.266088, 0.449600), 2.0: (0.021655, 0.068597), 3.0: (0.000776, 0.004151)}


def direct_map(theta: np.ndarray, truth: np.ndarray, sign: float = 1.0) -> np.ndarray:
    """Integrate y tanh(theta'y) over the plane and both components, by Gauss-Hermite quadrature."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(150)
    x, y = np.meshgrid(nodes, nodes, indexing="ij")
    mass = np.outer(weights, weights) / (2 * np.pi)
    total = np.zeros(2)
    for label in (1.0, sign * -1.0):
        points = np.stack([x + label * truth[0], y + label * truth[1]])
        total += 0.5 * (points * np.tanh(np.tensordot(theta, points, 1)) * mass).sum(axis=(1, 2))
    return total


@pytest.mark.parametrize("theta", [(0.8, 0.9), (-0.3, 0.4), (1.1, -0.2)])
def test_map_is_the_integral_over_the_whole_mixture(theta: tuple[float, float]) -> None:
    estimate, truth = np.array(theta), np.array([0.6, -0.5])
    assert population_map(estimate, truth) == pytest.approx(direct_map(estimate, truth), abs=DIFFERENCES)
    assert np.abs(population_map(estimate, 1.1 * truth) - direct_map(estimate, truth)).max() > CONTROL


def test_map_is_the_limit_of_the_models_em_step() -> None:
    truth, estimate = np.array([1.0, 0.5, 0.0]), np.array([0.4, 1.0, -0.3])
    model = SymmetricMixture(3, 1.0)
    data = model.as_data(model.sample(model.params(mean=truth), 200_000, np.random.default_rng(0)))
    step = model.m_step(model.e_step(model.params(mean=estimate), data).stats).mean
    assert step == pytest.approx(population_map(estimate, truth), abs=0.02)  # four standard errors
    assert np.abs(step - truth).max() > 0.1


def test_truth_and_zero_are_fixed_points() -> None:
    truth = np.array([1.2, -0.7])
    assert population_map(truth, truth) == pytest.approx(truth, abs=QUADRATURE)
    assert population_map([0.0, 0.0], truth).tolist() == [0.0, 0.0]
    assert scalar_map(0.7, 0.7) == pytest.approx(0.7, abs=QUADRATURE)
    assert np.shape(scalar_map(np.ones(3), np.ones((2, 1)))) == (2, 3)


def test_contraction_bounds_the_step_and_its_twin_does_not() -> None:
    rng = np.random.default_rng(1)
    slack, twin = [], []
    for _ in range(300):
        truth = rng.standard_normal(3) * rng.uniform(0.2, 2.0)
        theta = rng.standard_normal(3) * rng.choice([0.1, 1.0, 3.0])
        theta *= np.sign(theta @ truth)
        ratio = np.linalg.norm(population_map(theta, truth) - truth) / np.linalg.norm(theta - truth)
        slack.append(contraction(theta, truth) - ratio)
        twin.append(np.exp(-0.5 * truth @ truth) - ratio)
    assert min(slack) > -QUADRATURE
    assert min(twin) < -CONTROL


@pytest.mark.parametrize("snr", TABLE)
def test_local_rates(snr: float) -> None:
    along, across = local_rates(snr)
    assert (along, across) == pytest.approx(TABLE[snr], abs=SIX_DECIMALS)
    moments = [4 * overlap_moment(2 * snr, power) for power in (2, 0)]  # of the two means, apart (theorem T7)
    assert [along, across] == pytest.approx(moments, abs=QUADRATURE)
    truth, step = np.array([snr, 0.0]), 1e-5
    slopes = [(population_map(truth + step * e, truth) - population_map(truth - step * e, truth)) @ e / (2 * step)
              for e in np.eye(2)]
    assert slopes == pytest.approx([along, across], abs=DIFFERENCES)
    assert abs(slopes[0] - across) > CONTROL


def test_floor_in_one_dimension_and_in_ten() -> None:
    assert error_floor(2.0, 1, 100) == pytest.approx(np.sqrt(1 / (1 - TABLE[2.0][0]) / 100), abs=SIX_DECIMALS)
    assert error_floor(2.0, 10, 1000) == pytest.approx(0.1034, abs=5e-5)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: population_map([1.0], [1.0, 2.0]), "theta: shape"),
        (lambda: population_map([[1.0]], [[1.0]]), "theta: shape"),
        (lambda: population_map([np.nan], [1.0]), "theta: entry"),
        (lambda: contraction([0.0, 1.0], [1.0, 0.0]), "theta'truth"),
        (lambda: contraction([-1.0, 1.0], [1.0, 0.0]), "theta'truth"),
        (lambda: local_rates(0.0), "snr"),
        (lambda: local_rates(np.nan), "snr"),
        (lambda: error_floor(1.0, 0, 10), "n_features"),
        (lambda: error_floor(1.0, 2, 0), "n: 0"),
    ],
)
def test_bad_input_is_named(call: object, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        call()  # type: ignore[operator]
