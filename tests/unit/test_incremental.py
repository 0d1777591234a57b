"""Incremental EM: EM for a single chunk, a bound that never falls, fewer passes, honest counts, its errors."""

from __future__ import annotations

from collections import deque
from functools import partial
from typing import Any

import numpy as np
import pytest

import emlib
from emlib.algorithms import EM, IncrementalEM
from emlib.models import GaussianMixture
from tests.tolerances import CONTROL, FALL, REORDERED, SAME_OPTIMUM

MODEL = GaussianMixture(2, 1)
START = MODEL.params(weights=[0.5, 0.5], means=[[1.0], [-1.0]], covariances=[[[1.0]], [[1.0]]])
SIZE = 10


def _rows(n: int = 200) -> np.ndarray:
    rng = np.random.default_rng(3)
    narrow = rng.random(n) < 0.3
    return np.where(narrow, -0.2 + 0.1 * rng.standard_normal(n), rng.standard_normal(n))[:, None]


def _passes(algorithm: Any, problem: emlib.Problem, count: int) -> np.ndarray:
    state = algorithm.init(problem, problem.evaluate(MODEL.space.pack(START, "standard")))
    points = []
    for _ in range(count):
        state, _ = algorithm.step(problem, state)
        points.append(state.evaluation.x)
    return np.array(points)


class _Bounded:
    """A model that notes F(q, theta) after each M-step, q being what the last E-step of each chunk left."""

    def __init__(self, n_chunks: int) -> None:
        self.entropies: deque[float] = deque(maxlen=n_chunks)
        self.bounds: list[float] = []
        self.logliks: list[float] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(MODEL, name)

    def e_step(self, params: Any, data: Any) -> Any:
        found = MODEL.e_step(params, data)
        if len(data) == SIZE:
            self.entropies.append(found.entropy)
        else:
            self.logliks.append(found.loglik)
        return found

    def e_step_at(self, params: Any) -> Any:
        return partial(self.e_step, params)

    def m_step(self, stats: Any) -> Any:
        params = MODEL.m_step(stats)
        self.bounds.append(MODEL.q_value(params, stats) + sum(self.entropies))
        return params


def test_one_chunk_is_em() -> None:
    rows = _rows()
    one = _passes(IncrementalEM(len(rows)), emlib.Problem(MODEL, rows, "standard"), 5)
    em = _passes(EM(), emlib.Problem(MODEL, rows, "standard"), 5)
    many = _passes(IncrementalEM(SIZE), emlib.Problem(MODEL, rows, "standard"), 5)
    assert np.abs(one - em).max() < REORDERED
    assert np.abs(many[0] - em[0]).max() < REORDERED  # the first pass is EM's, whatever the chunks
    assert np.abs(many - em).max() > CONTROL


def test_bound_never_falls_and_stays_below_the_loglik() -> None:
    rows = _rows()
    model = _Bounded(len(rows) // SIZE)
    _passes(IncrementalEM(SIZE), emlib.Problem(model, rows, "standard"), 30)
    rises = np.diff(model.bounds)
    assert rises.min() > -FALL * abs(model.bounds[-1])
    assert rises.max() > CONTROL
    ends = np.array(model.bounds)[np.cumsum([0] + [len(rows) // SIZE] * 29)]
    assert (ends <= np.array(model.logliks[1:]) * (1 - FALL)).all()  # the log-likelihoods are negative
    assert ends[-1] == pytest.approx(model.logliks[-1], abs=CONTROL)


def test_fit_ends_at_ems_optimum_in_fewer_passes() -> None:
    rows = _rows()
    fast = emlib.fit(MODEL, rows, start=START, algorithm=IncrementalEM(SIZE))
    slow = emlib.fit(MODEL, rows, start=START, algorithm=EM())
    assert fast.success
    assert slow.success
    assert fast.loglik == pytest.approx(slow.loglik, abs=SAME_OPTIMUM)
    assert fast.nit < 0.8 * slow.nit
    assert set(fast.trace.kind) == {"start", "incremental"}


def test_a_pass_and_a_look_cost_two_e_steps() -> None:
    problem = emlib.Problem(MODEL, _rows(), "standard")
    _passes(IncrementalEM(SIZE), problem, 7)
    assert problem.n_estep == 1 + 2 * 7


@pytest.mark.parametrize("size", [0, True, 2.5])
def test_chunk_sizes_without_a_meaning_are_refused(size: Any) -> None:
    with pytest.raises(ValueError, match=r"chunk_size: .* found; a chunk holds at least one unit"):
        IncrementalEM(size)


def test_a_collapse_is_named() -> None:
    start = MODEL.params(weights=[0.5, 0.5], means=[[0.0], [5.0]], covariances=[[[1.0]], [[0.01]]])
    rows = np.append(np.linspace(-1, 1, 19), 5.0)[:, None]
    found = emlib.fit(MODEL, rows, start=start, algorithm=IncrementalEM(4))
    assert found.status is emlib.Status.DEGENERATE
