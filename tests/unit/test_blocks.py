"""Each block alone: chart there and back, derivatives, tangent, faults in words."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from emlib.blocks import Interval, Positive, PositiveDefinite, Real, Simplex, StochasticMatrix
from tests import tolerances as tol

BLOCKS: list[Any] = [
    Real("a", (2, 3)), Real("a"), Real("b", (2, 3), (1, 5)), Positive("a", (3,)), Interval("a"),
    Interval("a", (2,), -1.0, 3.0),
    Simplex("a", (4,)), StochasticMatrix("a", (3, 2)), StochasticMatrix("b", (3, 3), (2, 3, 6, 7)),
    PositiveDefinite("a", (3, 3)), PositiveDefinite("a", (2, 2, 2)),
]
IDS = [f"{type(block).__name__}{block.name}{block.shape}" for block in BLOCKS]
STEP = 1e-5


def free_points(block: Any) -> st.SearchStrategy[np.ndarray]:
    return hnp.arrays(float, block.free_size, elements=st.floats(-3, 3))


def differences(function: Any, x: np.ndarray) -> np.ndarray:
    units = STEP * np.eye(len(x))
    return np.stack([(function(x + u) - function(x - u)) / (2 * STEP) for u in units], axis=-1)


@pytest.mark.parametrize("block", BLOCKS, ids=IDS)
@given(data=st.data())
def test_chart_there_and_back(block: Any, data: st.DataObject) -> None:
    x = data.draw(free_points(block))
    value = block.from_free(x)
    assert value.shape == block.shape
    assert block.fault(value) is None
    np.testing.assert_allclose(block.to_free(value), x, atol=100 * tol.ROUND_TRIP * np.exp(6))
    np.testing.assert_array_equal(block.validate(value), value)


@pytest.mark.parametrize("block", BLOCKS, ids=IDS)
@given(data=st.data())
def test_derivatives_of_the_chart(block: Any, data: st.DataObject) -> None:
    x = data.draw(free_points(block))
    value = block.from_free(x)
    slope = np.linspace(-1.0, 2.0, block.size).reshape(block.shape)
    jacobian = block.jacobian(value)
    scale = max(1.0, np.abs(value).max()) * 10
    by_steps = differences(lambda u: block.from_free(u).ravel(), x)
    np.testing.assert_allclose(jacobian, by_steps, atol=tol.DIFFERENCES * scale)
    np.testing.assert_allclose(block.pullback(value, slope), jacobian.T @ slope.ravel(), atol=tol.TWO_CODES * scale)
    bend = differences(lambda u: block.jacobian(block.from_free(u)).T @ slope.ravel(), x)
    np.testing.assert_allclose(block.curvature(value, slope), bend, atol=tol.DIFFERENCES * 10 * scale)


@pytest.mark.parametrize("block", BLOCKS, ids=IDS)
def test_tangent_is_orthonormal_and_feasible(block: Any) -> None:
    basis = block.tangent()
    assert basis.shape == (block.size, block.free_size)
    np.testing.assert_allclose(basis.T @ basis, np.eye(block.free_size), atol=tol.IDENTITY)
    value = block.from_free(np.linspace(-0.3, 0.4, block.free_size))
    for direction in basis.T:
        assert block.fault(value + 1e-4 * direction.reshape(block.shape)) is None


def test_a_step_off_the_tangent_is_a_fault() -> None:
    """The control of the test before."""
    simplex, matrix = Simplex("weights", (3,)), PositiveDefinite("noise", (2, 2))
    assert "adds up to 1.0003" in str(simplex.fault(np.full(3, 1 / 3) + 1e-4))
    assert "not symmetric" in str(matrix.fault(np.eye(2) + np.array([[0, 1e-4], [0, 0]])))


@pytest.mark.parametrize(("block", "value", "text"), [
    (Real("means", (2,)), [0.0, np.nan], r"means: entry \[1\] is nan; parameters must be finite"),
    (Real("loadings", (2, 2), (2,)), np.ones((2, 2)), r"loadings: entry \[1, 0\] is 1; the model knows it to be zero"),
    (Real("means", (2,)), [0.0], r"means: shape \(1,\) found, \(2,\) needed"),
    (Real("means", (2,)), ["a", "b"], r"means: cannot be read as numbers .*; give an array of floats"),
    (Real("means", (2,)), [object(), 1], r"means: cannot be read as numbers"),
    (Positive("rates", (2,)), [1.0, 0.0], r"rates: entry \[1\] is 0; it must be positive"),
    (Positive("rates", (2,)), [-2.0, 1.0], r"rates: entry \[0\] is -2; it must be positive"),
    (Positive("rates", (2,)), [1.0, np.inf], r"rates: entry \[1\] is inf; parameters must be finite"),
    (Positive("rates", (2,)), [1.0, np.nan], r"rates: entry \[1\] is nan"),
    (Interval("theta"), 1.5, r"theta: the entry is 1.5; it must lie in \[0.0, 1.0\]"),
    (Interval("theta"), np.nan, r"theta: the entry is nan; it must lie in"),
    (Simplex("weights", (2,)), [0.6, 0.6], r"weights: the row adds up to 1.2, not to 1; divide by the sum"),
    (Simplex("weights", (2,)), [1.2, -0.2], r"weights: entry \[1\] is -0.2; probabilities cannot be negative"),
    (StochasticMatrix("transition", (2, 2)), [[0.5, 0.5], [0.7, 0.2]], r"transition: row \[1\] adds up to 0.9"),
    (PositiveDefinite("noise", (2, 2)), [[1, 2], [0, 1]], r"noise: the matrix is not symmetric; give"),
    (PositiveDefinite("noise", (2, 2)), [[1, 2], [2, 1]], r"the matrix is not positive definite \(.* -1\); a cov"),
    (PositiveDefinite("noise", (2, 1, 1)), [[[1.0]], [[0.0]]], r"noise: matrix 1 is not positive definite"),
    (PositiveDefinite("noise", (1, 1)), [[np.inf]], r"noise: entry \[0, 0\] is inf"),
])
def test_values_outside_the_block_are_refused(block: Any, value: Any, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        block.validate(value)


@pytest.mark.parametrize(("block", "value", "text"), [
    (Positive("rates", (2,)), [1.0, 0.0], r"rates: entry \[1\] is on the boundary, where the logarithm is infinite"),
    (Interval("theta"), 0.0, r"theta: the value is on the boundary, .* infinite; start in the interior"),
    (Simplex("weights", (2,)), [0.0, 1.0], r"weights: entry \[0\] is zero, where the softmax coordinate is infinite"),
    (PositiveDefinite("noise", (2, 2)), np.ones((2, 2)), r"noise: the matrix is not positive definite.*interior"),
])
def test_packing_the_boundary_is_an_error_that_says_why(block: Any, value: Any, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        block.to_free(np.asarray(value, dtype=float))


def test_validated_values_are_read_only_copies() -> None:
    raw = np.array([0.5, 0.5])
    value = Simplex("weights", (2,)).validate(raw)
    raw[0] = 7.0
    assert value[0] == 0.5
    with pytest.raises(ValueError, match="read-only"):
        value[0] = 1.0
