"""Budgets of E-steps, and threads of the BLAS."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import emlib
from emlib.models import GaussianHMM, GaussianMixture
from tests import tolerances as tol

rng = np.random.default_rng(0)
ROWS = rng.normal(size=(120, 2)) + np.repeat([[0.0, 0], [4, 4]], 60, axis=0)


@pytest.mark.parametrize("budget", [1, 2, 5])
def test_a_warm_start_moves_within_its_budget(budget: int) -> None:
    """As scikit-learn's warm_start with max_iter: repeated short runs reach what one long run does."""
    model = GaussianHMM(2, 2)
    far = emlib.fit(model, ROWS, rng=0, max_estep=6)
    start, goal = far.params, emlib.fit(model, ROWS, start=far.params)
    spent = 0
    for _ in range(300):
        run = emlib.fit(model, ROWS, start=start, max_estep=budget + 1)
        spent += run.n_estep
        start = run.params
        assert run.n_estep <= 2 * (budget + 1), "the look at the curvature is part of the budget"
        if run.success or abs(run.loglik - goal.loglik) < tol.SAME_OPTIMUM:
            break
    assert run.loglik == pytest.approx(goal.loglik, abs=tol.SAME_OPTIMUM)


@pytest.mark.extras
def test_a_small_problem_holds_the_blas_to_one_thread() -> None:
    import threadpoolctl as control

    seen: list[int] = []

    def look(intermediate_result: Any) -> None:
        seen.extend(one["num_threads"] for one in control.threadpool_info() if one["user_api"] == "blas")

    with control.threadpool_limits(2, "blas"):
        emlib.fit(GaussianMixture(2, 2), ROWS, rng=0, callback=look)
    assert set(seen) == {1}
