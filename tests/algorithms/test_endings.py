"""How runs end: budget, callback, interruption, saddle, collapse, fall, numbers that are none."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import emlib
from emlib.algorithms import EM, SGD, SQUAREM, Adam, EMGradient, FirstOrderEM, GradientAscent, SciPy
from emlib.models import BernoulliMixture, GaussianMixture, Linkage, PoissonMixture
from emlib.result import Status
from tests import tolerances as tol
from tests.algorithms.setting import ALGORITHMS as CERTAIN
from tests.algorithms.setting import STOCHASTIC, Broken, Listening, by_name, near, run
from tests.algorithms.test_convergence import check_result
from tests.contract.sabotage import Twin

LOOPING = ["em", "em-gradient", "gradient", "gradient-fixed", "first-order-em", "lbfgs", "newton", "ecg", "switch",
           *STOCHASTIC]
SEARCHING = ("gradient", "lbfgs", "ecg", "switch")  # those that search along a line
ALGORITHMS = CERTAIN | STOCHASTIC
ALL = sorted(ALGORITHMS)
CASE = by_name("gaussian-full-d1-k2")


def far(case: Any = CASE) -> Any:
    return case.points[0]


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("budget", [1, 2, 5])
def test_budget_is_honoured(name: str, budget: int) -> None:
    """The run stops at the first iteration that reaches the budget: one line search or one matrix beyond at most."""
    problem, result = run(CASE, ALGORITHMS[name](CASE), far(), max_estep=budget, tol=1e-13)
    assert result.status is Status.MAX_ESTEP, result.message
    assert not result.success
    assert f"{result.n_estep} E-steps" in result.message
    assert result.trace.n_estep[:-1].max(initial=0) < budget or budget == 1
    assert result.n_estep <= budget + (40 if any(word in name for word in SEARCHING) else 2)
    check_result(problem, result)


def test_scipy_is_stopped_inside_its_own_loop() -> None:
    problem, result = run(CASE, SciPy("BFGS"), far(), max_estep=5)
    assert (result.status, result.n_estep) == (Status.MAX_ESTEP, 5)
    check_result(problem, result)


@pytest.mark.parametrize("name", LOOPING)
def test_callback_sees_each_iteration_and_may_stop(name: str) -> None:
    seen: list[emlib.Result] = []

    def callback(intermediate_result: emlib.Result) -> bool:
        seen.append(intermediate_result)
        return len(seen) == 3

    problem, result = run(CASE, ALGORITHMS[name](CASE), far(), callback=callback, tol=1e-13)
    assert result.status is Status.CALLBACK
    assert not result.success
    assert result.nit == 3
    assert [one.nit for one in seen][-1] == 3
    assert not any(one.success for one in seen)
    check_result(problem, result)


def test_stop_iteration_stops() -> None:
    def callback(intermediate_result: emlib.Result) -> None:
        raise StopIteration

    _, result = run(CASE, EM(), far(), callback=callback)
    assert (result.status, result.nit) == (Status.CALLBACK, 1)


def test_other_exceptions_of_a_callback_come_through() -> None:
    def callback(intermediate_result: emlib.Result) -> None:
        raise RuntimeError("mine")

    with pytest.raises(RuntimeError, match="mine"):
        run(CASE, EM(), far(), callback=callback)


@pytest.mark.parametrize("name", ALL)
def test_interruption_returns_the_best_so_far(name: str) -> None:
    class Interrupting(Listening):
        def e_step(self, params: Any, data: Any) -> Any:
            if len(self.seen) == 4:
                raise KeyboardInterrupt
            return super().e_step(params, data)

    algorithm = ALGORITHMS[name](CASE)
    problem = emlib.Problem(Interrupting(CASE.model), CASE.data, algorithm.coordinates)
    start = CASE.model.space.pack(far(), algorithm.coordinates)
    result = emlib.solve(problem, algorithm, start)
    assert result.status is Status.INTERRUPTED
    assert not result.success
    first = CASE.model.e_step(CASE.model.space.unpack(start, algorithm.coordinates), CASE.data).loglik
    assert result.loglik >= first
    assert result.loglik == CASE.model.e_step(result.params, CASE.data).loglik


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("after", [1, 2, 4])
def test_a_loglik_that_is_none_is_no_success(name: str, after: int) -> None:
    algorithm = ALGORITHMS[name](CASE)
    problem = emlib.Problem(Broken(CASE.model, after, loglik=np.nan), CASE.data, algorithm.coordinates)
    result = emlib.solve(problem, algorithm, CASE.model.space.pack(far(), algorithm.coordinates), max_estep=200)
    assert not result.success
    assert result.status in (Status.NON_FINITE, Status.LINE_SEARCH_FAILED, Status.MAX_ESTEP, Status.DEGENERATE)
    assert np.isfinite(result.loglik)
    assert np.isfinite(result.jac).all()


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("after", [1, 4])
def test_a_gradient_that_is_none_is_no_success(name: str, after: int) -> None:
    calls = [0]

    def q_gradient(honest: Any, params: Any, stats: Any) -> Any:
        calls[0] += 1
        slopes = honest.q_gradient(params, stats)
        return slopes if calls[0] <= after else {key: np.nan * value for key, value in slopes.items()}

    algorithm = ALGORITHMS[name](CASE)
    problem = emlib.Problem(Twin(CASE.model, q_gradient=q_gradient), CASE.data, algorithm.coordinates)
    result = emlib.solve(problem, algorithm, CASE.model.space.pack(far(), algorithm.coordinates), max_estep=200)
    assert not result.success
    assert np.isfinite(result.jac).all()


class Singular(Broken):
    def e_step(self, params: Any, data: Any) -> Any:
        found = super().e_step(params, data)
        if np.isnan(found.loglik):
            raise np.linalg.LinAlgError("Singular matrix")
        return found


@pytest.mark.parametrize("name", ALL)
def test_a_singular_matrix_on_the_way_is_a_fault_and_no_error(name: str) -> None:
    algorithm = ALGORITHMS[name](CASE)
    problem = emlib.Problem(Singular(CASE.model, 2, loglik=np.nan), CASE.data, algorithm.coordinates)
    result = emlib.solve(problem, algorithm, CASE.model.space.pack(far(), algorithm.coordinates), max_estep=200)
    assert not result.success
    assert np.isfinite(result.loglik)


def test_a_start_that_has_no_loglik_is_an_error() -> None:
    problem = emlib.Problem(Broken(CASE.model, 0, loglik=np.nan), CASE.data, "standard")
    with pytest.raises(ValueError, match=r"x0: outside the parameter space: loglik: nan"):
        emlib.solve(problem, EM(), CASE.standard(far()))


@pytest.mark.parametrize("name", ["em", "lbfgs-warm", "newton"])
def test_a_fall_of_a_monotone_algorithm_is_flagged(name: str) -> None:
    """The M-step of this model goes past its maximum and beyond."""
    def m_step(honest: Any, stats: Any) -> Any:
        top = honest.m_step(stats)
        return replace(top, means=top.means + 2.0)

    algorithm = ALGORITHMS[name](CASE)
    problem = emlib.Problem(Twin(CASE.model, m_step=m_step), CASE.data, algorithm.coordinates)
    result = emlib.solve(problem, algorithm, CASE.model.space.pack(near(CASE), algorithm.coordinates))
    assert result.status is Status.DECREASED
    assert "nats" in result.message
    assert not result.success
    check_result(problem, result)


def equal_components(model: Any) -> Any:
    if isinstance(model, PoissonMixture):
        return model.params(weights=[0.5, 0.5], rates=[2.0, 2.0])
    return model.params(weights=[0.5, 0.5], means=[[1.0], [1.0]], covariances=[[[2.0]], [[2.0]]])


TWO = [by_name("poisson-2-tabulated"), CASE]


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("case", TWO, ids=lambda case: case.name)
def test_equal_components_are_a_saddle_for_solve(name: str, case: Any) -> None:
    """Equal weights and components stay so; their stationary point is a saddle, which Newton's steps may leave."""
    problem, result = run(case, ALGORITHMS[name](case), equal_components(case.model), max_estep=500)
    centres = result.params.rates if hasattr(result.params, "rates") else result.params.means
    if np.ptp(centres) < 1e-6:
        assert not result.success
        assert result.status in (Status.SADDLE, Status.MAX_ESTEP), result.message
    if name in ("em", "em-gradient", "lbfgs", "lbfgs-warm", "newton", "gradient", "ecg", "switch"):
        assert result.status is Status.SADDLE, result.message
    check_result(problem, result)


@pytest.mark.parametrize("case", TWO, ids=lambda case: case.name)
def test_equal_components_are_nudged_apart_by_fit(case: Any) -> None:
    start = equal_components(case.model)
    result = emlib.fit(case.model, case.raw, sample_weight=case.sample_weight, start=start, rng=0)
    assert result.success, result.message
    assert "components 0 and 1 started equal and were nudged apart" in result.message
    other = emlib.fit(case.model, case.raw, sample_weight=case.sample_weight, start=near(case), rng=0)
    assert "nudged" not in other.message


LINE = np.concatenate([np.zeros(1), np.linspace(3.0, 9.0, 40)])[:, None]


def collapsing(kind: str) -> tuple[Any, Any]:
    """One component on one point, the other on the rest."""
    model = GaussianMixture(2, 1, kind)
    noise = {"full": [[[1e-3]], [[3.0]]], "diag": [[1e-3], [3.0]], "spherical": [1e-3, 3.0]}[kind]
    return model, model.params(weights=[0.03, 0.97], means=[[0.0], [6.0]], covariances=noise)


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("kind", ["full", "diag", "spherical"])
def test_a_collapse_is_never_a_success(name: str, kind: str) -> None:
    model, start = collapsing(kind)
    algorithm = ALGORITHMS[name](CASE)
    problem = emlib.Problem(model, LINE, algorithm.coordinates)
    result = emlib.solve(problem, algorithm, model.space.pack(start, algorithm.coordinates), max_estep=100)
    assert not result.success, result.message
    if name in ("em", "newton", "newton-cold", "lbfgs", "lbfgs-warm", "em-gradient", "em-gradient-free"):
        assert result.status is Status.DEGENERATE, result.message
        assert "component 0 has collapsed" in result.message
        assert "covariance_type='tied'" in result.message


def test_fit_names_the_collapsed_component() -> None:
    model, start = collapsing("full")
    result = emlib.fit(model, LINE, start=start, rng=0)
    assert result.status is Status.DEGENERATE, result.message
    assert "component 0" in result.message


def test_a_tied_covariance_does_not_collapse() -> None:
    result = emlib.fit(GaussianMixture(2, 1, "tied"), LINE, start={"weights": [0.03, 0.97], "means": [[0.0], [6.0]],
                                                                   "covariances": [[3.0]]}, rng=0)
    assert result.success, result.message


@pytest.mark.parametrize("length", [0.5, 5.0, 1e3, 1e6])
def test_too_long_a_step_is_no_success(length: float) -> None:
    for case in (by_name("poisson-2-plain"), CASE):
        for algorithm in (GradientAscent(length), FirstOrderEM(length * case.data.n_units, coordinates="free"),
                          GradientAscent(length, "standard")):
            _, result = run(case, algorithm, far(case), max_estep=300)
            best = case.optimum_loglik
            assert not (result.success and result.loglik < best - 1.0), f"{algorithm}: {result.message}"
            assert result.status in (Status.DEGENERATE, Status.MAX_ESTEP, Status.NON_FINITE, Status.SADDLE,
                                     Status.CONVERGED)


@pytest.mark.parametrize("algorithm", [EM(1e-30), GradientAscent(1e-30), FirstOrderEM(1e-30), Adam(1e-30), SGD(1e-30)],
                         ids=repr)
def test_too_short_a_step_ends_the_run(algorithm: Any) -> None:
    """A point that does not move costs nothing, so that no budget would ever be spent."""
    _, result = run(CASE, algorithm, far())
    assert result.status is Status.LINE_SEARCH_FAILED, result.message
    assert result.nit == 1


def test_an_oscillating_gradient_ascent_does_not_converge() -> None:
    """Steps between one and three times the stable length jump to and fro about the optimum for ever."""
    case = by_name("linkage")
    curve = -case.problem().hessian(case.free(case.optimum))[0, 0]
    _, result = run(case, GradientAscent(2.2 / curve), max_estep=500)
    assert result.status is Status.MAX_ESTEP
    _, shorter = run(case, GradientAscent(1.8 / curve), max_estep=5000)
    assert shorter.success


@pytest.mark.parametrize("case", TWO, ids=lambda case: case.name)
def test_a_zero_weight_is_no_success(case: Any) -> None:
    """EM cannot leave weight zero, where the log-likelihood rises all the same; the message names the component."""
    params = replace(case.optimum, weights=np.array([0.0, 1.0]))
    problem, result = run(case, EM(), params, max_estep=5000)
    assert result.status is Status.DEGENERATE, result.message
    assert "weights: component 0 has weight 0" in result.message
    check_result(problem, result)


@pytest.mark.parametrize("algorithm", [EM(), EMGradient(), FirstOrderEM(0.01)], ids=repr)
def test_the_slope_decides_on_the_boundary(algorithm: Any) -> None:
    """Without animals in the fourth cell EM rests at zero; that is a maximum only if the slope there is downhill."""
    def ends(first: int) -> emlib.Result:
        return emlib.solve(emlib.Problem(Linkage(), [first, 18, 20, 0], "standard"), algorithm, [0.0])

    assert 60 / 2 - 38 < 0 < 125 / 2 - 38
    downhill, uphill = ends(60), ends(125)
    assert (downhill.status, float(downhill.params.theta)) == (Status.CONVERGED, 0.0)
    assert not uphill.success or uphill.params.theta > 0.3


@pytest.mark.parametrize("counts", [[0, 0, 0, 5], [0, 0, 5, 0], [5, 0, 0, 0]])
def test_a_maximum_on_the_boundary_is_reached(counts: list[int]) -> None:
    result = emlib.fit(Linkage(), counts, algorithm=EM(), rng=0)
    assert result.success, result.message
    assert float(result.params.theta) == pytest.approx(0.0 if counts[2] else 1.0, abs=tol.BOUNDARY)


def test_a_run_at_rest_without_the_means_for_a_last_look_ends() -> None:
    """The M-step's point is the point itself, so that no step costs anything; it would go on for ever."""
    rng = np.random.default_rng(0)
    rows = (rng.random((400, 40)) < np.where(np.arange(400)[:, None] < 200, 0.02, 0.98)).astype(float)
    alone = emlib.fit(BernoulliMixture(2, 40), rows, algorithm=SQUAREM(), rng=1, max_estep=12)
    assert alone.status is Status.MAX_ESTEP
    assert "at rest, but the look at the curvature may take" in alone.message
