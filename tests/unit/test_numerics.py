"""The small numerical helpers and the fixed-order sum."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from emlib.numerics import log_sum_exp, lower_indices, ratio, symmetrise, tree_sum, x_log_y
from tests import tolerances as tol

FINITE = st.floats(-1e3, 1e3)
SQUARES = st.integers(1, 4).flatmap(lambda n: hnp.arrays(float, (n, n), elements=FINITE))


@given(st.lists(FINITE, min_size=1, max_size=8))
def test_log_sum_exp_is_the_logarithm_of_the_sum(values: list[float]) -> None:
    top = max(values)
    expected = top + math.log(math.fsum(math.exp(v - top) for v in values))
    assert log_sum_exp(np.array(values)) == pytest.approx(expected, rel=tol.IDENTITY, abs=tol.IDENTITY)


def test_log_sum_exp_at_the_ends() -> None:
    values = np.array([[-np.inf, -np.inf], [0.0, -np.inf], [1e4, 1e4], [-1e4, -1e4]])
    np.testing.assert_allclose(log_sum_exp(values), [-np.inf, 0.0, 1e4 + np.log(2), -1e4 + np.log(2)])


def test_products_and_ratios_have_their_limits() -> None:
    x, y = np.array([0.0, 0.0, 2.0, 1.0]), np.array([0.0, 3.0, 1.0, 0.0])
    np.testing.assert_array_equal(x_log_y(x, y), [0.0, 0.0, 0.0, -np.inf])
    np.testing.assert_array_equal(ratio(x, y), [0.0, 0.0, 2.0, np.inf])


@given(SQUARES)
def test_symmetrise(matrix: np.ndarray) -> None:
    found = symmetrise(matrix)
    assert np.array_equal(found, found.T)
    assert np.array_equal(symmetrise(found), found)
    np.testing.assert_allclose(np.trace(found), np.trace(matrix))


def test_lower_indices_go_row_by_row() -> None:
    rows, columns = lower_indices(3)
    assert list(zip(rows.tolist(), columns.tolist(), strict=True)) == [(0, 0), (1, 0), (1, 1), (2, 0), (2, 1), (2, 2)]


@given(st.lists(st.integers(-1000, 1000), min_size=1, max_size=40))
def test_tree_sum_is_the_sum(values: list[int]) -> None:
    assert tree_sum(values) == sum(values)


@given(st.lists(st.text(max_size=2), min_size=1, max_size=20))
def test_tree_sum_keeps_the_order(words: list[str]) -> None:
    """Concatenation does not commute, so any change of order would show."""
    assert tree_sum(words) == "".join(words)


@given(st.lists(FINITE, min_size=1, max_size=60))
def test_tree_sum_is_as_accurate_as_sum(values: list[float]) -> None:
    exact = math.fsum(values)
    assert abs(tree_sum(values) - exact) <= tol.IDENTITY * max(1.0, math.fsum(map(abs, values)))


def test_the_pairing_of_tree_sum_is_fixed() -> None:
    """((a + b) + (c + d)), which differs in its bits from (((a + b) + c) + d)."""
    values = [1.0, 2.0**-53, 2.0**-53, 2.0**-53]
    paired, running = (values[0] + values[1]) + (values[2] + values[3]), 1.0
    for value in values[1:]:
        running += value
    assert tree_sum(values) == paired
    assert paired != running


def by_layers(values: list[float]) -> float:
    """Neighbours, then neighbouring pairs, and so on; what is left over waits at the end."""
    while len(values) > 1:
        pairs = [a + b for a, b in zip(values[::2], values[1::2], strict=False)]
        values = pairs + values[2 * len(pairs):]
    return values[0]


def test_tree_sum_has_the_bits_of_a_sum_by_layers() -> None:
    drawn = np.random.default_rng(0).standard_normal(200).tolist()
    lists = [drawn[:count] for count in range(1, 201)]
    assert [tree_sum(iter(values)) for values in lists] == [by_layers(values) for values in lists]
    assert [sum(values) for values in lists] != [by_layers(values) for values in lists]


def test_nothing_to_add_is_an_error() -> None:
    with pytest.raises(ValueError, match="tree_sum: no terms to add; the data hold no chunk"):
        tree_sum([])
