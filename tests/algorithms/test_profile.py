"""Newton's method in the uniquenesses of factor analysis, mean and loadings at their best."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import emlib
from emlib.algorithms import EM, Adaptive, Profile, Switch, after
from emlib.algorithms.stopping import curvature
from emlib.fitting.default import default_algorithm
from emlib.models import PPCA, FactorAnalysis
from emlib.models import factor_profile as closed
from tests import tolerances as tol
from tests.algorithms.setting import Listening
from tests.contract.sabotage import Twin

SIDE, COUNT = 6, 2
MODEL = FactorAnalysis(SIDE, COUNT)
RNG = np.random.default_rng(8)
ROWS = RNG.standard_normal((150, COUNT)) @ RNG.standard_normal((COUNT, SIDE)) + 3.0 + 0.8 * RNG.standard_normal(
    (150, SIDE))
STEP = 1e-5
PROFILE = Switch(EM(), Profile(), after(1))


def rise(logs: Any) -> tuple[float, Any, Any]:
    """Best log-likelihood with these logarithms of the uniquenesses, its slope in them, and the closed-form Hessian."""
    data = MODEL.as_data(ROWS)
    start = MODEL.start(data, np.random.default_rng(0))
    best, hessian = MODEL.profile(replace(start, noise_variance=np.exp(logs)), MODEL.e_step(start, data).stats)
    problem = emlib.Problem(MODEL, data)
    here = problem.evaluate(MODEL.space.pack(best))
    assert np.abs(here.gradient[:-SIDE]).max() <= tol.M_STATIONARY * len(ROWS), "mean and loadings are at their best"
    return here.loglik, here.gradient[-SIDE:], hessian


@pytest.mark.parametrize(("logs", "used"), [(np.zeros(SIDE), 2), (np.linspace(-2.0, 0.5, SIDE), 2),
                                            (np.full(SIDE, 2.0), 1), (np.full(SIDE, 4.0), 0)])
def test_slope_and_hessian_are_those_of_the_profile(logs: Any, used: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """With much noise some factors explain nothing. The twin forgets what the others take."""
    def gaps() -> tuple[float, float]:
        _, slope, hessian = rise(logs)
        moved = [[rise(logs + sign * STEP * unit) for sign in (1, -1)] for unit in np.eye(SIDE)]
        by_value = np.array([(up[0] - down[0]) / (2 * STEP) for up, down in moved])
        by_slope = np.array([(up[1] - down[1]) / (2 * STEP) for up, down in moved])
        return float(np.abs(slope - by_value).max()), float(np.abs(hessian - by_slope).max())

    assert closed.explained(np.cov(ROWS.T, ddof=0), np.exp(logs), COUNT)[2] == used
    assert max(gaps()) <= tol.DIFFERENCES * len(ROWS)
    honest = closed.bend
    monkeypatch.setattr("emlib.models.factor_analysis.bend", lambda values, vectors, _: honest(values, vectors, 0))
    assert (gaps()[1] > tol.CONTROL * len(ROWS)) == (used > 0)


@pytest.mark.parametrize("noise", [1e-6, 1e-2, 1.0, 1e4])
@pytest.mark.parametrize("held", [None, {"mean": np.full(SIDE, 2.5)}])
def test_it_ends_where_em_ends_from_anywhere(noise: float, held: Any) -> None:
    model = FactorAnalysis(SIDE, COUNT, fixed=held)
    start = replace(model.start(model.as_data(ROWS), np.random.default_rng(1)), noise_variance=np.full(SIDE, noise))
    listening = Listening(model)
    problem = emlib.Problem(listening, ROWS)
    fast = emlib.solve(problem, PROFILE, model.space.pack(start))
    slow = emlib.fit(model, ROWS, algorithm=EM(), rng=0, max_estep=20_000)
    assert fast.success, fast.message
    assert slow.success, slow.message
    assert abs(slow.loglik - fast.loglik) <= tol.SAME_OPTIMUM
    np.testing.assert_allclose(model.covariance(fast.params), model.covariance(slow.params), atol=1e-4)
    assert np.diff(fast.trace.loglik).min() >= -tol.FALL * abs(fast.loglik)
    assert len(listening.seen) == fast.n_estep, "every point that was tried is counted"
    assert fast.n_estep < 30
    assert set(fast.trace.kind) == {"start", "em", "profile"}


def test_its_verdict_is_that_of_the_whole_curvature() -> None:
    result = emlib.fit(MODEL, ROWS, algorithm=PROFILE, rng=0, tol=1e-4)
    problem = emlib.Problem(MODEL, ROWS)
    seen = curvature(problem, problem.evaluate(result.x))
    assert seen is not None
    assert not seen.saddle
    assert seen.remaining == pytest.approx(result.remaining, rel=1e-3, abs=1e-12)
    assert result.remaining <= 1e-4


@pytest.mark.parametrize("algorithm", [Profile(), PROFILE], ids=repr)
def test_a_wrong_hessian_or_a_wrong_point_is_flagged(algorithm: Any) -> None:
    """The sabotaged twins: a sign costs steps, but not the truth; loadings that are not the best end in no success."""
    def upside_down(honest: Any, *given: Any) -> Any:
        best, hessian = honest.profile(*given)
        return best, -hessian

    def off(honest: Any, *given: Any) -> Any:
        best, hessian = honest.profile(*given)
        return replace(best, loadings=1.2 * best.loadings), hessian

    def ends(member: Any) -> emlib.Result:
        problem = emlib.Problem(Twin(MODEL, profile=member), ROWS)
        x = MODEL.space.pack(MODEL.start(problem.data, np.random.default_rng(0)))
        return emlib.solve(problem, algorithm, x, max_estep=200)

    right, slow, wrong = ends(lambda honest, *given: honest.profile(*given)), ends(upside_down), ends(off)
    assert right.success
    assert slow.n_estep > 2 * right.n_estep
    assert not slow.success or abs(slow.loglik - right.loglik) <= tol.SAME_OPTIMUM
    assert not wrong.success, wrong.message


def test_the_sign_of_a_heywood_case_is_a_slope_that_stays() -> None:
    """A step that goes too far is shortened; where the uniqueness goes on falling, the fit ends and names it."""
    matrix = np.array([[1.0, 0.9, 0.4], [0.9, 1.0, 0.7], [0.4, 0.7, 1.0]])
    model = FactorAnalysis(3, 1)
    result = emlib.fit(model, model.from_covariance(matrix, 100), rng=0, algorithm=PROFILE)
    assert result.status is emlib.Status.DEGENERATE
    assert "noise_variance: entry [1] has collapsed" in result.message
    assert result.params.noise_variance[1] < 1e-7
    best = emlib.fit(model, model.from_covariance(matrix, 100), rng=0, algorithm=Adaptive())
    assert result.loglik >= best.loglik - 1e-5


def test_it_is_the_default_where_it_serves() -> None:
    pattern = np.ones((SIDE, COUNT), dtype=bool)
    assert default_algorithm(MODEL) == PROFILE
    assert default_algorithm(FactorAnalysis(SIDE, COUNT, fixed={"mean": np.zeros(SIDE)})) == PROFILE
    for other in (PPCA(SIDE, COUNT), FactorAnalysis(SIDE, COUNT, pattern),
                  FactorAnalysis(SIDE, COUNT, fixed={"noise_variance": np.ones(SIDE)})):
        assert default_algorithm(other) == Adaptive()
        with pytest.raises(TypeError, match="algorithm: Profile needs a model with `profiled`"):
            emlib.fit(other, ROWS, algorithm=Profile(), rng=0)
    with pytest.raises(ValueError, match="coordinates: Profile works in 'free' ones"):
        emlib.fit(MODEL, ROWS, algorithm=Profile(), coordinates="standard", rng=0)


@pytest.mark.parametrize("n", [0, 1, 3])
def test_a_run_that_was_cut_off_goes_on_to_the_same_bits(n: int, tmp_path: Path) -> None:
    whole = emlib.fit(MODEL, ROWS, algorithm=PROFILE, rng=0)
    cut = emlib.fit(MODEL, ROWS, algorithm=PROFILE, rng=0, max_estep=n + 1, checkpoint=tmp_path / "run.ckpt")
    assert cut.status is emlib.Status.MAX_ESTEP
    again = emlib.fit(MODEL, ROWS, algorithm=PROFILE, rng=0, checkpoint=tmp_path / "run.ckpt")
    np.testing.assert_array_equal(again.x, whole.x)
    assert again.n_estep == whole.n_estep
    assert again.success
