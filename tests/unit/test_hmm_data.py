"""Reading sequences: one array or a list of arrays, in and out, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import emlib
from emlib.models import CategoricalHMM, GaussianHMM, PoissonHMM

MODEL = CategoricalHMM(2, 3)
PARAMS = MODEL.params(initial=[0.3, 0.7], transition=[[0.9, 0.1], [0.2, 0.8]],
                      emission=[[0.7, 0.2, 0.1], [0.1, 0.3, 0.6]])
SEQUENCES = MODEL.sample(PARAMS, [4, 1, 6, 4], np.random.default_rng(0))


def test_the_best_path_is_not_the_sequence_of_best_states() -> None:
    model = CategoricalHMM(3, 1)
    transition = [[0, 0.5, 0.5], [0, 1, 0], [0, 1, 0]]
    params = model.params(initial=[0.4, 0.3, 0.3], transition=transition, emission=np.ones((3, 1)))
    unit = np.zeros(2, dtype=int)
    assert model.predict(params, unit).tolist() == [0, 1]
    assert model.viterbi(params, unit)[0].tolist() == [1, 1]


def test_one_sequence_in_one_out() -> None:
    unit = SEQUENCES[0]
    assert MODEL.posterior(PARAMS, unit).shape == (4, 2)
    assert [s.shape for s in MODEL.posterior(PARAMS, SEQUENCES)] == [(4, 2), (1, 2), (6, 2), (4, 2)]
    assert MODEL.predict(PARAMS, unit).tolist() == MODEL.predict(PARAMS, [unit])[0].tolist()
    assert MODEL.viterbi(PARAMS, unit)[1] == MODEL.viterbi(PARAMS, [unit])[1][0]
    assert MODEL.as_data(unit.tolist()).n_units == 1
    assert MODEL.as_data([unit.tolist(), [0]]).n_units == 2
    states = MODEL.posterior(PARAMS, MODEL.as_data(SEQUENCES))
    assert all(np.array_equal(a, b) for a, b in zip(states, MODEL.posterior(PARAMS, SEQUENCES), strict=True))


@pytest.mark.parametrize(("raw", "weight", "text"), [
    ([[0, 1], []], None, r"data\[1\]: empty; a sequence has at least one observation, leave it out"),
    ([], None, r"data: an empty list; at least one sequence is needed"),
    (np.array([]), None, r"data: empty; a sequence has"),
    ([[0, 1], [0, 3]], None, r"data\[1\]: entry \[1\] is 3; symbols are whole numbers from 0 to n_symbols - 1 = 2"),
    ([0, -1, 1], None, r"data: entry \[1\] is -1; symbols"),
    ([0.5, 1], None, r"data: entry \[0\] is 0.5; symbols"),
    ([[0, 1], [0, np.nan]], None, r"data\[1\]: entry \[1\] is nan; remove or impute it"),
    (np.zeros((3, 2)), None, r"data: shape \(3, 2\) found, a sequence of symbols is \(T,\); several"),
    ([np.zeros((3, 2))], None, r"data\[0\]: shape \(3, 2\) found"),
    (["a", "b"], None, r"data: cannot be read as numbers"),
    ([[0, 1], "ab"], None, r"data\[1\]: cannot be read as numbers"),
    ([[0, [1, 2]], [0]], None, r"data\[0\]: cannot be read as numbers"),
    (5, None, r"data: shape \(\) found"),
    ([1], None, r"data: 1 observation found, fewer than the 2 states"),
    ([[1], [2], [0]], None, r"data: shape \(3, 1\) found, a sequence of symbols is \(T,\); several"),
    ([np.array([1]), np.array([2])], None, r"data: every sequence has length one, so that there are no transitions to"),
    ([[0, 1], [1, 2]], [1.0], r"sample_weight: shape \(1,\) found, \(2,\) needed, one weight per unit"),
    ([[0, 1], [1]], [0.0, 2.0], r"data: 1 observation found"),
])
def test_bad_data_are_refused(raw: Any, weight: Any, text: str) -> None:
    for call in (lambda: MODEL.as_data(raw, weight), lambda: emlib.fit(MODEL, raw, sample_weight=weight, rng=0)):
        with pytest.raises(ValueError, match=text):
            call()


@pytest.mark.parametrize(("settings", "text"), [((0, 2), "n_states: 0 found"), ((2, 2.0), "n_symbols: 2.0 found")])
def test_bad_settings_are_refused(settings: tuple[Any, Any], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        CategoricalHMM(*settings)


@pytest.mark.parametrize(("raw", "text"), [
    ([[1, 2], [3, -1]], r"data\[1\]: entry \[1\] is -1; counts cannot be negative"),
    ([1.5, 2], r"data: entry \[0\] is 1.5; counts are whole numbers"),
    (np.zeros((3, 2)), r"data: shape \(3, 2\) found, a flat array of counts"),
    ([[0, 0], [0]], r"data: every count is zero; the rates have no interior estimate"),
    ([[1, 2], []], r"data\[1\]: empty"),
])
def test_bad_counts_are_refused(raw: Any, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        emlib.fit(PoissonHMM(2), raw, rng=0)


GRID = np.random.default_rng(1).standard_normal((8, 2))


@pytest.mark.parametrize(("raw", "text"), [
    ([GRID, np.empty((0, 2))], r"data\[1\]: empty; a sequence has at least one observation"),
    ([GRID, GRID[:, :1]], r"data\[1\]: 1 column found, the model has n_features=2"),
    ([GRID, np.full((2, 2), np.nan)], r"data\[1\]: entry \[0, 0\] is nan"),
    (GRID[:, 0], r"data: shape \(8,\) found, \(n, 2\) needed"),
    (GRID[None], r"data: shape \(1, 8, 2\) found"),
    ([GRID * [1, 0]], r"data: column 1 is constant; its variance has no estimate"),
    ([GRID[:, :1] * [1, 2], GRID[:, :1] * [1, 2]], r"data: the columns are linearly dependent"),
])
def test_bad_rows_are_refused(raw: Any, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        emlib.fit(GaussianHMM(2, 2), raw, rng=0)


def test_rows_of_all_kinds_are_read() -> None:
    plane, line = GaussianHMM(2, 2), GaussianHMM(2, 1, "diag")
    assert len(plane.as_data(GRID.tolist()).units[0]) == 8  # a list of rows is one sequence
    assert len(plane.as_data([GRID, GRID[:3].tolist()])) == 2
    assert line.as_data(GRID[:, 0]).units[0].shape == (8, 1)
    assert len(line.as_data(GRID[:, 0].tolist())) == 1
    assert len(line.as_data(GRID[:, :1].tolist())) == 1
    assert len(line.as_data([GRID[:, 0], GRID[:, :1]])) == 2
    with pytest.raises(ValueError, match=r"covariance_type: 'round' is unknown; choose one of \('full', 'tied',"):
        GaussianHMM(2, 2, "round")
