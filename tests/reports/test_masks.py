"""Masked arrays: an entry that is masked is missing, and never a number."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import emlib
from emlib.models import (
    PPCA,
    CategoricalHMM,
    FactorAnalysis,
    GaussianHMM,
    GaussianMixture,
    GaussianWithMissing,
    LinearDynamicalSystem,
    PoissonHMM,
    PoissonMixture,
    StudentT,
)
from tests import tolerances as tol

SENTINEL = -999.0  # what a file has where nothing was measured


def rows(side: int = 1) -> np.ma.MaskedArray:
    """Forty rows, three of them with a sentinel in the first column, which is masked."""
    full = np.random.default_rng(3).normal(size=(40, side))
    full[[4, 17, 30], 0] = SENTINEL
    return np.ma.masked_equal(full, SENTINEL)


@pytest.mark.parametrize("model", [GaussianMixture(1, 1), StudentT(1, dof=4.0), GaussianHMM(2, 1)], ids=repr)
def test_a_model_without_missing_entries_refuses_masked_ones_by_name(model: Any) -> None:
    with pytest.raises(ValueError, match=r"^data: entry \[4(, 0)?\] is masked; .*impute"):
        emlib.fit(model, rows(), rng=0)


@pytest.mark.parametrize("model", [FactorAnalysis(3, 1), PPCA(3, 1)], ids=repr)
def test_so_do_factor_models(model: Any) -> None:
    with pytest.raises(ValueError, match=r"^data: entry \[4, 0\] is masked"):
        emlib.fit(model, rows(3), rng=0)


def test_a_model_with_missing_entries_takes_masked_ones_for_missing() -> None:
    """One column: the maximum is mean and variance of what was seen."""
    seen = rows().compressed()
    two = np.ma.column_stack([rows(), np.random.default_rng(0).normal(size=40)])
    by_mask = emlib.fit(GaussianWithMissing(2), two, rng=0)
    by_nan = emlib.fit(GaussianWithMissing(2), two.filled(np.nan), rng=0)
    assert by_mask.loglik == by_nan.loglik
    np.testing.assert_array_equal(by_mask.params.mean, by_nan.params.mean)
    alone = emlib.fit(GaussianWithMissing(1), seen, rng=0).params
    np.testing.assert_allclose(alone.mean, seen.mean(), rtol=tol.SIX_DIGITS)
    np.testing.assert_allclose(alone.covariance, seen.var(), rtol=tol.SIX_DIGITS)


def test_so_does_the_linear_dynamical_system() -> None:
    known = {"initial_mean": [0.0], "initial_covariance": [[1e3]], "transition": [[1.0]], "observation": [[1.0]]}
    model = LinearDynamicalSystem(1, 1, fixed=known)
    by_mask, by_nan = (emlib.fit(model, data, rng=0) for data in (rows(), rows().filled(np.nan)))
    assert by_mask.loglik == by_nan.loglik
    assert by_mask.status is by_nan.status


@pytest.mark.parametrize(("model", "clean"), [
    (PoissonMixture(1), [3, 1, 4, 1, 5]), (PoissonHMM(2), [3, 1, 40, 10, 5]), (CategoricalHMM(2, 3), [0, 1, 2, 1, 0]),
], ids=repr)
def test_counts_and_symbols_have_no_missing_entries(model: Any, clean: list[int]) -> None:
    masked = np.ma.masked_array(clean, mask=[0, 0, 0, 1, 0])
    with pytest.raises(ValueError, match=r"^data: entry \[3\] is masked"):
        emlib.fit(model, masked, rng=0)
    if not isinstance(model, PoissonMixture):
        with pytest.raises(ValueError, match=r"^data\[1\]: entry \[3\] is masked"):
            emlib.fit(model, [np.array(clean), masked], rng=0)


def test_masked_weights_are_refused_by_name() -> None:
    weights = np.ma.masked_array([1.0, 1, 1, 1, 100], mask=[0, 0, 0, 0, 1])
    with pytest.raises(ValueError, match=r"^sample_weight: entry \[4\] is masked"):
        emlib.fit(GaussianMixture(1, 1), np.arange(5.0), sample_weight=weights, rng=0)


def test_masked_parameters_are_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"^means: entry \[0, 0\] is masked"):
        GaussianMixture(1, 1).params(weights=[1], means=np.ma.masked_array([[2.0]], mask=[[1]]), covariances=[[[1]]])


def test_a_mask_that_masks_nothing_changes_nothing() -> None:
    full = np.random.default_rng(0).normal(size=30)
    plain = emlib.fit(GaussianMixture(1, 1), full, rng=0)
    for mask in (np.ma.nomask, np.zeros(30, dtype=bool)):
        assert emlib.fit(GaussianMixture(1, 1), np.ma.masked_array(full, mask=mask), rng=0).loglik == plain.loglik


def test_a_masked_entry_inside_a_list_of_rows() -> None:
    """A list of masked rows is read row by row by numpy, which would drop the masks."""
    listed = [np.ma.masked_array([1.0, SENTINEL], mask=[0, 1]), np.ma.masked_array([2.0, 3.0]), np.array([1.5, 4.0]),
              np.array([0.5, 3.5])]
    by_nan = [[1.0, np.nan], [2.0, 3.0], [1.5, 4.0], [0.5, 3.5]]
    found, needed = (emlib.Problem(GaussianWithMissing(2), data).data.units for data in (listed, by_nan))
    np.testing.assert_array_equal(found, needed)
