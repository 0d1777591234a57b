"""Jöreskog's nine variables, the example of Rubin & Thayer (1982), and the optimum of scikit-learn.

Correlations, pattern and start: the demonstration of the R package SQUAREM. The values at the optimum were recomputed
by separate code.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import emlib
from emlib import datasets
from emlib.algorithms import EM, LBFGS, Switch, after
from emlib.models import FactorAnalysis
from tests import tolerances as tol

N_UNITS = 145
CORRELATIONS, PATTERN, LOADINGS = datasets.nine_variables()
UNIQUENESSES = [0.47908, 0.40490, 0.08990, 0.30474, 0.44072, 0.46065, 0.51554, 0.31711, 0.31614]
CONSTANT = -0.5 * N_UNITS * 9 * np.log(2 * np.pi)  # which the recomputed values leave out

MODEL = FactorAnalysis(9, 4, PATTERN)
DATA = MODEL.from_covariance(CORRELATIONS, N_UNITS)
START = MODEL.params(mean=np.zeros(9), loadings=LOADINGS, noise_variance=np.full(9, 1e-8))


def steps_to_rest(step: Any, tolerance: float = 1e-8) -> tuple[int, Any]:
    """The demonstration's count: steps of loadings and uniquenesses until one is shorter than the tolerance."""
    params, count, length = START, 0, np.inf
    while length >= tolerance:
        moved = step(params, MODEL.e_step(params, DATA).stats)
        length = np.hypot(np.linalg.norm(moved.loadings - params.loadings),
                          np.linalg.norm(moved.noise_variance - params.noise_variance))
        params, count = moved, count + 1
    return count, params


def check_optimum(params: Any) -> None:
    loglik = MODEL.e_step(params, DATA).loglik
    assert loglik - CONSTANT == pytest.approx(-327.690628, abs=tol.SIX_DECIMALS)
    np.testing.assert_allclose(params.noise_variance, UNIQUENESSES, rtol=0, atol=1.1e-5)
    assert (params.loadings[~PATTERN] == 0).all()


def test_the_table() -> None:
    np.testing.assert_array_equal(CORRELATIONS, CORRELATIONS.T)
    assert (np.diag(CORRELATIONS) == 1).all()
    assert CORRELATIONS.sum() == pytest.approx(9 + 2 * 14.564), "the sum of the 36 printed correlations"
    assert (PATTERN.sum(axis=0) == [9, 9, 4, 5]).all()
    assert (LOADINGS[~PATTERN] == 0).all()


def test_the_optimum_from_the_published_start() -> None:
    result = emlib.fit(MODEL, DATA, start=START)
    assert result.success
    assert result.n_estep < 150
    check_optimum(result.params)


@pytest.mark.parametrize("n_em", [0, 1])
def test_from_that_start_lbfgs_needs_an_em_step_first(n_em: int) -> None:
    """Else its first step, from uniquenesses of 1e-8, leaps out of the space; it says which of them collapsed."""
    result = emlib.fit(MODEL, DATA, start=START, algorithm=Switch(EM(), LBFGS(), after(n_em)))
    assert result.success == (n_em == 1)
    if result.success:
        check_optimum(result.params)
    else:
        assert "noise_variance: entry" in result.message


def test_the_pattern_matters() -> None:
    """The control: without its zeros four factors fit better."""
    free = emlib.fit(FactorAnalysis(9, 4), DATA, rng=0, n_starts=3)
    assert free.loglik - CONSTANT > -327.690628 + 0.1


@pytest.mark.slow
def test_em_takes_14665_steps() -> None:
    """In 40 digits the count is 14665, too; plain double precision gives 14666, since uniquenesses of 1e-8 lose 8."""
    count, params = steps_to_rest(lambda params, stats: MODEL.m_step(stats))
    assert count == 14665
    check_optimum(params)


def test_ecme_is_monotone_and_faster() -> None:
    """Liu & Rubin (1994): the same fixed point; each step at least as good as loadings and uniquenesses by EM."""
    em = ecme = START
    for _ in range(300):
        stats = MODEL.e_step(ecme, DATA).stats
        moved = MODEL.cm_steps(ecme, stats)
        values = [MODEL.e_step(params, DATA).loglik for params in (ecme, MODEL.m_step(stats), moved)]
        assert values[2] >= max(values[:2]) - tol.FALL * abs(values[0])
        em, ecme = MODEL.m_step(MODEL.e_step(em, DATA).stats), moved
    assert MODEL.e_step(ecme, DATA).loglik > MODEL.e_step(em, DATA).loglik
    best = emlib.fit(MODEL, DATA, start=ecme, tol=1e-14).params
    still = MODEL.cm_steps(best, MODEL.e_step(best, DATA).stats)
    np.testing.assert_allclose(still.noise_variance, best.noise_variance, atol=tol.FIXED_POINT)
    check_optimum(best)


@pytest.mark.parametrize(("count", "expected"), [(2, -332.163454), (3, -328.236776)])
def test_exploratory_factors(count: int, expected: float) -> None:
    """Barber's eigenvalue iteration (his section 21.2.1) and EM end at these values, recomputed by separate code."""
    result = emlib.fit(FactorAnalysis(9, count), DATA, rng=0)
    assert result.success
    assert result.loglik - CONSTANT == pytest.approx(expected, abs=tol.SIX_DECIMALS)


@pytest.mark.parametrize(("count", "by_ecme", "by_em", "best"), [(2, 15, 26, -332.163454), (3, 86, 165, -328.236776)])
def test_barber_s_iteration_against_em(count: int, by_ecme: int, by_em: int, best: float) -> None:
    """Steps to within 1e-4 nats of the maximum, from uniquenesses 1/2 and the best loadings given them (recomputed)."""
    model = FactorAnalysis(9, count)
    rough = model.params(mean=np.zeros(9), loadings=np.eye(9, count), noise_variance=np.full(9, 0.5))
    start = replace(model.cm_steps(rough, model.e_step(rough, DATA).stats), noise_variance=rough.noise_variance)
    for step, expected in ((model.cm_steps, by_ecme), (lambda _, stats: model.m_step(stats), by_em)):
        params, values = start, []
        for _ in range(expected):
            params = step(params, model.e_step(params, DATA).stats)
            values.append(model.e_step(params, DATA).loglik - CONSTANT)
        assert np.diff(values).min() > 0
        assert values[-2] < best - 1e-4 < values[-1]


@pytest.mark.extras
def test_the_optimum_of_scikit_learn() -> None:
    from sklearn.decomposition import FactorAnalysis as Peer

    rng = np.random.default_rng(0)
    rows = rng.standard_normal((200, 2)) @ rng.standard_normal((2, 6)) + rng.standard_normal((200, 6)) * [
        0.5, 0.6, 0.7, 0.8, 0.9, 1.0] + 5.0
    peer = Peer(2, tol=1e-12, max_iter=5000, svd_method="lapack").fit(rows)
    model = FactorAnalysis(6, 2)
    result = emlib.fit(model, rows, rng=0, tol=1e-12)
    theirs = model.params(mean=peer.mean_, loadings=peer.components_.T, noise_variance=peer.noise_variance_)
    found = model.e_step(theirs, model.as_data(rows)).loglik
    assert found == pytest.approx(len(rows) * peer.score(rows), rel=tol.IDENTITY)
    assert result.loglik >= len(rows) * peer.score(rows)
    np.testing.assert_allclose(model.covariance(result.params), peer.get_covariance(), atol=1e-4)
    np.testing.assert_allclose(np.abs(np.linalg.svd(model.transform(result.params, rows))[1]),
                               np.abs(np.linalg.svd(peer.transform(rows))[1]), rtol=1e-4)
