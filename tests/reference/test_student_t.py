"""Rates of EM and PX-EM for the t distribution, and their steps on 25-dimensional Cauchy data.

Rates: derived by Kent, Tyler & Vardi (1994) and Liu, Rubin & Wu (1998) for large samples. Steps: outputs stored with
the code of Agarwal & Xu (2020), ten data sets of n = 1000, tolerance 1e-7: EM 495 to 504, PX-EM 13 or 14.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import emlib
from emlib import diagnostics as dx
from emlib.models import StudentT
from tests import tolerances as tol

Step = Callable[[np.ndarray], np.ndarray]


def steps(model: StudentT, rows: np.ndarray) -> tuple[Step, Step]:
    """EM's step and PX-EM's, in standard coordinates."""
    problem = emlib.Problem(model, rows, "standard")

    def expanded(x: np.ndarray) -> np.ndarray:
        return model.space.pack(model.expanded_m_step(problem.evaluate(x).stats), "standard")

    return problem.em_map, expanded


def rate(step: Step, optimum: np.ndarray, model: StudentT) -> float:
    """The ratio of two successive steps after the fast directions have died."""
    side = model.n_features
    points = [optimum + 0.01 * np.concatenate([np.ones(side), np.eye(side).ravel()])]
    for _ in range(8):
        points.append(step(points[-1]))
    moves = np.linalg.norm(np.diff(points, axis=0), axis=1)
    return float(moves[-1] / moves[-2])


@pytest.mark.parametrize(("side", "dof"), [(1, 1), (1, 4), (5, 1)])
def test_rates_of_large_samples(side: int, dof: int) -> None:
    """(d + 2) / (dof + d + 2) for EM, 2 / (dof + d + 2) for PX-EM; a sample differs by order n^-1/2."""
    model = StudentT(side, dof)
    truth = model.params(location=np.zeros(side), scale=np.eye(side))
    rows = model.sample(truth, 20_000, np.random.default_rng(1))
    best = emlib.fit(model, rows, rng=0, tol=1e-12).params
    assert dx.information(model, rows, best).rate == pytest.approx((side + 2) / (dof + side + 2), abs=tol.SAMPLED_RATE)
    slow, fast = [rate(step, model.space.pack(best, "standard"), model) for step in steps(model, rows)]
    assert slow == pytest.approx((side + 2) / (dof + side + 2), abs=tol.SAMPLED_RATE)
    assert fast == pytest.approx(2 / (dof + side + 2), abs=tol.SAMPLED_RATE)
    assert abs(slow - fast) > 10 * tol.SAMPLED_RATE  # the control: the two are told apart


def count(step: Step, x: np.ndarray, entries: Any) -> int:
    """Steps until location and upper triangle move by less than 1e-7."""
    for index in range(1, 1000):
        there = step(x)
        if np.linalg.norm((there - x)[entries]) < 1e-7:
            return index
        x = there
    raise AssertionError("no convergence")


@pytest.mark.parametrize("seed", [0, 2])
def test_steps_on_cauchy_data(seed: int) -> None:
    """Published ranges are over other draws, so ours may lie a few steps beside EM's."""
    rng = np.random.default_rng(seed)
    root = rng.standard_normal((25, 25))
    model = StudentT(25, 1)
    rows = model.sample(model.params(location=np.zeros(25), scale=root.T @ root), 1000, rng)
    start = np.concatenate([rows.mean(axis=0), np.cov(rows, rowvar=False).ravel()])
    entries = np.concatenate([np.ones(25, dtype=bool), np.triu(np.ones((25, 25), dtype=bool)).ravel()])
    slow, fast = [count(step, start, entries) for step in steps(model, rows)]
    assert 490 <= slow <= 510
    assert 13 <= fast <= 14
