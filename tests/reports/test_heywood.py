"""Heywood cases: where the best uniqueness is zero, a fit says so and names the feature."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from scipy.optimize import minimize

import emlib
from emlib import Status
from emlib.algorithms import LBFGS, Adaptive
from emlib.models import FactorAnalysis
from tests import tolerances as tol

# Correlations of the nine variables of Hosmer & Lemeshow's births of low weight, 189 rows, which are the eighth test
# case of EducationalTestingService/factor_analyzer (tests/data/test08.csv); computed from its rows, three decimals.
BIRTHS = np.eye(9)
BIRTHS[np.tril_indices(9, -1)] = [
    .180, -.173, -.165, -.044, -.044, -.339, .072, -.140, .008, .188, -.016, .236, .020, .013, -.015,
    -.075, -.153, .054, .062, .228, -.109, .215, .141, -.098, -.028, -.044, -.072, -.060,
    .090, .186, -.195, -.190, -.155, -.146, -.284, .058]
BIRTHS += np.tril(BIRTHS, -1).T


def best_uniquenesses(spread: np.ndarray, count: int, floor: float = 1e-14) -> tuple[float, np.ndarray]:
    """Return the least discrepancy and where it lies, uniquenesses kept above a floor, by SciPy from four starts."""
    variances = np.diag(spread)

    def discrepancy(logs: np.ndarray) -> tuple[float, np.ndarray]:
        noise = np.exp(logs)
        values, vectors = np.linalg.eigh(spread / np.sqrt(np.outer(noise, noise)))
        left = np.append(values[:-count], np.minimum(values[-count:], 1.0))  # what the factors leave, in noise units
        value = logs.sum() + np.log(values[-count:] / left[-count:]).sum() + left.sum()
        return value, vectors**2 @ (1.0 - left)

    found = []
    for seed in range(4):
        first = np.log(variances * np.random.default_rng(seed).uniform(0.2, 0.8, len(variances)))
        bounds = [(np.log(floor * v), None) for v in variances]
        found.append(minimize(discrepancy, first, jac=True, bounds=bounds, method="L-BFGS-B",
                              options={"maxiter": 5000, "ftol": 1e-16, "gtol": 1e-12}))
    best = min(found, key=lambda one: one.fun)
    return float(best.fun), np.exp(best.x) / variances


def test_the_births() -> None:
    """Two factors explain the third variable, race, in full: SciPy pushes its uniqueness towards the floor."""
    shares = best_uniquenesses(BIRTHS, 2)[1]
    assert shares.argmin() == 2
    assert shares[2] < 1e-6 < np.delete(shares, 2).min()
    model = FactorAnalysis(9, 2)
    for seed in range(4):
        result = emlib.fit(model, model.from_covariance(BIRTHS, 189), rng=seed)
        assert result.status is Status.DEGENERATE
        assert "noise_variance: entry [2]" in result.message
        assert "Heywood case" in result.message


SMALL = [21, 27, 30, 38, 43, 51, 56, 57]  # seeds of small samples whose best uniqueness is zero


def sample(seed: int) -> tuple[np.ndarray, int]:
    rng = np.random.default_rng(seed)
    side, count, n = int(rng.integers(4, 8)), int(rng.integers(1, 3)), int(rng.integers(15, 60))
    return rng.normal(size=(n, count)) @ rng.normal(size=(count, side)) + rng.normal(size=(n, side)), count


@pytest.mark.parametrize("algorithm", [None, LBFGS(), Adaptive()], ids=["default", "LBFGS", "Adaptive"])
@pytest.mark.parametrize("seed", SMALL)
def test_small_samples(seed: int, algorithm: Any) -> None:
    rows, count = sample(seed)
    result = emlib.fit(FactorAnalysis(rows.shape[1], count), rows, rng=seed, algorithm=algorithm)
    shares = result.params.noise_variance / rows.var(axis=0)
    assert not result.success, "a uniqueness of almost zero is no interior maximum"
    if result.status is Status.DEGENERATE:
        named = re.search(r"noise_variance: entry \[(\d)\].* a Heywood case", result.message)
        assert named is not None
        assert shares[int(named[1])] < tol.BOUNDARY


@pytest.mark.parametrize("share", [1e-2, 1e-4])
def test_a_small_uniqueness_that_is_there_is_found(share: float) -> None:
    """The control: the covariance of a model with one small uniqueness is fitted exactly, and the fit converges."""
    loadings = np.array([[0.7], [0.8], [0.6], [np.sqrt(1 - share)]])
    spread = loadings @ loadings.T
    np.fill_diagonal(spread, 1.0)
    model = FactorAnalysis(4, 1)
    result = emlib.fit(model, model.from_covariance(spread, 1000), rng=0)
    assert result.success
    assert result.params.noise_variance[3] == pytest.approx(share, rel=tol.FEW_PERCENT)


def test_a_pattern_does_not_hide_one() -> None:
    """Two factors with two features of their own each; the loading of feature 0 would be above one."""
    pattern = np.array([[1, 0], [1, 0], [1, 1], [0, 1], [0, 1]], dtype=bool)
    spread = np.eye(5)
    for (i, j), value in {(0, 1): 0.9, (0, 2): 0.7, (1, 2): 0.5, (2, 3): 0.3, (2, 4): 0.3, (3, 4): 0.4}.items():
        spread[i, j] = spread[j, i] = value
    model = FactorAnalysis(5, 2, pattern)
    result = emlib.fit(model, model.from_covariance(spread, 100), rng=0)
    assert result.status is Status.DEGENERATE
    assert "noise_variance: entry [0]" in result.message


@pytest.mark.parametrize("seed", [1, 4, 7])
def test_the_rate_at_one(seed: int) -> None:
    """Differences lose their digits there; the rate is that of the whole matrix, where Lanczos's method finds none."""
    draws = np.random.default_rng(seed)
    side, count, n = int(draws.integers(6, 14)), int(draws.integers(2, 5)), int(draws.integers(10, 40))
    pattern = (draws.random((side, count)) < 0.6) | (np.eye(side, count) > 0)
    rows = draws.normal(size=(n, count)) @ (draws.normal(size=(count, side)) * pattern.T)
    rows += draws.normal(size=(n, side)) * draws.uniform(0.1, 1, side)
    model = FactorAnalysis(side, count, pattern)
    found = emlib.fit(model, rows, rng=0, max_estep=400)
    # which of the two fails first there is a matter of rounding
    assert found.status in (Status.DEGENERATE, Status.LINE_SEARCH_FAILED)
    needed = emlib.diagnostics.information(model, rows, found.params).rate
    assert emlib.diagnostics.rate(model, rows, found.params) == pytest.approx(needed, rel=tol.ROUTES)
