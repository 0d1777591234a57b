"""The uniform latent: its numbers, the frozen EM, Leibniz's term, and the latent that thaws it."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm

from emlib.diagnostics.bound import differences
from emlib.diagnostics.moving_support import MovingSupport
from tests.tolerances import CONTROL, DIFFERENCES, QUADRATURE, SIX_DECIMALS

MODEL = MovingSupport([0.4, 0.9, 1.7, 2.2, 2.8])
POINTS = (1.0, 2.0, 3.0)


def _slope(theta: float) -> float:
    return float(differences(lambda x: MODEL.loglik(float(x[0])), np.array([theta]))[0])


@pytest.mark.parametrize("theta", POINTS)
def test_likelihood_and_bound_agree_with_quadrature(theta: float) -> None:
    total = bound = 0.0
    for y in MODEL.data:
        mass = quad(lambda z, y=y: norm.pdf(y - z) / theta, 0, theta)[0]
        total += np.log(mass)
        bound += quad(lambda z, y=y: norm.pdf(y - z) / theta * (norm.logpdf(y - z) - np.log(1.2 * theta)),
                      0, theta)[0] / mass
    assert MODEL.loglik(theta) == pytest.approx(total, abs=QUADRATURE)
    assert MODEL.q_value(1.2 * theta, theta) == pytest.approx(bound, abs=QUADRATURE)


@pytest.mark.parametrize(("theta", "edge"), [(1.0, 7.856839), (2.0, 3.515389), (3.0, 1.327793)])
def test_leibniz_term_is_what_the_score_lacks(theta: float, edge: float) -> None:
    assert MODEL.expected_score(theta) == -5 / theta
    assert MODEL.edge(theta) == pytest.approx(edge, abs=SIX_DECIMALS)
    assert _slope(theta) == pytest.approx(MODEL.expected_score(theta) + MODEL.edge(theta), abs=DIFFERENCES)
    assert abs(_slope(theta) - MODEL.expected_score(theta)) > CONTROL


@pytest.mark.parametrize("theta", POINTS)
def test_em_is_frozen_with_z_and_moves_with_u(theta: float) -> None:
    values = [MODEL.q_value(theta * factor, theta) for factor in (0.999, 1.0, 1.001, 2.0)]
    assert int(np.argmax(values)) == 1
    assert values[0] == -np.inf
    assert MODEL.rescaled_score(theta) == pytest.approx(_slope(theta), abs=DIFFERENCES)
    assert (MODEL.rescaled_em(theta) - theta) * _slope(theta) > CONTROL


def test_em_with_the_fixed_latent_ends_at_the_maximum() -> None:
    theta = 1.0
    for _ in range(400):
        theta = MODEL.rescaled_em(theta)
    assert theta == pytest.approx(2.686764, abs=SIX_DECIMALS)
    assert MODEL.loglik(theta) == pytest.approx(-7.051735, abs=SIX_DECIMALS)
    assert abs(_slope(theta)) < DIFFERENCES


@pytest.mark.parametrize("theta", [0.0, -1.0, float("nan")])
def test_bad_parameters_are_named(theta: float) -> None:
    with pytest.raises(ValueError, match="theta: "):
        MODEL.loglik(theta)


def test_bad_data_are_named() -> None:
    with pytest.raises(ValueError, match="shape"):
        MovingSupport([[1.0], [2.0]])
