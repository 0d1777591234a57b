"""As many distinct rows as components; what a collapse, an outlier or a wrong setting is answered with."""

from __future__ import annotations

import numpy as np
import pytest

import emlib
from emlib import Status
from emlib.algorithms import Adaptive
from emlib.models import CategoricalHMM, GaussianHMM, GaussianMixture, LinearDynamicalSystem, StudentT
from tests import tolerances as tol

TWO_VALUES = [0, 0, 0, 1, 1, 1]


@pytest.mark.parametrize("seed", range(5))
def test_as_many_values_as_components_with_a_penalty(seed: int) -> None:
    """By symmetry the maximum has equal weights; the M-step's variance is (scatter + m S) / (n + m) with no scatter."""
    result = emlib.fit(GaussianMixture(2, 1, penalty=0.1), TWO_VALUES, rng=seed)
    assert result.success
    assert sorted(result.params.means.ravel()) == pytest.approx([0.0, 1.0], abs=tol.SIX_DIGITS)
    needed = 0.1 * (0.25 / 4) / (3 + 0.1)
    assert result.params.covariances.ravel() == pytest.approx([needed, needed], rel=tol.SIX_DIGITS)


def test_without_one_the_collapse_is_named_with_all_remedies() -> None:
    result = emlib.fit(GaussianMixture(2, 1), TWO_VALUES, rng=0)
    assert result.status is Status.DEGENERATE
    for remedy in ("another start", "fewer components", "covariance_type='tied'", "penalty="):
        assert remedy in result.message
    rows = np.r_[np.random.default_rng(0).normal(size=60), np.full(40, 0.5)]
    chain = emlib.fit(GaussianHMM(2, 1), rows, algorithm=Adaptive(), rng=0)  # EM ends elsewhere
    assert chain.status is Status.DEGENERATE
    assert "penalty=" in chain.message


def test_fewer_values_than_components() -> None:
    with pytest.raises(ValueError, match="data: only 2 distinct rows found, fewer than the 3 components"):
        emlib.fit(GaussianMixture(3, 1, penalty=0.1), TWO_VALUES, rng=0)


def test_an_outlier_is_called_one() -> None:
    rows = np.r_[np.random.default_rng(0).normal(size=(50, 2)), [[1e9, 1e9]]]
    with pytest.raises(ValueError, match=r"linearly dependent.*look for a row that outweighs all others"):
        emlib.fit(GaussianMixture(2, 2), rows, rng=0)


@pytest.mark.parametrize("dof", [None, 0, -1.0, np.nan, "4"])
def test_degrees_of_freedom_are_a_positive_number(dof: object) -> None:
    with pytest.raises(ValueError, match=r"^dof: ") as caught:
        StudentT(1, dof=dof)  # type: ignore[arg-type]
    assert "impute" not in str(caught.value)


def test_nan_where_the_m_step_cannot_hold_single_entries() -> None:
    """A linear system takes them (see test_linear_systems), a mixture says what can be held."""
    assert LinearDynamicalSystem(1, 2, fixed={"observation": [[1.0], [np.nan]]}).space.size("free") == 8
    with pytest.raises(ValueError, match=r"^fixed: means.*NaN.*hold the whole field"):
        GaussianMixture(2, 1, fixed={"means": [[1.0], [np.nan]]})


def test_a_start_under_which_the_data_are_impossible() -> None:
    """The neighbour, jmschrei/pomegranate#675: training there goes on with not-a-number."""
    start = {"initial": [1, 0], "transition": [[0.9, 0.1], [0, 1]], "emission": [[0.5, 0.5, 0], [0.5, 0.5, 0]]}
    with pytest.raises(ValueError, match=r"impossible.*look for zeros"):
        emlib.fit(CategoricalHMM(2, 3), [np.array([0, 1, 2])], start=start)


def test_a_state_whose_only_symbol_never_occurs() -> None:
    """The instance of that report: the last state emits a symbol that the sequence lacks."""
    start = {"initial": [0.75, 0.25, 0], "transition": [[0.95, 0.04, 0.01], [0, 0.95, 0.05], [0, 0, 1]],
             "emission": [[0.7, 0.3, 0], [0.4, 0.6, 0], [0, 0, 1]]}
    sequence = np.array([1, 0, 1, 0, 1, 0, 0, 1, 0, 0, 0, 0])
    result = emlib.fit(CategoricalHMM(3, 3), [sequence], start=start, max_estep=500)
    assert result.status in (Status.CONVERGED, Status.DEGENERATE, Status.MAX_ESTEP)
    assert np.isfinite(result.loglik)
