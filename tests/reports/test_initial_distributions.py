"""The first state of a single chain is estimated; the initial state of a single series is held."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import emlib
from emlib.algorithms import EM
from emlib.models import CategoricalHMM, GaussianHMM, LinearDynamicalSystem, PoissonHMM
from tests import tolerances as tol
from tests.reports import by_hand

COUNTS = np.random.default_rng(0).poisson(np.repeat([1, 8, 1, 8], 15))
MOVES = [[0.9, 0.1], [0.2, 0.8]]


@pytest.mark.parametrize("algorithm", [None, EM()], ids=["default", "EM"])
def test_a_single_chain_of_counts(algorithm: Any) -> None:
    """Baum-Welch by hand ends at a vertex; a uniform first state would stay log 2 below."""
    start = {"initial": [0.5, 0.5], "transition": MOVES, "rates": [2.0, 6.0]}
    needed, initial, _, _ = by_hand.baum_welch("counts", [COUNTS], *start.values(), 60)
    result = emlib.fit(PoissonHMM(2), COUNTS, start=start, algorithm=algorithm)
    assert result.success
    assert result.loglik == pytest.approx(needed, abs=tol.SAME_OPTIMUM)
    assert initial.max() > 1 - tol.SIX_DIGITS
    np.testing.assert_allclose(result.params.initial, initial, atol=tol.SIX_DIGITS)
    assert "held" not in result.message


def test_the_vertex_is_named_and_has_no_standard_error() -> None:
    result = emlib.fit(PoissonHMM(2), COUNTS, rng=0)
    found = emlib.diagnostics.information(result.model, result.data, result.params)
    assert f"initial[{int(result.params.initial.argmin())}]" in found.at_boundary
    assert (found.standard_errors["initial"] == 0).all()
    assert np.isfinite(found.standard_errors["rates"]).all()
    assert "on the boundary, held there: initial" in str(result.summary())


def test_single_chains_of_symbols_and_normals() -> None:
    symbols = (COUNTS > 3).astype(int)
    for kind, sides, data in ((CategoricalHMM, (2, 2), symbols), (GaussianHMM, (2, 1), COUNTS)):
        free = emlib.fit(kind(*sides), data, rng=0)
        uniform = emlib.fit(kind(*sides, fixed={"initial": [0.5, 0.5]}), data, rng=0)
        assert free.success
        assert 0 < free.loglik - uniform.loglik < np.log(2) + tol.CONTROL
        assert free.params.initial.max() > 1 - tol.SIX_DIGITS


def test_the_initial_probabilities_may_still_be_held() -> None:
    """The neighbour: holding is for the asking, and costs what it costs."""
    held = emlib.fit(PoissonHMM(2, fixed={"initial": [0.5, 0.5]}), COUNTS, rng=0)
    assert held.params.initial.tolist() == [0.5, 0.5]
    assert 0 < emlib.fit(PoissonHMM(2), COUNTS, rng=0).loglik - held.loglik < np.log(2) + tol.CONTROL


LEVEL = np.random.default_rng(0).normal(size=60).cumsum() + np.random.default_rng(1).normal(size=60)


@pytest.mark.parametrize("fixed", [None, {"observation": [[1.0]]}, {"transition": [[1.0]]}], ids=str)
def test_a_single_series_holds_its_initial_covariance(fixed: Any) -> None:
    """Whatever else is fixed: left free it would shrink for ever, and the fit end as DEGENERATE."""
    result = emlib.fit(LinearDynamicalSystem(1, 1, fixed=fixed), LEVEL, rng=0)
    assert result.success
    np.testing.assert_array_equal(result.params.initial_covariance, result.start.initial_covariance)
    assert "held at the start's value: initial_mean, initial_covariance" in result.message
    known = fixed or {"transition_covariance": None}  # the states' own unit, where nothing else gives them one
    assert set(result.model.fixed) == {"initial_mean", "initial_covariance", *known}


def test_an_empty_mapping_still_frees_it() -> None:
    result = emlib.fit(LinearDynamicalSystem(1, 1, fixed={}), LEVEL, rng=0)
    assert "held" not in result.message
    assert not result.success
