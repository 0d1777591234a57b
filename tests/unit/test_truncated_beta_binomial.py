"""The MM surrogate of the truncated beta-binomial: touches, lies below, and its curvature adds up."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.stats import betabinom

import emlib
from emlib import diagnostics as dx
from emlib.models import TruncatedBetaBinomial
from tests.tolerances import CONTROL, DIFFERENCES, IDENTITY, REORDERED, TWO_CODES

MODEL, COUNTS = TruncatedBetaBinomial(4), np.array([12, 6, 7, 6])
RNG = np.random.default_rng(0)
POINTS = [MODEL.params(probability=p, dispersion=a)
          for p, a in zip(RNG.uniform(0.02, 0.95, 12), np.exp(RNG.standard_normal(12)), strict=True)]


@pytest.mark.parametrize("params", POINTS[:4])
def test_the_likelihood_is_that_of_scipy(params: Any) -> None:
    a, b = params.probability / params.dispersion, (1 - params.probability) / params.dispersion
    law = betabinom(4, a, b)
    expected = COUNTS @ (law.logpmf([1, 2, 3, 4]) - np.log(1 - law.pmf(0)))
    assert MODEL.e_step(params, MODEL.as_data(COUNTS)).loglik == pytest.approx(expected, rel=TWO_CODES)
    assert abs(COUNTS @ law.logpmf([1, 2, 3, 4]) - expected) > CONTROL  # without the truncation


def gaps(shift: float = 0.0) -> np.ndarray:
    """Log-likelihood less surrogate, at all points (columns) from all points (rows); `shift` spoils the touching."""
    found = [MODEL.e_step(params, MODEL.as_data(COUNTS)) for params in POINTS]
    return np.array([[there.loglik - MODEL.q_value(params, here.stats) - here.entropy - shift
                      for params, there in zip(POINTS, found, strict=True)] for here in found])


def test_the_surrogate_touches_and_lies_below() -> None:
    found = gaps()
    assert np.abs(np.diag(found)).max() < IDENTITY * 100
    assert found[~np.eye(len(POINTS), dtype=bool)].min() > 0
    assert gaps(shift=1.0).min() < 0


@pytest.mark.parametrize("params", POINTS[:4])
def test_gradient_and_hessian_agree_with_differences(params: Any) -> None:
    problem = emlib.Problem(MODEL, COUNTS, "standard")
    x, steps = MODEL.space.pack(params, "standard"), 1e-6 * np.eye(2)
    slope = np.array([(problem.loglik(x + h) - problem.loglik(x - h)) / 2e-6 for h in steps])
    assert np.abs(problem.gradient(x) - slope).max() < DIFFERENCES * max(1.0, np.abs(slope).max())
    bend = np.array([(problem.gradient(x + h) - problem.gradient(x - h)) / 2e-6 for h in steps])
    found = problem.hessian(x)
    assert np.abs(found - bend).max() < DIFFERENCES * np.abs(bend).max()
    stats = problem.evaluate(x).stats
    assert np.abs(MODEL.q_hessian(params, stats, "standard") - bend).max() > CONTROL * np.abs(bend).max()


@pytest.mark.parametrize("params", POINTS[:4])
def test_the_map_is_the_published_one(params: Any) -> None:
    """Sums as in Zhou, Alexander & Lange (2011), written out household by household."""
    pi, alpha, total = float(params.probability), float(params.dispersion), COUNTS.sum()
    none = np.prod([(1 - pi + j * alpha) / (1 + j * alpha) for j in range(4)])
    odds = none / (1 - none)
    cases = [COUNTS[j:].sum() for j in range(4)]
    others = [COUNTS[:3 - j].sum() + total * odds for j in range(4)]
    up = sum(c * pi / (pi + j * alpha) for j, c in enumerate(cases))
    down = sum(o * (1 - pi) / (1 - pi + j * alpha) for j, o in enumerate(others))
    rises = sum(j * alpha * (c / (pi + j * alpha) + o / (1 - pi + j * alpha))
                for j, (c, o) in enumerate(zip(cases, others, strict=True)))
    falls = sum(total * (1 + odds) * j / (1 + j * alpha) for j in range(4))
    step = emlib.Problem(MODEL, COUNTS, "standard").em_map([pi, alpha])
    assert np.abs(step - [up / (up + down), rises / falls]).max() < TWO_CODES * max(1.0, rises / falls)
    assert np.abs(step - [up / (up + down - total * odds), rises / falls]).max() > CONTROL


def test_repeated_tables_and_chunks() -> None:
    params = POINTS[0]
    whole = MODEL.e_step(params, MODEL.as_data(3 * COUNTS))
    weighted = MODEL.e_step(params, MODEL.as_data(COUNTS, [3, 3, 3, 3]))
    assert weighted.loglik == pytest.approx(whole.loglik, rel=REORDERED)
    chunked = emlib.Problem(MODEL, 3 * COUNTS, chunk_size=1).expectation(params)
    assert MODEL.q_value(params, chunked.stats) == pytest.approx(MODEL.q_value(params, whole.stats), rel=REORDERED)
    assert chunked.entropy == pytest.approx(whole.entropy, rel=REORDERED)


def test_projection_and_information() -> None:
    assert dx.projection_matrix(MODEL, COUNTS, POINTS[0]).gap < IDENTITY
    best = emlib.fit(MODEL, COUNTS, rng=0, tol=1e-14).params
    routes = [dx.information(MODEL, COUNTS, best, method=name).observed for name in ("louis", "oakes", "score")]
    assert max(np.abs(other - routes[0]).max() for other in routes[1:]) < DIFFERENCES * np.abs(routes[0]).max()


def test_simulated_households_come_from_the_model() -> None:
    counts = MODEL.sample(POINTS[1], 100_000, np.random.default_rng(0))
    a, b = POINTS[1].probability / POINTS[1].dispersion, (1 - POINTS[1].probability) / POINTS[1].dispersion
    masses = betabinom(4, a, b).pmf([1, 2, 3, 4])
    assert np.abs(counts / 100_000 - masses / masses.sum()).max() < 0.008  # five standard errors
    assert np.abs(counts / 100_000 - masses).max() > 0.02


DATA = [
    ([1, 2, 3], r"data: shape \(3,\) found; give the numbers of households with 1, ..., 4 cases, shape \(4,\)"),
    ([5, 0, 0, 0], "data: a household with fewer cases than members and one with more than one case are needed"),
    ([0, 0, 0, 5], "data: a household with fewer cases"),
    ([5, -1, 2, 1], r"data: entry \[1\] is -1; counts cannot be negative"),
    ([5, 1.5, 2, 1], r"data: entry \[1\] is 1.5; counts are whole numbers"),
    ([5, np.nan, 2, 1], r"data: entry \[1\] is nan"),
    ([], "data: empty"),
]


@pytest.mark.parametrize(("raw", "text"), DATA)
def test_bad_data_are_refused(raw: Any, text: str) -> None:
    for call in (lambda: MODEL.as_data(raw), lambda: emlib.fit(MODEL, raw, rng=0)):
        with pytest.raises(ValueError, match=text):
            call()


def test_bad_settings_are_refused() -> None:
    with pytest.raises(ValueError, match="size: 1 found; a household of one member tells nothing"):
        TruncatedBetaBinomial(1)
    with pytest.raises(ValueError, match=r"size: 2\.5 found; a positive integer is needed"):
        TruncatedBetaBinomial(2.5)
