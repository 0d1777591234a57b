"""Known zeros of probabilities: no coordinate, no slope, no direction, and zero to the bit for ever."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import emlib
from emlib import diagnostics as dx
from emlib.algorithms import EM, LBFGS
from emlib.blocks import Real, Simplex, StochasticMatrix
from emlib.diagnostics import tangent
from emlib.models import CategoricalHMM
from emlib.space import ParameterSpace
from tests import tolerances as tol

NAN = np.nan
BAKIS = [[NAN, NAN, 0.0], [0.0, NAN, NAN], [0.0, 0.0, NAN]]
ROWS = np.array([[0.7, 0.3, 0.0], [0.0, 0.6, 0.4], [0.0, 0.0, 1.0]])
FORWARD = CategoricalHMM(3, 4, fixed={"transition": BAKIS, "initial": [1.0, 0.0, 0.0]})
SYMBOLS = [[0.7, 0.1, 0.1, 0.1], [0.1, 0.7, 0.1, 0.1], [0.1, 0.1, 0.4, 0.4]]
PATHS = FORWARD.sample(FORWARD.params(transition=ROWS, emission=SYMBOLS), [15] * 12, np.random.default_rng(0))


@dataclass(frozen=True)
class Params:
    rows: Any
    level: Any


def space(fixed: Any) -> ParameterSpace:
    return ParameterSpace(Params, (StochasticMatrix("rows", (3, 3)), Real("level")), fixed=fixed)


def test_known_zeros_have_no_coordinates() -> None:
    left_to_right = space({"rows": BAKIS})
    assert left_to_right.size() == 3
    assert left_to_right.held == {}
    x = left_to_right.pack(left_to_right.build(rows=ROWS, level=1.0))
    moved = left_to_right.unpack(x + np.array([3.0, -2.0, 1.0]))
    assert (moved.rows[ROWS == 0] == 0).all()
    assert left_to_right.fault(moved) is None
    basis = left_to_right.tangent()
    assert basis.shape == (10, 3)
    assert (basis[:9][ROWS.ravel() == 0] == 0).all()


def test_a_start_gets_its_zeros() -> None:
    params = space({"rows": BAKIS}).hold(Params(np.full((3, 3), 1 / 3), 0.0))
    np.testing.assert_allclose(params.rows, [[0.5, 0.5, 0.0], [0.0, 0.5, 0.5], [0.0, 0.0, 1.0]])


def test_a_positive_entry_in_place_of_a_known_zero_is_refused() -> None:
    with pytest.raises(ValueError, match=r"rows: entry \[0, 2\] is 0.1; the model holds it at zero"):
        space({"rows": BAKIS}).build(rows=ROWS * 0.9 + np.eye(3)[[2, 2, 2]] * 0.1, level=0.0)


def test_free_coordinates_of_an_unannounced_zero_name_the_remedy() -> None:
    with pytest.raises(ValueError, match=r"rows: entry \[0, 2\] is zero, .*fixed=\{'rows': an array of NaN with 0"):
        space(None).pack(space(None).build(rows=ROWS, level=0.0))
    other = np.array(BAKIS)
    other[0] = NAN
    with pytest.raises(ValueError, match=r"rows: entry \[0, 2\] is zero"):
        space({"rows": other}).pack(space({"rows": other}).build(rows=ROWS, level=0.0))


@pytest.mark.parametrize("rows", [np.where(np.isnan(BAKIS), NAN, 0.1), [[0, 0, 0], [0, NAN, NAN], [0, 0, NAN]]])
def test_other_numbers_beside_nan_are_refused(rows: Any) -> None:
    with pytest.raises(ValueError, match="fixed: rows mixes NaN, for what is to be estimated, with numbers other than"):
        space({"rows": rows})


def test_nan_in_other_blocks_is_refused() -> None:
    with pytest.raises(ValueError, match="fixed: level has NaN for what is to be estimated"):
        space({"level": NAN})


def test_the_plain_simplex_is_the_case_without_zeros() -> None:
    plain, none = Simplex("a", (4,)), Simplex("a", (4,), ())
    x = np.array([0.3, -1.0, 2.0])
    assert np.array_equal(plain.from_free(x), none.from_free(x))
    assert plain.hold(plain.from_free(x)) is not None
    assert plain == none


@pytest.fixture(scope="module")
def fitted() -> Any:
    return emlib.fit(FORWARD, PATHS, rng=1, algorithm=LBFGS())


def test_a_chain_that_goes_forward_only_is_fitted_by_any_algorithm(fitted: Any) -> None:
    other = emlib.fit(FORWARD, PATHS, rng=1, algorithm=EM())
    assert fitted.success
    assert other.success
    assert abs(fitted.loglik - other.loglik) < tol.SAME_OPTIMUM
    assert (fitted.params.transition[ROWS == 0] == 0).all()
    assert (other.params.transition[ROWS == 0] == 0).all()
    assert fitted.n_parameters == 2 + 3 * 3


def test_zeros_that_a_run_nearly_reached_are_boundaries(fitted: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """In free coordinates a run ends next to a zero; taken as interior, it would leave no standard error finite."""
    found = dx.information(FORWARD, fitted.data, fitted.params)
    nearly = (fitted.params.emission > 0) & (fitted.params.emission < 1e-6)
    assert nearly.any()
    assert found.at_boundary == [f"emission[{i}, {j}]" for i, j in np.argwhere(nearly)]
    assert found.n_unidentified == 0
    assert np.isfinite(found.standard_errors["emission"]).all()
    assert (found.standard_errors["emission"][nearly] == 0).all()
    monkeypatch.setattr(tangent, "RARE_EVENTS", 0.0)
    assert np.isinf(dx.information(FORWARD, fitted.data, fitted.params).standard_errors["emission"]).any()
