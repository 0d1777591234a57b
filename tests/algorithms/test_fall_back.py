"""Runs go on by EM where their algorithm cannot, and a fit survives a start that raises."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

import emlib
from emlib import Problem, Status, datasets
from emlib.algorithms import EM, Adaptive
from emlib.algorithms.base import Info, State
from emlib.algorithms.em import em_step
from emlib.fitting.default import falls_back
from emlib.models import FactorAnalysis, GaussianMixture, LinearDynamicalSystem, PoissonMixture, RegressionMixture
from tests.tolerances import SAME_OPTIMUM

MODEL, ROWS = GaussianMixture(2, 1), datasets.two_normals(200, 2.5, np.random.default_rng(0))
BUDGET = 3000


@dataclass(frozen=True)
class Leaping:
    """Three EM steps, then a leap towards a component of one point, and the end that `status` says."""

    status: Status
    coordinates: ClassVar[str] = "free"
    monotone: ClassVar[bool] = False

    def init(self, problem: Problem, evaluation: Any) -> State:
        return State(evaluation, {"steps": 0})

    def step(self, problem: Problem, state: State) -> tuple[State, Info]:
        steps = state.memory["steps"] + 1
        if steps <= 3:
            moved, info = em_step(problem, state)
            return State(moved.evaluation, {"steps": steps}), info
        if steps == 4:
            return State(problem.evaluate(collapsing(problem)), {"steps": steps}), Info("leap")
        return state, Info("leap", False, None, self.status)


def collapsing(problem: Problem) -> Any:
    """Parameters from which EM narrows a component onto one point."""
    params = MODEL.params(weights=[0.995, 0.005], means=[[float(ROWS.mean())], [float(ROWS.max())]],
                          covariances=[[[float(ROWS.var())]], [[1e-7]]])
    return MODEL.space.pack(params, problem.coordinates)


def run(status: Status, fall_back: bool, **options: Any) -> emlib.Result:
    """The end of a run that loses its way."""
    problem = Problem(MODEL, ROWS)
    x0 = MODEL.space.pack(MODEL.start(problem.data, np.random.default_rng(1)))
    return emlib.solve(problem, Leaping(status), x0, max_estep=BUDGET, fall_back=fall_back, **options)


def by_em() -> emlib.Result:
    """EM from the same start."""
    data = MODEL.as_data(ROWS)
    start = MODEL.start(data, np.random.default_rng(1))
    return emlib.fit(MODEL, data, start=start, algorithm=EM(), max_estep=BUDGET)


def test_a_run_that_degenerates_goes_back_to_where_em_had_led_it() -> None:
    found = run(Status.DEGENERATE, True)
    assert found.success, found.message
    assert "DEGENERATE on the way, then EM steps" in found.message
    assert abs(found.loglik - by_em().loglik) < SAME_OPTIMUM


def test_without_it_the_run_ends() -> None:
    for status in (Status.DEGENERATE, Status.LINE_SEARCH_FAILED):
        assert run(status, False).status is status


def test_a_failed_line_search_goes_on_from_the_last_point() -> None:
    """Which here leads EM to a collapse, and from there back: the second retreat is the last."""
    found = run(Status.LINE_SEARCH_FAILED, True)
    assert found.success, found.message
    assert "LINE_SEARCH_FAILED on the way, then EM steps; DEGENERATE on the way" in found.message


def test_em_alone_ends_as_it_does() -> None:
    """A collapse that EM itself runs into is none that it could be saved from."""
    problem = Problem(MODEL, ROWS, "standard")
    found = emlib.solve(problem, EM(), collapsing(problem), fall_back=True)
    assert found.status is Status.DEGENERATE


def test_a_run_that_was_cut_off_falls_back_to_the_same_place(tmp_path: Path) -> None:
    whole, file = run(Status.DEGENERATE, True), tmp_path / "run.npz"
    for cut in (3, 5, 8):
        file.unlink(missing_ok=True)
        run(Status.DEGENERATE, True, checkpoint=file, max_iter=cut)
        again = run(Status.DEGENERATE, True, checkpoint=file)
        assert again.loglik == whole.loglik
        assert again.n_estep == whole.n_estep
        assert again.message == whole.message


def test_the_default_falls_back_where_hidden_variables_are_discrete() -> None:
    assert falls_back(GaussianMixture(10, 8))
    assert falls_back(GaussianMixture(2, 2))
    assert not falls_back(LinearDynamicalSystem(1, 2))
    assert not falls_back(FactorAnalysis(100, 5))


def few_lines() -> tuple[tuple[Any, Any], Any]:
    """Twelve units of two regressions, and a start from which steps of Newton collapse and those of EM do not."""
    rng = np.random.default_rng([9, 2])
    features = rng.standard_normal((12, 2))
    values = rng.standard_normal(12) + features[:, 0] * rng.choice([-2, 2], 12)
    model = RegressionMixture(2, 2)
    return (features, values), model.start(model.as_data((features, values)), np.random.default_rng(2))


def test_the_default_is_degenerate_only_where_em_is() -> None:
    data, start = few_lines()
    own = emlib.fit(RegressionMixture(2, 2), data, start=start)
    plain = emlib.fit(RegressionMixture(2, 2), data, start=start, algorithm=EM())
    assert plain.success
    assert own.success
    assert "DEGENERATE on the way" in own.message
    assert abs(own.loglik - plain.loglik) < SAME_OPTIMUM
    alone = emlib.fit(RegressionMixture(2, 2), data, start=start, algorithm=Adaptive())
    assert alone.status is Status.DEGENERATE


class Raising(PoissonMixture):
    """A mixture whose E-step fails for some starts."""

    def e_step_at(self, params: Any) -> Any:
        if params.rates[0] > params.rates[1]:
            raise RuntimeError("rates: out of order")
        return super().e_step_at(params)


COUNTS, TIMES = range(10), [162, 267, 271, 185, 111, 61, 27, 8, 3, 1]
ORDERED = {"weights": [0.5, 0.5], "rates": [1.0, 3.0]}


@pytest.mark.parametrize("n_workers", [1, 2])
def test_a_start_that_raises_is_left_out(n_workers: int) -> None:
    found = emlib.fit(Raising(2), COUNTS, sample_weight=TIMES, start=ORDERED, n_starts=6, rng=0, algorithm=EM(),
                      max_estep=40, n_workers=n_workers)
    assert "more ended with an error, the first with RuntimeError: rates: out of order" in found.message


def test_a_fit_raises_where_every_start_does() -> None:
    class Never(PoissonMixture):
        def e_step_at(self, params: Any) -> Any:
            raise RuntimeError("no E-step")

    for n_starts in (1, 3):
        with pytest.raises(RuntimeError, match="no E-step"):
            emlib.fit(Never(2), COUNTS, sample_weight=TIMES, n_starts=n_starts, rng=0)
