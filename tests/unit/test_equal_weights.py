"""Population EM for normals with equal known weights: gradient, ascent, fixed points, bad input."""

from __future__ import annotations

import numpy as np
import pytest

from emlib.diagnostics.equal_weights import EqualWeights
from emlib.diagnostics.symmetric_population import scalar_map
from tests.tolerances import CONTROL, DIFFERENCES, QUADRATURE

POPULATION = EqualWeights([-1.0, 0.5, 3.0])
MEANS = np.array([-2.0, 0.0, 1.0, 4.0])


def test_gradient_step_is_along_the_gradient_of_the_loglik() -> None:
    step = 1e-6
    slopes = [(POPULATION.loglik(MEANS + step * e) - POPULATION.loglik(MEANS - step * e)) / (2 * step)
              for e in np.eye(4)]
    found = POPULATION.gradient_step(MEANS, 0.5)
    assert found - MEANS == pytest.approx(0.5 * np.array(slopes), abs=DIFFERENCES)
    assert np.abs(POPULATION.em_step(MEANS) - found).max() > CONTROL


def test_em_rises_and_the_truth_stays() -> None:
    heights = [POPULATION.divergence(POPULATION.em(MEANS, k)) for k in range(1, 6)]
    assert (np.diff(heights) < 0).all()
    assert POPULATION.em_step(POPULATION.truth) == pytest.approx(POPULATION.truth, abs=QUADRATURE)
    assert POPULATION.divergence(POPULATION.truth) == pytest.approx(0.0, abs=QUADRATURE)
    assert POPULATION.divergence(MEANS) > CONTROL


def test_two_mirrored_means_follow_the_scalar_map() -> None:
    population = EqualWeights([-1.5, 1.5])
    low, high = population.em_step([-0.4, 0.4])
    assert high == pytest.approx(scalar_map(0.4, 1.5), abs=DIFFERENCES)
    assert low == pytest.approx(-high, abs=QUADRATURE)
    assert abs(high - scalar_map(0.4, 1.4)) > CONTROL


def test_component_without_mass_stays() -> None:
    assert EqualWeights([0.0]).em_step([0.0, 500.0])[1] == 500.0


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: EqualWeights([]), "truth: empty"),
        (lambda: EqualWeights([[0.0]]), "truth: shape"),
        (lambda: EqualWeights([0.0], n_nodes=0), "n_nodes"),
        (lambda: POPULATION.em_step(1.0), "means: shape"),
        (lambda: POPULATION.em([np.inf], 3), "means: entry"),
        (lambda: POPULATION.em([0.0], 0), "n_steps"),
        (lambda: POPULATION.gradient_step([0.0], 0.0), "step_length"),
    ],
)
def test_bad_input_is_named(call: object, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        call()  # type: ignore[operator]
