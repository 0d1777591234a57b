"""Hasselblad (1969): deaths of women over 80 in The Times, 1910-1912, as a mixture of two Poisson distributions.

Optimum and counts of evaluations: the vignettes and tests of the R packages SQUAREM (Varadhan) and turboEM.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import emlib
from emlib import diagnostics as dx
from emlib.models import PoissonMixture
from tests import tolerances as tol

MODEL = PoissonMixture(2)
COUNTS = np.array([162, 267, 271, 185, 111, 61, 27, 8, 3, 1])
OPTIMUM = (0.3598853969849348, 1.2560951012243379, 2.6634043566324726)  # p, mu1, mu2: proved in tests/book
LOGLIK = -1989.9458598829642
PRINTED = (0.6401146029910, 2.6634043566619, 1.2560951012662)  # SQUAREM's test file: 1 - p, mu2, mu1


def problem(coordinates: str = "standard") -> emlib.Problem:
    return emlib.Problem(MODEL, np.arange(10), coordinates, sample_weight=COUNTS)


def params(share: float, first: float, second: float) -> Any:
    return MODEL.params(weights=[share, 1 - share], rates=[first, second])


def triple(x: np.ndarray) -> np.ndarray:
    """(p, mu1, mu2) of a standard vector (p, 1 - p, mu1, mu2): the packages' parametrisation."""
    return x[[0, 2, 3]]


def em(start: tuple[float, float, float], steps: int) -> np.ndarray:
    here = problem()
    x = MODEL.space.pack(params(*start), "standard")
    for _ in range(steps):
        x = here.em_map(x)
    return x


def test_thirteen_digits_of_the_optimum() -> None:
    result = emlib.fit(MODEL, np.arange(10), sample_weight=COUNTS, start=params(0.3, 1.0, 2.5), tol=1e-14)
    order = np.argsort(result.params.rates)
    found = [result.params.weights[order][0], *result.params.rates[order]]
    np.testing.assert_allclose(found, OPTIMUM, rtol=0, atol=tol.ROOT)
    assert result.loglik == pytest.approx(LOGLIK, abs=tol.ROOT)


def test_printed_optimum_has_nine_right_decimals() -> None:
    ours = np.array([1 - OPTIMUM[0], OPTIMUM[2], OPTIMUM[1]])
    np.testing.assert_array_equal(np.round(PRINTED, 9), np.round(ours, 9))
    assert np.any(np.round(PRINTED, 10) != np.round(ours, 10))


def test_em_stays_at_the_optimum() -> None:
    """The proved digits are a fixed point of the map to the precision of floats."""
    here = problem()
    x = MODEL.space.pack(params(*OPTIMUM), "standard")
    np.testing.assert_allclose(here.em_map(x), x, rtol=0, atol=10 * tol.THIRTEEN_DIGITS)
    assert here.loglik(x) == pytest.approx(LOGLIK, abs=tol.ROOT)


@pytest.mark.parametrize(("start", "minus_loglik"), [((0.5, 1.0, 3.0), 1989.945860141),
                                                      ((0.9, 1.0, 3.0), 1989.945868319)])
def test_em_after_1500_steps(start: tuple[float, float, float], minus_loglik: float) -> None:
    """The turboEM vignette's objective values of `em` at its limit of 1500 iterations."""
    assert -problem().loglik(em(start, 1500)) == pytest.approx(minus_loglik, abs=tol.NINE_DECIMALS)


def test_the_false_stop_at_447() -> None:
    """The vignette's relative-objective criterion, 1e-8, stops EM at 447 with 1989.948186528, .0023 short."""
    found = -problem().loglik(em((0.5, 1.0, 3.0), 447))
    assert found == pytest.approx(1989.948186528, abs=tol.NINE_DECIMALS)
    assert found + LOGLIK == pytest.approx(0.0023, abs=tol.FOUR_DECIMALS)


def wichmann_hill(seed: int) -> np.ndarray:
    """Three uniform numbers of R's Wichmann-Hill generator after `set.seed`, whose scrambling is a congruence."""
    for _ in range(50):
        seed = (69069 * seed + 1) % 2**32
    state = []
    for modulus in (30269, 30307, 30323):
        seed = (69069 * seed + 1) % 2**32
        state.append(seed % modulus or 1)
    drawn = []
    for _ in range(3):
        state = [s * a % m for s, a, m in zip(state, (171, 172, 170), (30269, 30307, 30323), strict=True)]
        drawn.append((state[0] / 30269 + state[1] / 30307 + state[2] / 30323) % 1)
    return np.array(drawn)


def test_2909_evaluations() -> None:
    """The SQUAREM vignette: EM from its seed-123 start takes 2909 evaluations to a step of length 1e-8."""
    start = wichmann_hill(123) * [1, 6, 6]
    np.testing.assert_allclose(start, [0.44629445, 5.34339807, 0.8713513], rtol=0, atol=tol.SIX_DECIMALS)
    here = problem()
    x = MODEL.space.pack(params(*start), "standard")
    length = np.inf
    while length >= 1e-8:
        x, before = here.em_map(x), x
        length = float(np.linalg.norm(triple(x) - triple(before)))
    assert here.n_estep == 2909
    assert here.loglik(x) == pytest.approx(-1989.946, abs=tol.THREE_DECIMALS)


def test_the_excruciating_start() -> None:
    """Lange's start (.2870, 1.101, 2.582): loglik agrees to three decimals from iterate 534 on (recomputed)."""
    here = problem()
    x = MODEL.space.pack(params(0.287, 1.101, 2.582), "standard")
    first = None
    for count in range(1, 600):
        x = here.em_map(x)
        if first is None and round(here.loglik(x), 3) == round(LOGLIK, 3):
            first = count
    assert first == 534


def test_one_slow_direction() -> None:
    """The eigenvalues of DM at the optimum: .995666, .720418 and 0 (recomputed); the first is EM's rate."""
    found = dx.information(MODEL, problem().data, params(*OPTIMUM))
    np.testing.assert_allclose(found.eigenvalues, [0.995666, 0.720418, 0.0], rtol=0, atol=tol.SIX_DECIMALS)
    assert found.rate == found.eigenvalues[0]


def test_standard_errors() -> None:
    """turboEM prints .1948, .3503, .2507 by differences; by the exact Hessian they are .1947, .3500, .2505."""
    found = dx.information(MODEL, problem().data, params(*OPTIMUM)).standard_errors
    errors = [found["weights"][0], *found["rates"]]
    np.testing.assert_allclose(errors, [0.1947, 0.3500, 0.2505], rtol=0, atol=tol.FOUR_DECIMALS)
    assert found["weights"][0] == pytest.approx(found["weights"][1], rel=tol.ROOT)
