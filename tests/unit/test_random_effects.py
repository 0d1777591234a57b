"""Random effects with known variances: rates in closed form, nesting, missing responses, errors."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

import emlib
from emlib import diagnostics
from emlib.algorithms import EM
from emlib.models import RandomEffects

SIZES, VARIANCES = (4, 5), (0.5, 0.5)


def model(augmented: int | None = None) -> RandomEffects:
    return RandomEffects(SIZES, VARIANCES, 1.0, augmented=augmented)


def rows(n: int = 10, gone: float = 0.0) -> Any:
    rng = np.random.default_rng(3)
    found = model().sample(model().params(coefficients=[2.0]), n, rng)
    return np.where(rng.random(found.shape) < gone, np.nan, found)


@pytest.mark.parametrize(("augmented", "information"), [(2, 10 * 20 / 1.0), (1, 10 * 4 / (0.5 + 1 / 5))])
def test_the_rate_is_that_of_the_closed_form_and_of_the_path(augmented: int, information: float) -> None:
    observed = 10 / (0.5 + (0.5 + 1 / 5) / 4)
    data = rows()
    result = emlib.fit(model(augmented), data, start={"coefficients": [0.0]}, algorithm=EM(), tol=1e-14)
    assert result.params.coefficients == pytest.approx([data.mean()], abs=1e-6)
    rate = diagnostics.information(model(augmented), data, result.params).rate
    assert rate == pytest.approx(1 - observed / information, abs=1e-12)
    problem = emlib.Problem(model(augmented), data, "standard")
    path = [np.zeros(1)]
    for _ in range(4):
        path.append(problem.em_map(path[-1]))
    moves = np.diff(np.ravel(path))
    assert moves[1:] / moves[:-1] == pytest.approx(rate, abs=1e-10)


def test_what_the_complete_data_hold_changes_the_rate_and_not_the_likelihood() -> None:
    data = rows(gone=0.3)
    at = {kept: model(kept).e_step(model().params(coefficients=[1.0]), model().as_data(data)) for kept in (1, 2)}
    assert at[1].loglik == pytest.approx(at[2].loglik, abs=1e-9)
    rates = [diagnostics.information(model(kept), data, model().params(coefficients=[1.0])).rate for kept in (1, 2)]
    assert rates[0] < rates[1] - 0.05


def test_pupils_of_one_class_are_more_alike_than_pupils_of_one_school() -> None:
    drawn = model().sample(model().params(coefficients=[0.0]), 40000, np.random.default_rng(0))
    found = np.cov(drawn.T)
    assert found[0, 0] == pytest.approx(2.0, abs=0.06)
    assert found[0, 1] == pytest.approx(1.0, abs=0.06)  # of one class
    assert found[0, 5] == pytest.approx(0.5, abs=0.06)  # of one school


def test_effects_are_shrunk_towards_zero_and_unseen_ones_are_left_at_zero() -> None:
    one = RandomEffects((3,), (2.0,), 1.0)
    means, covariances = one.posterior(one.params(coefficients=[1.0]), [[4.0, 4.0, np.nan], [np.nan] * 3])
    assert means.ravel() == pytest.approx([3.0 * 2 * 2 / (2 * 2 + 1), 0.0])
    assert covariances.ravel() == pytest.approx([2.0 / (2 * 2 + 1), 2.0])


def test_units_of_other_sizes_weigh_as_the_interwoven_formulas_say() -> None:
    """With n_i seen responses the rate is the mean over responses of B_i = n_i t / (n_i t + s)."""
    sizes, one = np.array([1, 3, 6]), RandomEffects((6,), (0.7,), 1.5)
    data = np.where(np.arange(6) < sizes[:, None], np.random.default_rng(1).standard_normal((3, 6)), np.nan)
    shares = sizes * 0.7 / (sizes * 0.7 + 1.5)
    rate = diagnostics.information(one, data, one.params(coefficients=[0.0])).rate
    assert rate == pytest.approx((sizes * shares).sum() / sizes.sum(), abs=1e-12)


@pytest.mark.parametrize(("arguments", "said"), [
    (((), ()), "sizes: () found; give a tuple with an entry for each level"),
    ((3, (1.0,)), "sizes: 3 found; give a tuple"),
    (((3, 2), (1.0,)), "variances: 1 found for 2 sizes; give one for each level"),
    (((3, 0), (1.0, 1.0)), "sizes[1]: 0"),
    (((3,), (-1.0,)), "variances[0]: -1"),
    (((3,), (1.0,), 0.0), "noise: 0"),
    (((3,), (1.0,), 1.0, np.ones((2, 1))), "design: 2 rows found, but a unit has 3 responses; give a row for each"),
    (((3,), (1.0,), 1.0, None, 2), "augmented: 2 found, of 1 levels; give 1 to 1"),
])
def test_settings_are_refused_by_name(arguments: tuple[Any, ...], said: str) -> None:
    with pytest.raises((ValueError, TypeError), match=re.escape(said)):
        RandomEffects(*arguments)


def test_data_that_leave_a_coefficient_open_are_refused() -> None:
    sloped = RandomEffects((3,), (1.0,), 1.0, np.column_stack([np.ones(3), np.arange(3)]))
    with pytest.raises(ValueError, match=r"determine 1 of 2 coefficients; give units with other responses"):
        emlib.fit(sloped, [[1.0, np.nan, np.nan], [2.0, np.nan, np.nan]], rng=0)
    with pytest.raises(ValueError, match=r"data: 4 columns found|expected 3|3 columns"):
        emlib.fit(sloped, np.ones((2, 4)), rng=0)
