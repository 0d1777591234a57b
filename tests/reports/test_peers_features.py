"""What peers' own tests ask for: spherical and tied states, precisions, criteria of new data, budgets, starts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.stats import multivariate_normal

import emlib
from emlib.models import GaussianHMM, GaussianMixture
from tests import tolerances as tol
from tests.reports import by_hand

rng = np.random.default_rng(0)
ROWS = rng.normal(size=(80, 2)) + np.repeat([[0.0, 0], [4, 4], [0, 0], [4, 4]], 20, axis=0)
MOVES = [[0.9, 0.1], [0.2, 0.8]]


@pytest.mark.parametrize(("kind", "noise"), [("spherical", [1.0, 2.0]), ("tied", [[1.0, 0.3], [0.3, 2.0]])])
def test_spherical_and_tied_states(kind: str, noise: Any) -> None:
    model = GaussianHMM(2, 2, kind)
    params = model.params(initial=[0.5, 0.5], transition=MOVES, means=[[0, 0], [4, 4]], covariances=noise)
    full = [v * np.eye(2) for v in noise] if kind == "spherical" else [noise, noise]
    density = np.stack([multivariate_normal(m, c).pdf(ROWS) for m, c in zip(params.means, full, strict=True)], axis=1)
    assert model.loglik(params, ROWS) == pytest.approx(by_hand.forward([0.5, 0.5], MOVES, density), rel=tol.TWO_CODES)
    result = emlib.fit(model, ROWS, rng=0)
    assert result.success
    assert result.params.covariances.shape == np.shape(noise)


def test_a_budget_in_iterations() -> None:
    result = emlib.fit(GaussianMixture(2, 2), ROWS, rng=0, max_iter=3)
    assert result.nit == 3
    assert result.stopped_by == "MAX_ITER"


def test_a_start_that_gives_some_fields() -> None:
    """The others are drawn as ever."""
    result = emlib.fit(GaussianMixture(2, 2), ROWS, start={"means": [[0, 0], [4, 4]]}, rng=0)
    assert result.start.means.tolist() == [[0, 0], [4, 4]]
    assert result.success
    with pytest.raises(TypeError, match="params: expected the fields"):
        emlib.fit(GaussianMixture(2, 2), ROWS, start={"mean": [[0, 0], [4, 4]]}, rng=0)


def test_criteria_of_new_data() -> None:
    model = GaussianMixture(2, 2)
    result = emlib.fit(model, ROWS, rng=0)
    assert model.aic(result, ROWS) == pytest.approx(result.aic, rel=tol.TWO_CODES)
    assert model.bic(result, ROWS) == pytest.approx(result.bic, rel=tol.TWO_CODES)
    fresh = ROWS[:10]
    scores = by_hand.normal_mixture(fresh, result.params.weights, result.params.means, result.params.covariances)
    assert model.bic(result, fresh) == pytest.approx(11 * np.log(10) - 2 * scores.sum(), rel=tol.TWO_CODES)


@pytest.mark.parametrize("kind", ["full", "tied", "diag", "spherical"])
def test_precisions(kind: str) -> None:
    model = GaussianMixture(2, 2, kind)
    params = emlib.fit(model, ROWS, rng=0).params
    found = model.precisions(params)
    needed = np.linalg.inv(params.covariances) if kind in ("full", "tied") else 1 / params.covariances
    np.testing.assert_allclose(found, needed, rtol=tol.TWO_CODES)
