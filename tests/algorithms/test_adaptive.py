"""Adaptive stays with EM where that is cheap, and learns the missing information where it is not."""

from __future__ import annotations

from typing import Any

import numpy as np

import emlib
from emlib.algorithms import EM, Adaptive
from emlib.algorithms.adaptive import symmetric_rank_one
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
