"""Sequences as nested lists: a list of rows of numbers is one array."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import emlib
from emlib.models import CategoricalHMM, GaussianHMM, LinearDynamicalSystem, PoissonHMM

MOVES = [[0.9, 0.1], [0.1, 0.9]]
CHAIN = GaussianHMM(2, 1)
CHAIN_PARAMS = CHAIN.params(initial=[0.5, 0.5], transition=MOVES, means=[[0], [3]], covariances=[[[1.0]], [[1.0]]])
STEPS = np.array([[0.1], [2.9], [3.1], [-0.2], [0.3]])


def test_a_column_of_numbers_written_as_lists_is_one_sequence() -> None:
    by_array, by_lists = (CHAIN.posterior(CHAIN_PARAMS, data) for data in (STEPS, STEPS.tolist()))
    np.testing.assert_array_equal(by_array, by_lists)
    for tuples in ([tuple(row) for row in STEPS.tolist()], [[np.float64(x)] for x in STEPS[:, 0]]):
        np.testing.assert_array_equal(CHAIN.posterior(CHAIN_PARAMS, tuples), by_array)
    assert CHAIN.viterbi(CHAIN_PARAMS, STEPS.tolist())[0].tolist() == [0, 1, 1, 0, 0]


def test_a_fit_takes_it_so_too() -> None:
    column = np.random.default_rng(0).normal(size=(60, 1)) + 4 * (np.arange(60) // 10 % 2)[:, None]
    by_array, by_lists = (emlib.fit(CHAIN, data, rng=0) for data in (column, column.tolist()))
    assert by_array.loglik == by_lists.loglik
    walk = np.random.default_rng(0).normal(size=(40, 1)).cumsum(axis=0)
    data = [emlib.Problem(LinearDynamicalSystem(1, 1), raw).data.units for raw in (walk, walk.tolist())]
    assert len(data[1]) == 1
    np.testing.assert_array_equal(*[units[0] for units in data])


def test_a_column_with_missing_entries() -> None:
    raw = [[1.0], [np.nan], [2.5], [2.0]]
    assert len(emlib.Problem(LinearDynamicalSystem(1, 1), raw).data.units) == 1


@pytest.mark.parametrize(("model", "column"), [(CategoricalHMM(2, 3), [[0], [1], [2], [1]]),
                                               (PoissonHMM(2), [[0], [1], [2], [9]])], ids=repr)
def test_symbols_and_counts_have_no_columns(model: Any, column: Any) -> None:
    """As lists they are refused in the same words as an array of that shape."""
    messages = []
    for data in (column, np.array(column)):
        with pytest.raises(ValueError, match=r"^data: shape \(4, 1\) found") as caught:
            emlib.fit(model, data, rng=0)
        messages.append(str(caught.value))
    assert messages[0] == messages[1]


def test_several_sequences_stay_several() -> None:
    several = [[0.1, 0.2, 3.0], [2.9, 3.1]]
    found = CHAIN.predict(CHAIN_PARAMS, several)
    assert [states.tolist() for states in found] == [[0, 0, 1], [1, 1]]
    single_steps = [np.array([0.1]), np.array([3.0])]  # arrays say plainly that they are sequences
    assert [states.tolist() for states in CHAIN.predict(CHAIN_PARAMS, single_steps)] == [[0], [1]]
