"""The quick steps after a mini-batch give what the general ones do; what they leave to these is still found and named.
"""

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
from emlib.models import GaussianMixture, PoissonMixture
from emlib.models.count_steps import CountSteps
from emlib.models.normal_steps import NormalSteps
from emlib.numerics import Array
from tests import tolerances as tol

MODELS = [GaussianMixture(1, 1), GaussianMixture(2, 1), GaussianMixture(3, 2), GaussianMixture(2, 5),
          PoissonMixture(1), PoissonMixture(2), PoissonMixture(4)]
MIXED = GaussianMixture(3, 2)


def rows(model: Any, count: int = 120) -> Array:
    """Units of components that overlap."""
    rng = np.random.default_rng([count, model.n_components])
    if isinstance(model, PoissonMixture):
        return rng.poisson(2.0 + 3.0 * rng.integers(model.n_components, size=count)).astype(float)
    side = model.n_features
    drawn: Array = rng.standard_normal((count, side)) @ (np.eye(side) + 0.3) + rng.integers(3, size=(count, 1))
    return drawn


def both(model: Any, coordinates: str) -> tuple[emlib.Problem, Any, Steps]:
    """A problem, its quick steps and its general ones."""
    problem = emlib.Problem(model, rows(model), coordinates)
    quick = (CountSteps if isinstance(model, PoissonMixture) else NormalSteps)(model, problem.data, coordinates)
    return problem, quick, Steps(model, problem.data, coordinates)


def stats_at(problem: emlib.Problem, seed: int, units: slice) -> Statistics:
    """Statistics of some units at a random start, which is their origin."""
    params = problem.model.start(problem.data, np.random.default_rng(seed))
    found: Statistics = problem.model.e_step(params, problem.data.piece(units)).stats
    return found


def flat(problem: emlib.Problem, params: Any) -> Array:
    return problem.model.space.pack(params, "standard")


def gap(ours: Array, theirs: Array) -> float:
    return float(np.abs(ours - theirs).max() / np.abs(theirs).max())


@pytest.mark.parametrize("coordinates", ["free", "standard"])
@pytest.mark.parametrize("model", MODELS, ids=repr)
def test_sums_and_m_step_are_the_general_ones(model: Any, coordinates: str, monkeypatch: pytest.MonkeyPatch) -> None:
    problem, quick, general = both(model, coordinates)
    one, two, three = (stats_at(problem, seed, slice(low, low + 40)) for seed, low in ((1, 0), (2, 40), (3, 80)))

    def points(steps: Any) -> list[Array]:
        total = steps.added(steps.added(one, two), three)
        sums = [total, steps.blended(0.3, one, 0.7, total), steps.renewed(total, two, three)]
        found = [steps.m_step(part) for part in sums]
        assert [fault for _, fault in found] == [None] * 3
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
    for name in ("gradient", "inside"):
        monkeypatch.setattr(Steps, name, None)
    assert gap(quick.gradient(params, stats), slope) < tol.TWO_CODES
    assert gap(flat(problem, quick.inside(x)), flat(problem, there)) < tol.IDENTITY


def test_moments_that_are_not_moved_are_caught() -> None:
    """The sabotage: statistics are taken as if they were about another origin."""
    problem, quick, general = both(MIXED, "standard")
    one, two = (stats_at(problem, seed, slice(low, low + 60)) for seed, low in ((1, 0), (2, 60)))
    theirs = flat(problem, general.m_step(general.added(one, two))[0])
    assert gap(flat(problem, quick.m_step(quick.added(one, two))[0]), theirs) < tol.TWO_CODES
    moved = Statistics({**two.parts, "components": replace(two["components"], origin=one["components"].origin)})
    assert gap(flat(problem, quick.m_step(quick.added(one, moved))[0]), theirs) > tol.CONTROL
    _, quick, general = both(MIXED, "free")
    params = problem.model.start(problem.data, np.random.default_rng(5))
    assert gap(quick.gradient(params, two), general.gradient(params, two)) < tol.TWO_CODES
    assert gap(quick.gradient(params, moved), general.gradient(params, two)) > tol.CONTROL


def spoilt(stats: Statistics, how: str) -> Statistics:
    """Statistics of which the first component is empty, has all its units in one place, or is not a number."""
    factor = {"empty": 0.0, "not finite": np.nan}
    if (key := "rates") in stats.parts:
        changed = np.array(stats[key])
        changed[:, 0] *= factor[how]
        return Statistics({"weights": changed[0], key: changed})
    part, changed = stats["components"], np.array(stats["components"].see)
    if how == "collapsed":
        mean = part.sex[0] / part.counts[0]
        changed[0] = part.counts[0] * mean @ mean.T
        return Statistics({**stats.parts, "components": replace(part, see=changed)})
    share = np.where(np.arange(len(part.counts)) == 0, factor[how], 1.0)
    counts, sex = share * part.counts, share[:, None, None] * part.sex
    moments = replace(part, counts=counts, see=share[:, None, None] * part.see, sex=sex, sxx=counts[:, None, None])
    return Statistics({"weights": counts, "components": moments})


@pytest.mark.parametrize(("model", "how", "named"), [
    (MIXED, "empty", "weights: component 0 has weight 0"), (MIXED, "not finite", "nan"),
    (MIXED, "collapsed", "component 0 has collapsed"), (PoissonMixture(2), "empty", "weights: component 0 has weight"),
    (PoissonMixture(2), "not finite", "nan"),
], ids=str)
def test_what_is_no_point_is_named(model: Any, how: str, named: str) -> None:
    problem, quick, general = both(model, "standard")
    bad = spoilt(stats_at(problem, 1, slice(None)), how)
    (_, ours), (_, theirs) = quick.m_step(bad), general.m_step(bad)
    assert ours == theirs
    assert ours is not None
    assert named in ours


@pytest.mark.parametrize("shift", [(0, 40.0), (0, 800.0), (2, 1e300), (2, np.nan), (-1, 400.0), (-1, -400.0), (-2, 1e9),
                                   (-1, -25.0), (-2, np.inf)], ids=str)
@pytest.mark.parametrize("model", [MIXED, PoissonMixture(2)], ids=repr)
def test_far_out_the_general_ones_decide(model: Any, shift: tuple[int, float]) -> None:
    problem, quick, general = both(model, "free")
    x = model.space.pack(model.start(problem.data, np.random.default_rng(5)))
    x[shift[0]] += shift[1]
    with np.errstate(all="ignore"):
        ours, theirs = quick.inside(x), general.inside(x)
    assert (ours is None) == (theirs is None) == (model.space.fault(model.space.unpack(x)) is not None)
    if ours is not None:
        np.testing.assert_allclose(flat(problem, ours), flat(problem, theirs), rtol=tol.IDENTITY)


@pytest.mark.parametrize("algorithm", [OnlineEM(), OnlineEM(average_after=0.5), IncrementalEM(), SGD(),
                                       Adam(batch_size=20)], ids=repr)
@pytest.mark.parametrize("model", [MIXED, PoissonMixture(2)], ids=repr)
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
    assert kind in (CountSteps, NormalSteps)
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

    for model, kind in ((MIXED, NormalSteps), (Own(3, 2), Steps), (GaussianMixture(3, 2, penalty=0.1), Steps),
                        (GaussianMixture(3, 2, "diag"), Steps), (PoissonMixture(2), CountSteps),
                        (GaussianMixture(3, 2, fixed={"weights": np.full(3, 1 / 3)}), Steps),
                        (PoissonMixture(2, fixed={"weights": [0.5, 0.5]}), Steps)):
        data = rows(model, 4000) if isinstance(model, PoissonMixture) else units
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
