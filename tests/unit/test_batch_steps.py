"""The quick steps after a mini-batch give what the general ones do."""

from __future__ import annotations

import pickle
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import emlib
from emlib.algorithms import SGD, Adam, IncrementalEM, OnlineEM
from emlib.evaluation.steps import Steps
from emlib.kernels import use_compiled_steps
from emlib.model import Statistics
from emlib.models import BernoulliMixture, FactorAnalysis, GaussianMixture, PoissonMixture, RegressionMixture, StudentT
from emlib.models.count_steps import AnswerSteps, CountSteps, MixtureSteps
from emlib.models.normal_steps import NormalSteps
from emlib.models.regression_steps import RegressionSteps
from emlib.numerics import Array
from tests import tolerances as tol
from tests.unit.batch_setting import (
    FACTORS,
    HELD,
    KNOWN_NOISE,
    MIXED,
    MODELS,
    REGRESSIONS,
    TYPES,
    both,
    flat,
    gap,
    rows,
    stats_at,
)


@pytest.mark.parametrize("coordinates", ["free", "standard"])
@pytest.mark.parametrize("model", MODELS, ids=repr)
def test_sums_and_m_step_are_the_general_ones(model: Any, coordinates: str, monkeypatch: pytest.MonkeyPatch) -> None:
    problem, quick, general = both(model, coordinates)
    one, two, three = (stats_at(problem, seed, slice(low, low + 40)) for seed, low in ((1, 0), (2, 40), (3, 80)))

    def points(steps: Any) -> list[Array]:
        total = steps.added(steps.added(one, two), three)
        sums = [total, steps.summed([one]), steps.summed([one, two]), steps.summed([one, two, three]),
                steps.blended(0.3, one, 0.7, total), steps.renewed(total, two, three)]
        found = [steps.m_step(part) for part in sums]
        assert {fault for _, fault in found} == {None}
        return [flat(problem, params) for params, _ in found]

    theirs = points(general)
    monkeypatch.setattr(Steps, "m_step", None)  # the quick ones do not ask for it
    assert max(map(gap, points(quick), theirs)) < tol.TWO_CODES


@pytest.mark.parametrize("model", MODELS, ids=repr)
def test_gradient_and_point_are_the_general_ones(model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    problem, quick, general = both(model, "free")
    params = model.start(problem.data, np.random.default_rng(5))
    x, stats = model.space.pack(params), stats_at(problem, 1, slice(0, 40))  # about another origin than the point's
    slope, there = general.gradient(params, stats), general.inside(x)
    for name in ("gradient",) if model in (*KNOWN_NOISE, *FACTORS) else ("gradient", "inside"):
        monkeypatch.setattr(Steps, name, None)
    assert gap(quick.gradient(params, stats), slope) < tol.TWO_CODES
    assert gap(flat(problem, quick.inside(x)), flat(problem, there)) < tol.IDENTITY


@pytest.mark.parametrize("model", [model for model in REGRESSIONS if model.penalty is None], ids=repr)
def test_moments_that_are_not_moved_are_caught(model: Any) -> None:
    """The sabotage: statistics are taken as if they were about another origin."""
    problem, quick, general = both(model, "standard")
    key = quick.key
    one, two = (stats_at(problem, seed, slice(low, low + 60)) for seed, low in ((1, 0), (2, 60)))
    theirs = flat(problem, general.m_step(general.added(one, two))[0])
    assert gap(flat(problem, quick.m_step(quick.added(one, two))[0]), theirs) < tol.TWO_CODES
    moved = Statistics({**two.parts, key: replace(two[key], origin=one[key].origin)})
    assert gap(flat(problem, quick.m_step(quick.added(one, moved))[0]), theirs) > tol.CONTROL
    _, quick, general = both(model, "free")
    params = problem.model.start(problem.data, np.random.default_rng(5))
    assert gap(quick.gradient(params, two), general.gradient(params, two)) < tol.TWO_CODES
    assert gap(quick.gradient(params, moved), general.gradient(params, two)) > tol.CONTROL


@pytest.mark.parametrize("algorithm", [OnlineEM(), OnlineEM(average_after=0.5), IncrementalEM(), SGD(),
                                       Adam(batch_size=20)], ids=repr)
@pytest.mark.parametrize("model", [
    MIXED, *TYPES[::2], HELD, GaussianMixture(2, 2, penalty=0.1), RegressionMixture(2, 2), StudentT(2, 3.0),
    *KNOWN_NOISE[1:], *FACTORS[::2], PoissonMixture(2), BernoulliMixture(2, 4)], ids=repr)
def test_a_run_is_the_general_one(model: Any, algorithm: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three passes; without the passes' quick steps the same but for rounding."""
    units = rows(model, 2000)

    def run() -> tuple[Array, type]:
        problem = emlib.Problem(model, units, algorithm.coordinates)
        start = model.start(problem.data, np.random.default_rng(0))
        state = algorithm.init(problem, problem.evaluate(model.space.pack(start, algorithm.coordinates)))
        for _ in range(3):
            state, info = algorithm.step(problem, state)
            assert info.status is None
        return state.evaluation.x, type(problem.batch_steps(20))

    ours, kind = run()
    assert issubclass(kind, MixtureSteps | RegressionSteps)
    monkeypatch.setattr(type(model), "batch_steps", lambda *given: None)
    theirs, kind = run()
    assert kind is Steps
    assert gap(ours, theirs) < tol.TWO_CODES


def test_they_serve_plain_models_with_many_batches() -> None:
    assert use_compiled_steps(100, 2)
    assert not use_compiled_steps(50, 2)
    assert not use_compiled_steps(1000, 40)
    units = rows(MIXED, 4000)

    class Own(GaussianMixture):
        pass

    for model, kind in ((MIXED, NormalSteps), (Own(3, 2), Steps), (GaussianMixture(3, 2, penalty=0.1), NormalSteps),
                        (GaussianMixture(3, 2, "diag"), NormalSteps), (PoissonMixture(2), CountSteps),
                        (BernoulliMixture(2, 3), AnswerSteps),
                        (GaussianMixture(3, 2, fixed={"weights": np.full(3, 1 / 3)}), NormalSteps),
                        (StudentT(2, 3.0, fixed={"location": [0.0, 0.0]}), Steps),
                        (FactorAnalysis(3, 1, fixed={"mean": np.zeros(3)}), Steps),
                        (PoissonMixture(2, fixed={"weights": [0.5, 0.5]}), Steps)):
        data = units if isinstance(model, GaussianMixture) else rows(model, 4000)
        assert type(emlib.Problem(model, data).batch_steps(20)) is kind, model
    assert type(emlib.Problem(MIXED, units).batch_steps(4000)) is Steps


def test_ordinary_m_steps_are_compiled_where_e_steps_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same but for rounding, in a problem that still pickles."""
    problem = emlib.Problem(MIXED, rows(MIXED, 8000), "standard")
    here = problem.evaluate(flat(problem, MIXED.start(problem.data, np.random.default_rng(1))))
    theirs = flat(problem, MIXED.m_step(here.stats))
    with monkeypatch.context() as patch:
        patch.setattr(Steps, "m_step", None)
        ours = problem.m_step(here)
    assert ours.fault is None
    assert gap(ours.x, theirs) < tol.TWO_CODES
    assert np.array_equal(pickle.loads(pickle.dumps(problem)).em_map(here.x), ours.x)


def test_a_model_around_another_is_not_passed_by() -> None:
    """One that does its M-step otherwise is asked for it."""
    class Around:
        def __getattr__(self, name: str) -> Any:
            return getattr(MIXED, name)

    model: Any = Around()
    assert type(emlib.Problem(model, rows(MIXED, 4000)).batch_steps(20)) is Steps
