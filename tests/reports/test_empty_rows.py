"""Rows and steps with no entry seen: they say nothing, change no estimate, and are kept."""

from __future__ import annotations

import numpy as np
import pytest

import emlib
from emlib.models import GaussianWithMissing, LinearDynamicalSystem
from tests import tolerances as tol

rng = np.random.default_rng(0)
ROWS = rng.normal(size=(30, 2)) @ np.array([[1.0, 0.6], [0.0, 1.0]]) + [1.0, -2.0]
ROWS[4, 0] = np.nan
HOLED = np.insert(ROWS, [3, 10], np.nan, axis=0)
MODEL = GaussianWithMissing(2)


def test_an_empty_row_changes_no_estimate() -> None:
    with_it, without = emlib.fit(MODEL, HOLED, rng=0), emlib.fit(MODEL, ROWS, rng=0)
    assert with_it.success
    assert with_it.loglik == pytest.approx(without.loglik, abs=tol.SAME_OPTIMUM)
    np.testing.assert_allclose(with_it.params.mean, without.params.mean, atol=tol.CONTROL)
    np.testing.assert_allclose(with_it.params.covariance, without.params.covariance, atol=tol.CONTROL)


def test_it_prints_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    emlib.fit(MODEL, HOLED, rng=0)
    assert capfd.readouterr() == ("", "")


def test_it_is_imputed_by_the_mean() -> None:
    params = MODEL.params(mean=[1, 2], covariance=[[2, 1], [1, 3]])
    found = MODEL.impute(params, HOLED)
    assert found.shape == HOLED.shape
    assert found[3].tolist() == [1, 2]
    means, covariances = MODEL.posterior(params, [[np.nan, np.nan]])
    assert means.tolist() == [[1, 2]]
    np.testing.assert_array_equal(covariances[0], params.covariance)


def test_it_has_no_say_in_the_likelihood_nor_the_information() -> None:
    params = MODEL.params(mean=[1, 2], covariance=[[2, 1], [1, 3]])
    assert MODEL.loglik(params, HOLED) == pytest.approx(MODEL.loglik(params, ROWS), rel=tol.REORDERED)
    fitted = emlib.fit(MODEL, ROWS, rng=0, tol=1e-12).params
    found = [emlib.diagnostics.information(MODEL, rows, fitted).observed for rows in (HOLED, ROWS)]
    np.testing.assert_allclose(*found, rtol=tol.CONTROL)


def test_a_column_of_nothing_is_still_refused() -> None:
    with pytest.raises(ValueError, match="data: column 1 has no seen entry; drop it"):
        emlib.fit(MODEL, [[1.0, np.nan], [np.nan, np.nan], [2.0, np.nan]], rng=0)


def test_an_empty_step_of_a_series_is_kept() -> None:
    known = {"initial_mean": [0.0], "initial_covariance": [[10.0]], "transition": [[1.0]], "observation": [[1.0]]}
    series = rng.normal(size=40).cumsum()
    series[[7, 8]] = np.nan
    result = emlib.fit(LinearDynamicalSystem(1, 1, fixed=known), series, rng=0)
    assert result.model.impute(result.params, series).shape == (40, 1)
    assert np.isfinite(result.model.impute(result.params, series)).all()
