"""The line searches and the trust-region step."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emlib.algorithms import line_search
from emlib.algorithms.line_search import backtrack, wolfe
from emlib.algorithms.stopping import newton_gain, remaining_gain
from emlib.algorithms.trust_region import best_step
from tests import tolerances as tol


class Curve:
    """A problem of one variable given by a function and its slope; counts its probes."""

    def __init__(self, value: Any, slope: Any) -> None:
        self.value, self.slope, self.probes = value, slope, 0

    def evaluate(self, x: np.ndarray) -> Any:
        self.probes += 1
        return SimpleNamespace(x=x, loglik=self.value(x[0]), gradient=np.array([self.slope(x[0])]), magnitude=1.0)


CURVES = {
    "parabola": Curve(lambda x: -(x - 2) ** 2, lambda x: -2 * (x - 2)),
    "quartic": Curve(lambda x: -x**4 + 3 * x, lambda x: -4 * x**3 + 3),
    "far away": Curve(lambda x: -1e-4 * (x - 300) ** 2, lambda x: -2e-4 * (x - 300)),
    "steep": Curve(lambda x: -1e4 * (x - 1e-3) ** 2, lambda x: -2e4 * (x - 1e-3)),
    "with an edge": Curve(lambda x: 2 * x + np.log(2 - x) if x < 2 else -np.inf,
                          lambda x: 2 - 1 / (2 - x) if x < 2 else 0.0),
    "wavy": Curve(lambda x: np.sin(3 * x) - 0.1 * x**2 + x, lambda x: 3 * np.cos(3 * x) - 0.2 * x + 1),
}


@pytest.mark.parametrize("name", CURVES)
def test_wolfe_finds_a_flatter_and_higher_point(name: str) -> None:
    curve = CURVES[name]
    here = curve.evaluate(np.zeros(1))
    there = wolfe(curve, here, here.gradient, 1.0)
    assert there is not None
    rise = float(here.gradient @ here.gradient)
    step = float((there.x - here.x)[0] / here.gradient[0])
    assert there.loglik >= here.loglik + line_search.ARMIJO * step * rise - line_search.ROUNDING
    assert abs(there.gradient @ here.gradient) <= line_search.WOLFE * rise


@pytest.mark.parametrize("name", CURVES)
def test_backtracking_rises_enough(name: str) -> None:
    curve = CURVES[name]
    here = curve.evaluate(np.zeros(1))
    there = backtrack(curve, here, here.gradient, 8.0)
    assert there is not None
    step = float((there.x - here.x)[0] / here.gradient[0])
    assert there.loglik >= here.loglik + line_search.ARMIJO * step * float(here.gradient @ here.gradient)
    assert step <= 8.0


@pytest.mark.parametrize("search", [wolfe, backtrack])
def test_downhill_is_refused_without_a_probe(search: Any) -> None:
    curve = CURVES["parabola"]
    here = curve.evaluate(np.zeros(1))
    before = curve.probes
    assert search(curve, here, -here.gradient) is None
    assert search(curve, here, 0 * here.gradient) is None
    assert curve.probes == before


@pytest.mark.parametrize("search", [wolfe, backtrack])
def test_a_gradient_that_lies_ends_the_search(search: Any) -> None:
    """The function falls where its slope says that it rises."""
    curve = Curve(lambda x: -x, lambda x: 1.0)
    here = curve.evaluate(np.zeros(1))
    assert search(curve, here, here.gradient) is None
    assert curve.probes <= line_search.N_PROBES + 1


def model_value(values: np.ndarray, slopes: np.ndarray, step: np.ndarray) -> float:
    return float(slopes @ step - 0.5 * values @ step**2)


def brute_force(values: np.ndarray, slopes: np.ndarray, radius: float) -> float:
    """The best value over a fine polar grid of the disc, two dimensions."""
    angles = np.linspace(0, 2 * np.pi, 20_001)
    radii = np.linspace(0, radius, 101)
    ring = np.stack([np.cos(angles), np.sin(angles)])
    linear, square = slopes @ ring, values @ ring**2
    return float((radii[:, None] * linear - 0.5 * radii[:, None] ** 2 * square).max())


ENTRY = st.floats(-2, 2).map(lambda x: round(x, 3))


@given(st.lists(ENTRY, min_size=2, max_size=2), st.lists(ENTRY, min_size=2, max_size=2), st.floats(0.05, 5))
def test_best_step_against_brute_force(curvatures: list[float], slopes: list[float], radius: float) -> None:
    values, slope = np.sort(curvatures), np.array(slopes)
    step = best_step(values, slope, radius)
    assert np.linalg.norm(step) <= radius * (1 + tol.ROOT)
    found, grid = model_value(values, slope, step), brute_force(values, slope, radius)
    assert found >= grid - tol.BRUTE_FORCE * max(1.0, abs(grid))


@given(st.lists(st.floats(-3, 3), min_size=1, max_size=6), st.integers(0, 1000), st.floats(0.01, 10))
def test_best_step_beats_random_steps(curvatures: list[float], seed: int, radius: float) -> None:
    values = np.sort(curvatures)
    rng = np.random.default_rng(seed)
    slopes = rng.standard_normal(len(values))
    best = model_value(values, slopes, best_step(values, slopes, radius))
    for _ in range(50):
        other = rng.standard_normal(len(values))
        other *= radius * rng.random() / np.linalg.norm(other)
        assert best >= model_value(values, slopes, other) - tol.ROOT * max(1.0, abs(best))


@pytest.mark.parametrize(("values", "slopes", "radius", "expected"), [
    ([2.0, 4.0], [2.0, 4.0], 5.0, [1.0, 1.0]),  # Newton's step, inside
    ([-1.0, 1.0], [0.0, 0.0], 3.0, [3.0, 0.0]),  # a saddle without a slope: along the lowest curvature
    ([-1.0, 1.0], [0.0, 1.0], 2.0, [np.sqrt(4 - 0.25), 0.5]),  # the hard case
    ([0.0, 1.0], [0.0, 0.5], 2.0, [np.sqrt(4 - 0.25), 0.5]),  # flat and hard: any length is as good
])
def test_best_step_where_the_answer_is_known(values: list[float], slopes: list[float], radius: float,
                                             expected: list[float]) -> None:
    step = best_step(np.array(values), np.array(slopes), radius)
    known = model_value(np.array(values), np.array(slopes), np.array(expected))
    assert model_value(np.array(values), np.array(slopes), step) == pytest.approx(known, abs=tol.ROOT)
    assert np.linalg.norm(step) <= radius * (1 + tol.ROOT)


def test_the_brute_force_would_see_a_shortened_step() -> None:
    """The control: nine tenths of the best step fall short of the grid."""
    values, slopes = np.array([-1.0, 1.0]), np.array([0.3, 1.0])
    step = 0.9 * best_step(values, slopes, 2.0)
    assert model_value(values, slopes, step) < brute_force(values, slopes, 2.0) - tol.CONTROL


@pytest.mark.parametrize("rate", [0.0, 0.5, 0.9, 0.999])
def test_remaining_gain_of_a_linear_iteration_is_exact(rate: float) -> None:
    """On a parabola of curvature c with an iteration of this rate the estimate is the gain itself."""
    curve, error = 7.0, 0.3
    slope, step = curve * error, (1 - rate) * error
    assert remaining_gain(slope * step, rate) == pytest.approx(0.5 * curve * error**2, rel=tol.IDENTITY)


@pytest.mark.parametrize(("slope", "rate"), [(1.0, 1.0), (1.0, 1.5), (1.0, -0.1), (np.nan, 0.5), (np.inf, 0.5),
                                             (1.0, np.nan)])
def test_an_iteration_that_does_not_converge_has_everything_to_gain(slope: float, rate: float) -> None:
    assert remaining_gain(slope, rate) == np.inf


def test_newton_gain_is_the_gain_of_the_parabola() -> None:
    curvatures, slopes = np.array([0.5, 2.0]), np.array([0.1, -0.4])
    assert newton_gain(curvatures, slopes) == pytest.approx(0.5 * (0.01 / 0.5 + 0.16 / 2.0))
    assert newton_gain(np.array([-0.1, 2.0]), slopes) == np.inf
