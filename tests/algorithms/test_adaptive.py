"""Adaptive stays with EM where that is cheap, and learns the missing information where it is not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import emlib
from emlib import datasets
from emlib.algorithms import EM, Adaptive, adaptive
from emlib.algorithms.adaptive import symmetric_rank_one
from emlib.algorithms.metric import metric_factor
from emlib.models import GaussianMixture
from tests import tolerances as tol
from tests.algorithms.setting import Listening, by_name, near, run
from tests.reference.test_hasselblad import COUNTS, LOGLIK, MODEL

DATA = MODEL.as_data(np.arange(10), COUNTS)
SLOW = by_name("gaussian-full-d2-k3")


def from_seed(algorithm: Any, seed: int) -> emlib.Result:
    problem = emlib.Problem(MODEL, DATA, algorithm.coordinates)
    start = MODEL.start(DATA, np.random.default_rng(seed))
    return emlib.solve(problem, algorithm, MODEL.space.pack(start, algorithm.coordinates))


def test_what_is_learnt_explains_the_change_of_the_gradient() -> None:
    rng = np.random.default_rng(0)
    complete, missing, move, change = np.diag(rng.uniform(1, 2, 4)), np.zeros((4, 4)), *rng.normal(size=(2, 4))
    found = symmetric_rank_one(missing, complete, move, change)
    np.testing.assert_allclose((complete - found) @ move, change, rtol=tol.ROOT)
    assert np.array_equal(found, found.T)
    assert np.linalg.matrix_rank(found) == 1


def test_nothing_is_learnt_where_the_correction_would_be_infinite() -> None:
    """A gap at right angles to the move has no symmetric correction of rank one; the control has a small angle."""
    eye, move = np.eye(2), np.array([1.0, 0.0])
    assert not symmetric_rank_one(0 * eye, eye, move, np.array([1.0, -1.0])).any()
    assert symmetric_rank_one(0 * eye, eye, move, np.array([1.0 - 1e-6, -1.0])).any()


def test_the_missing_information_is_learnt_exactly_from_a_quadratic() -> None:
    """After as many independent moves as there are parameters."""
    rng = np.random.default_rng(1)
    root = rng.normal(size=(4, 4))
    complete, truth = 5 * np.eye(4), 0.1 * root @ root.T
    missing = np.zeros((4, 4))
    for move in rng.normal(size=(4, 4)):
        missing = symmetric_rank_one(missing, complete, move, (complete - truth) @ move)
    np.testing.assert_allclose(missing, truth, atol=tol.TWO_CODES)


def test_hasselblad_in_22_passes() -> None:
    """Median at most 22, 90th percentile at most 30, every start at the optimum; EM takes a hundred times as many."""
    runs = [from_seed(Adaptive(), seed) for seed in range(1000, 1050)]
    costs = [one.n_estep for one in runs]
    assert all(one.success and one.loglik > LOGLIK - tol.SAME_OPTIMUM for one in runs)
    assert np.median(costs) <= 22
    assert np.percentile(costs, 90) <= 30
    assert from_seed(EM(), 1000).n_estep > 50 * np.median(costs)


def test_it_stays_with_em_where_that_is_quick() -> None:
    """Two far components: the same steps as EM, at the same price. Near ones: others take over."""
    rng = np.random.default_rng(2)
    for apart, kinds in ((8.0, {"start", "em"}), (1.5, {"start", "em", "newton"})):
        model, x = GaussianMixture(2, 1), np.concatenate([rng.normal(size=200), apart + rng.normal(size=200)])[:, None]
        start = {"weights": [0.4, 0.6], "means": [[0.5], [apart]], "covariances": [[[1.5]], [[1.0]]]}
        slow = emlib.fit(model, x, start=start, algorithm=EM())
        fast = emlib.fit(model, x, start=start, algorithm=Adaptive())
        assert fast.success
        assert set(fast.trace.kind) == kinds
        assert (fast.n_estep == slow.n_estep) is (apart == 8.0)
        assert fast.n_estep <= slow.n_estep


def test_a_dear_matrix_is_asked_for_once() -> None:
    """At the end, where `solve` looks at the curvature and finds the matrix there already."""
    assert SLOW.model.missing_information_cost() > 1
    model = Listening(SLOW.model)
    problem = emlib.Problem(model, SLOW.data)
    result = emlib.solve(problem, Adaptive(), SLOW.free(near(SLOW)))
    assert result.success
    assert model.louis == 1
    assert result.n_estep == len(model.seen) + SLOW.model.missing_information_cost()


def test_it_needs_no_closed_form() -> None:
    """Without Louis's matrix the curvature at the end comes by differences: dearer, and the same optimum."""
    case = by_name("poisson-2-plain")

    class Plain:
        def __getattr__(self, name: str) -> Any:
            return getattr(case.model, name)

        def supplies(self, name: str) -> bool:
            return name != "missing_information" and case.model.supplies(name)

    result = emlib.solve(emlib.Problem(Plain(), case.data), Adaptive(), case.free(near(case)))
    assert result.success
    assert abs(result.loglik - run(case, EM())[1].loglik) <= tol.SAME_OPTIMUM


@pytest.mark.parametrize("a_unit", [adaptive.FAR_GAIN_A_UNIT, 0.0])
def test_more_data_do_not_keep_it_with_em(a_unit: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """What an EM step promises grows with the data; a rule in nats alone, the twin, makes ever more EM steps."""
    monkeypatch.setattr(adaptive, "FAR_GAIN_A_UNIT", a_unit)
    model, needed = GaussianMixture(2, 1), {}
    for n in (1_000, 30_000):
        costs = []
        for seed in range(5):
            data = model.as_data(datasets.two_normals(n, 2.5, np.random.default_rng(seed)))
            start = model.params(weights=[0.5, 0.5], means=[[-0.5], [0.5]], covariances=[[[2.0]], [[2.0]]])
            costs.append(emlib.fit(model, data, start=start, algorithm=Adaptive()).n_estep)
        needed[n] = float(np.median(costs))
    assert (needed[30_000] <= 1.5 * needed[1_000]) is (a_unit > 0)


def test_what_is_known_of_a_point_is_worked_out_once() -> None:
    """Steps ask for the complete information and its factor again and again; what a caller adds to changes nothing."""
    problem = emlib.Problem(SLOW.model, SLOW.data)
    here = problem.evaluate(SLOW.free(near(SLOW)))
    first, factor = problem.complete_information(here), metric_factor(problem, here)
    first += 1.0
    again = problem.complete_information(here)
    assert not np.array_equal(first, again)
    assert factor is not None
    assert metric_factor(problem, here) is factor
    there = problem.evaluate(here.x + 1e-3)
    assert not np.array_equal(problem.complete_information(there), again)
    assert metric_factor(problem, there) is not factor
