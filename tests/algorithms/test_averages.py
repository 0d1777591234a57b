"""Stochastic algorithms: means of points, and units in the order given."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import emlib
from emlib import Problem, datasets
from emlib.algorithms import SGD, Adam, OnlineEM
from emlib.algorithms.batches import batches
from emlib.data import Data
from emlib.models import GaussianMixture
from tests.tolerances import HALF_WAY, REORDERED

MODEL = GaussianMixture(2, 1)
DATA = MODEL.as_data(datasets.two_normals(2000, 3.0, np.random.default_rng(0)))
START = MODEL.params(weights=[0.5, 0.5], means=[[-0.5], [3.5]], covariances=[[[1.5]], [[1.5]]])


def run(algorithm: Any, passes: int = 6, **options: Any) -> emlib.Result:
    return emlib.fit(MODEL, DATA, algorithm=algorithm, start=START, max_iter=passes, **options)


def test_the_order_given_is_kept() -> None:
    parts = [part for part, _ in batches(Data(np.arange(10.0)), 4, 0, 3, "given")]
    assert [list(part.units) for part in parts] == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
    assert [factor for _, factor in batches(Data(np.arange(10.0)), 4, 0, 3, "given")] == [2.5, 2.5, 5.0]
    assert all(np.shares_memory(part.units, whole.units) for whole in [Data(np.arange(10.0))]
               for part, _ in batches(whole, 4, 0, 0, "given"))  # read where they lie
    shuffled = [part.units for part, _ in batches(Data(np.arange(10.0)), 4, 0, 3)]
    assert sorted(np.concatenate(shuffled)) == list(range(10))
    assert list(np.concatenate(shuffled)) != list(range(10))


@pytest.mark.parametrize("algorithm", [SGD, Adam, OnlineEM])
def test_every_algorithm_with_batches_takes_it(algorithm: Any) -> None:
    given = [run(algorithm(batch_size=50, order="given", seed=seed)).loglik for seed in (0, 1)]
    drawn = [run(algorithm(batch_size=50, seed=seed)).loglik for seed in (0, 1)]
    assert given[0] == given[1]
    assert drawn[0] != drawn[1]
    with pytest.raises(ValueError, match="order: 'sorted' is unknown; choose one of"):
        algorithm(batch_size=50, order="sorted")


@pytest.mark.parametrize("algorithm", [SGD(2.0, 20), Adam(0.1, batch_size=20)])
def test_a_mean_of_points_is_nearer_than_the_last_one(algorithm: Any) -> None:
    """With steps so long that the last point dances about."""
    best = emlib.fit(MODEL, DATA, start=START).loglik
    kept = {**vars(algorithm), "average_after": 1.0}
    gaps = [best - run(each).loglik for each in (algorithm, type(algorithm)(**kept))]
    assert gaps[1] < HALF_WAY * gaps[0], gaps


def test_the_mean_is_that_of_the_points_and_takes_no_part_in_the_moves() -> None:
    problem = Problem(MODEL, DATA)
    x0 = problem.evaluate(MODEL.space.pack(START))
    plain, averaged = SGD(1.0, 500), SGD(1.0, 500, average_after=0.5)
    here, there = plain.init(problem, x0), averaged.init(problem, x0)
    for _ in range(2):
        here, there = plain.step(problem, here)[0], averaged.step(problem, there)[0]
        assert np.array_equal(here.evaluation.x, there.memory["last"])
    assert there.memory["averaged"] == 6  # two of the four batches of the first pass, all of the second
    assert not np.array_equal(there.evaluation.x, there.memory["last"])
    assert np.array_equal(there.evaluation.x, there.memory["mean_point"])


def test_adam_without_batches_averages_its_iterations() -> None:
    problem = Problem(MODEL, DATA)
    algorithm = Adam(average_after=2)
    state, points = algorithm.init(problem, problem.evaluate(MODEL.space.pack(START))), []
    for _ in range(4):
        state = algorithm.step(problem, state)[0]
        points.append(state.memory["last"])
    np.testing.assert_allclose(state.evaluation.x, np.mean(points[2:], axis=0), rtol=REORDERED)


@pytest.mark.parametrize("algorithm", [SGD, Adam, OnlineEM])
def test_a_wrong_number_of_passes_is_refused(algorithm: Any) -> None:
    with pytest.raises(ValueError, match="average_after: -1 found; a number of passes from 0 is needed"):
        algorithm(average_after=-1)
