"""Colds in households of four: the truncated beta-binomial problem of Zhou, Alexander & Lange (2011).

The four tables stand in the code of Agarwal & Xu (2020). The optima are no published numbers: those with pi = 0 come
from the limit of the likelihood there, maximised over alpha alone with thirty digits; the interior one from Newton's
method. Theorem T10: where the optimum has pi = 0, MM's pi dies like 1/k.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import emlib
from emlib import diagnostics as dx
from emlib.algorithms import LBFGS, Newton, SciPy
from emlib.models import TruncatedBetaBinomial
from tests import tolerances as tol

MODEL = TruncatedBetaBinomial(4)
START = {"probability": 0.5, "dispersion": 1.0}
TABLES = [((15, 5, 2, 2), -25.226933446899, 0.0, 0.615274828371),
          ((12, 6, 7, 6), -41.728597314, 0.14793012, 1.15932993),
          ((10, 9, 2, 7), -37.358164902454, 0.0, 1.65014344101),
          ((26, 15, 3, 9), -65.040199781428, 0.0, 1.05951994699)]


def path(counts: tuple[int, ...], steps: int) -> np.ndarray:
    """MM's iterates from (.5, 1), shape (steps + 1, 2)."""
    problem = emlib.Problem(MODEL, np.array(counts), "standard")
    points = [np.array([0.5, 1.0])]
    for _ in range(steps):
        points.append(problem.em_map(points[-1]))
    return np.array(points)


@pytest.mark.parametrize(("counts", "loglik", "probability", "dispersion"), TABLES)
@pytest.mark.parametrize("algorithm", [Newton(), LBFGS(), SciPy()])
def test_optima(counts: Any, loglik: float, probability: float, dispersion: float, algorithm: Any) -> None:
    found = emlib.fit(MODEL, counts, start=START, algorithm=algorithm, tol=1e-10)
    assert found.success
    assert found.loglik == pytest.approx(loglik, abs=tol.EIGHT_DECIMALS)
    # What 1e-10 nats leave open: 1.4e-5 standard errors, which are of size one half and more.
    assert float(found.params.probability) == pytest.approx(probability, abs=tol.FOUR_DECIMALS)
    assert float(found.params.dispersion) == pytest.approx(dispersion, abs=tol.FOUR_DECIMALS)
    assert probability > 0 or float(found.params.probability) < tol.BOUNDARY


def test_the_rate_at_the_interior_optimum() -> None:
    best = emlib.fit(MODEL, TABLES[1][0], start=START, tol=1e-14).params
    assert dx.information(MODEL, TABLES[1][0], best).rate == pytest.approx(0.998638, abs=tol.SIX_DECIMALS)


def test_mm_stops_short_where_differences_of_the_log_likelihood_tell_it_to() -> None:
    """1826 steps until two values differ by less than 1e-7, with 3.5e-5 nats left to gain."""
    problem = emlib.Problem(MODEL, TABLES[1][0], "standard")
    x, values = np.array([0.5, 1.0]), [np.inf, 0.0]
    count = 0
    while abs(values[-1] - values[-2]) >= 1e-7:
        values.append(problem.loglik(x))
        x, count = problem.em_map(x), count + 1
    assert count == 1826
    assert -41.728597 - values[-1] == pytest.approx(3.5e-5, abs=1e-6)


def test_on_the_boundary_pi_dies_like_one_over_k() -> None:
    """k pi_k settles, so that every doubling of k halves pi; in the interior it does nothing of the kind."""
    chances = path(TABLES[0][0], 2400)[:, 0]
    halves = [chances[2 * k] / chances[k] for k in (300, 600, 1200)]
    assert abs(halves[-1] - 0.5) < 0.04
    assert abs(halves[-1] - 0.5) < abs(halves[0] - 0.5)
    inside = path(TABLES[1][0], 1200)[:, 0]
    assert inside[1200] / inside[600] > 0.8


def test_the_preconditioner_dies_like_pi_squared() -> None:
    """Over a hundredfold smaller pi the ratio P / pi^2 stays, while P / pi falls a hundredfold."""
    points = {p: MODEL.params(probability=p, dispersion=TABLES[0][3]) for p in (1e-3, 1e-5)}
    metric = [dx.projection_matrix(MODEL, TABLES[0][0], at).matrix[0, 0] / p**2 for p, at in points.items()]
    assert metric[1] == pytest.approx(metric[0], rel=0.01)
    assert metric[0] * 1e-3 > 50 * metric[1] * 1e-5
