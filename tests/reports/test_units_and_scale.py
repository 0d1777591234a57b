"""Columns in unlike units, and far from zero: the fit is the same, rescaled, the random start included."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import emlib
from emlib.blocks import PositiveDefinite
from emlib.models import (
    PPCA,
    FactorAnalysis,
    GaussianHMM,
    GaussianMixture,
    GaussianWithMissing,
    LinearDynamicalSystem,
    PoissonMixture,
    RegressionMixture,
    StudentT,
)
from tests import tolerances as tol

rng = np.random.default_rng(0)
ROWS = rng.normal(size=(160, 2)) @ np.array([[1.0, 0.5], [0.0, 1.0]]) + np.repeat([[0.0, 0.0], [5.0, 3.0]], 80, axis=0)
WIDE = rng.normal(size=(160, 1)) @ rng.normal(size=(1, 4)) + rng.normal(size=(160, 4))
SERIES = [np.cumsum(rng.normal(size=(30, 1)), axis=0) @ [[1.0, -0.5]] + rng.normal(size=(30, 2)) for _ in range(5)]
HOLES = np.where(rng.random(ROWS.shape) < [0.1, 0.0], np.nan, ROWS)


@dataclass(frozen=True)
class Case:
    """A model with data, which columns take units of their own, and which may be moved."""

    model: Any
    data: Any
    own_units: bool = True
    moves: bool = True


CASES = [
    Case(GaussianMixture(2, 2), ROWS), Case(GaussianMixture(2, 2, "tied"), ROWS),
    Case(GaussianMixture(2, 2, "diag"), ROWS),
    Case(GaussianMixture(2, 2, "spherical"), ROWS, own_units=False), Case(GaussianMixture(2, 2, penalty=0.1), ROWS),
    Case(GaussianHMM(2, 2), ROWS), Case(GaussianHMM(2, 2, "diag"), ROWS), Case(StudentT(2, dof=4.0), ROWS),
    Case(GaussianWithMissing(2), HOLES), Case(FactorAnalysis(4, 1), WIDE), Case(PPCA(4, 1), WIDE, own_units=False),
    Case(LinearDynamicalSystem(1, 2), SERIES, moves=False), Case(LinearDynamicalSystem(1, 2, offsets=True), SERIES),
]
IDS = [repr(case.model) for case in CASES]


def changed(data: Any, change: Callable[[np.ndarray], np.ndarray]) -> Any:
    return [change(part) for part in data] if isinstance(data, list) else change(data)


def rescaled(case: Case, units: np.ndarray) -> tuple[Any, Any, float]:
    """Return the fit, the fit of the data in other units, and what the units alone do to the log-likelihood."""
    here, there = (emlib.fit(case.model, changed(case.data, lambda x, by=by: x * by), rng=0) for by in (1.0, units))
    rows = np.concatenate(case.data) if isinstance(case.data, list) else case.data
    return here, there, -float((np.isfinite(rows) @ np.log(units)).sum())


@pytest.mark.parametrize("units", [(1.0, 1e9), (1e-8, 1e8), (1e-4, 1e5)], ids=str)
@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_units_change_nothing_but_the_numbers(case: Case, units: tuple[float, float]) -> None:
    side = (np.concatenate(case.data) if isinstance(case.data, list) else case.data).shape[1]
    own = np.resize(units, side) if case.own_units else np.full(side, units[1])
    here, there, shift = rescaled(case, own)
    assert here.success
    assert there.success, there.message
    assert there.loglik == pytest.approx(here.loglik + shift, abs=tol.SAME_OPTIMUM + tol.FALL * abs(shift))


@pytest.mark.parametrize("case", [case for case in CASES if case.moves],
                         ids=[repr(case.model) for case in CASES if case.moves])
def test_a_shift_changes_nothing_but_the_means(case: Case) -> None:
    here, there = (emlib.fit(case.model, changed(case.data, lambda x, by=by: x + by), rng=0) for by in (0.0, 1e4))
    assert there.success
    assert there.loglik == pytest.approx(here.loglik, abs=tol.SAME_OPTIMUM)


@pytest.mark.parametrize("case", [case for case in CASES if case.own_units and not case.model.space.held],
                         ids=[repr(case.model) for case in CASES if case.own_units])
def test_the_start_is_rescaled_with_the_data(case: Case) -> None:
    """The log-likelihood of the start moves by the units alone."""
    side = (np.concatenate(case.data) if isinstance(case.data, list) else case.data).shape[1]
    units = np.resize([1e-4, 1e5], side)
    values = []
    for by in (np.ones(side), units):
        problem = emlib.Problem(case.model, changed(case.data, lambda x, by=by: x * by))
        start = case.model.start(problem.data, np.random.default_rng(3))
        values.append(problem.expectation(start).loglik)
    rows = np.concatenate(case.data) if isinstance(case.data, list) else case.data
    shift = -float((np.isfinite(rows) @ np.log(units)).sum())
    assert values[1] == pytest.approx(values[0] + shift, rel=tol.TWO_CODES)


def test_regressions_in_other_units() -> None:
    design = np.column_stack([np.ones(160), ROWS[:, 0]])
    here = emlib.fit(RegressionMixture(2, 2), (design, ROWS[:, 1]), rng=0)
    there = emlib.fit(RegressionMixture(2, 2), (design * [1, 1e9], ROWS[:, 1] * 1e-5), rng=0)
    assert there.success
    assert there.loglik == pytest.approx(here.loglik - 160 * np.log(1e-5), abs=tol.SAME_OPTIMUM)


def test_a_covariance_in_unlike_units_is_positive_definite() -> None:
    """What counts is its correlation matrix; a singular one is refused in any units."""
    block, units = PositiveDefinite("covariance", (2, 2)), np.outer([1e-8, 1e8], [1e-8, 1e8])
    for correlation, sound in ((0.999, True), (1.0, False)):
        matrix = np.array([[1.0, correlation], [correlation, 1.0]])
        assert (block.fault(matrix) is None) == sound
        assert (block.fault(matrix * units) is None) == sound
    assert "not symmetric" in str(block.fault(np.array([[1e-16, 1e-4], [0.0, 1e16]])))


@pytest.mark.parametrize("seed", range(6))
def test_large_counts(seed: int) -> None:
    """Rates of a million, a tenth apart: the standard deviation is a thousand, so that the clusters are far apart."""
    draws = np.random.default_rng(100 + seed)
    groups = draws.poisson(1e6, 100), draws.poisson(1.1e6, 100)
    result = emlib.fit(PoissonMixture(2), np.concatenate(groups), rng=seed)
    assert result.success, result.message
    assert sorted(result.params.rates) == pytest.approx([groups[0].mean(), groups[1].mean()], rel=tol.SIX_DIGITS)
