"""Dempster, Laird & Rubin (1977), section 1 and table 1: genetic linkage, counts 125, 18, 20, 34 (Rao 1965)."""

from __future__ import annotations

import numpy as np
import pytest

import emlib
from emlib import diagnostics as dx
from emlib.algorithms import EM, Newton
from emlib.models import Linkage
from tests import tolerances as tol

MODEL, COUNTS = Linkage(), np.array([125, 18, 20, 34])
EXACT = (15 + np.sqrt(53809)) / 394  # the positive root of the likelihood equation
# JRSS-B 39:1-38, table 1: the iterates pi(p), p = 0, ..., 8.
PRINTED = [0.5, 0.608247423, 0.624321051, 0.626488879, 0.626777323, 0.626815632, 0.626820719, 0.626821395, 0.626821484]
# The same table, deviations from the limit and the ratios of successive ones.
DEVIATIONS = [0.126821498, 0.018574075, 0.002500447, 0.000332619, 0.000044176, 0.000005866, 0.000000779, 0.000000104,
              0.000000014]
RATIOS = [0.1465, 0.1346, 0.1330, 0.1328, 0.1328, 0.1328]


def iterates(count: int) -> np.ndarray:
    problem = emlib.Problem(MODEL, COUNTS, "standard")
    path = [np.array([0.5])]
    for _ in range(count):
        path.append(problem.em_map(path[-1]))
    return np.concatenate(path)


def test_printed_iterates() -> None:
    """To one unit of the ninth decimal: the paper rounded on the way, so three of them differ by one there."""
    found = iterates(8)
    np.testing.assert_allclose(found, PRINTED, rtol=0, atol=tol.DLR_PRINTED)
    off = np.flatnonzero(np.round(found, 9) != np.array(PRINTED))
    assert off.tolist() == [2, 4, 7]


def test_printed_deviations_and_ratios() -> None:
    deviations = EXACT - iterates(8)
    np.testing.assert_allclose(deviations, DEVIATIONS, rtol=0, atol=tol.DLR_PRINTED)
    np.testing.assert_allclose((deviations[1:] / deviations[:-1])[:6], RATIOS, rtol=0, atol=tol.FOUR_DECIMALS)


def test_the_exact_optimum() -> None:
    """Printed as .626821498; the root of the quadratic 197 x^2 - 15 x - 68 = 0."""
    assert abs(197 * EXACT**2 - 15 * EXACT - 68) <= tol.ROUND_TRIP
    assert pytest.approx(0.626821498, abs=tol.NINE_DECIMALS) == EXACT
    result = emlib.solve(emlib.Problem(MODEL, COUNTS), Newton(), [0.0], tol=1e-14)
    assert float(result.params.theta) == pytest.approx(EXACT, abs=tol.ROOT)


def test_the_rate() -> None:
    """Printed 0.132778, a truncation of 0.13277873 (equation 3.19)."""
    params = MODEL.params(theta=EXACT)
    rate = float(dx.em_jacobian(MODEL, COUNTS, params)[0, 0])
    assert rate == pytest.approx(0.13277873, abs=tol.EIGHT_DECIMALS)
    assert np.floor(rate * 1e6) / 1e6 == 0.132778
    assert dx.information(MODEL, COUNTS, params).rate == pytest.approx(rate, abs=tol.TWO_CODES)


def test_information_and_standard_error() -> None:
    """I_c - I_m = I_o: 435.318 - 57.801 = 377.517, s.e. .051467 (Louis 1982 and textbooks have 435.3 and 57.8)."""
    found = dx.information(MODEL, COUNTS, MODEL.params(theta=EXACT))
    numbers = [found.complete[0, 0], found.missing[0, 0], found.observed[0, 0]]
    np.testing.assert_allclose(numbers, [435.318, 57.801, 377.517], rtol=0, atol=tol.THREE_DECIMALS)
    assert float(found.standard_errors["theta"]) == pytest.approx(0.051467, abs=tol.SIX_DECIMALS)


def test_the_preconditioner_at_one_half() -> None:
    """P = theta (1 - theta) / (x2 + 72): 0.00257732, the step over the gradient."""
    found = dx.projection_matrix(MODEL, COUNTS, MODEL.params(theta=0.5))
    assert found.matrix[0, 0] == pytest.approx(0.00257732, abs=tol.EIGHT_DECIMALS)
    assert found.step[0] / found.gradient[0] == pytest.approx(found.matrix[0, 0], rel=tol.IDENTITY)
    assert found.step[0] == pytest.approx(0.108247, abs=tol.SIX_DECIMALS)


@pytest.mark.parametrize(("theta", "expected", "flat"), [(0.2, 0.717561, 1.795), (0.5, 0.838453, 0.794),
                                                        (0.9, 0.907976, 3.133)])
def test_the_jacobian_away_from_the_optimum(theta: float, expected: float, flat: float) -> None:
    """1 - DM = -P' g - P H: both sides; without the P' term (the flat-region approximation) it is far off."""
    params = MODEL.params(theta=theta)
    assert 1 - dx.em_jacobian(MODEL, COUNTS, params)[0, 0] == pytest.approx(expected, abs=tol.SIX_DECIMALS)
    problem = emlib.Problem(MODEL, COUNTS, "standard")
    metric = dx.projection_matrix(MODEL, COUNTS, params).matrix[0, 0]
    assert -metric * problem.hessian([theta])[0, 0] == pytest.approx(flat, abs=tol.THREE_DECIMALS)


def test_no_full_family() -> None:
    """Theorem T2 fails: the EM step from one half is 0.108247, the unit natural-gradient step 0.106599."""
    theta, total = 0.5, 197
    fisher = 0.5 * (1 / theta + 1 / (1 - theta))  # of one animal's complete data: half of them inform about theta
    slope = float(emlib.Problem(MODEL, COUNTS, "standard").gradient([theta])[0])
    assert slope / (total * fisher) == pytest.approx(0.106599, abs=tol.SIX_DECIMALS)
    assert iterates(1)[1] - 0.5 == pytest.approx(0.108247, abs=tol.SIX_DECIMALS)


def test_em_needs_as_many_steps_as_its_rate_says() -> None:
    """From .5, an error of 1e-8 takes log(1e-8/.127)/log(.1328), about eight, iterations."""
    errors = np.abs(iterates(12) - EXACT)
    assert np.argmax(errors < 1e-8) == 9
    result = emlib.solve(emlib.Problem(MODEL, COUNTS, "standard"), EM(), [0.5])
    assert abs(float(result.params.theta) - EXACT) == errors[result.nit]
