"""Every algorithm on every problem: a stationary point, the optimum of scipy, monotone where promised."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.optimize import minimize

import emlib
from emlib.algorithms import EM, FirstOrderEM, GradientAscent
from emlib.evaluation.companions import in_coordinates
from tests import tolerances as tol
from tests.algorithms.setting import (
    ALGORITHMS,
    FEW,
    OWN,
    PROBLEMS,
    SEQUENCES,
    Listening,
    by_name,
    near,
    run,
)
from tests.contract.cases import Case

EVERY = [pytest.param(make, case, id=f"{name}-{case.name}") for name, make in ALGORITHMS.items() for case in PROBLEMS]
EVERY += [pytest.param(ALGORITHMS[name], case, id=f"{name}-{case.name}") for name in FEW for case in SEQUENCES]
EVERY += [pytest.param(lambda case: OWN[case.name], by_name(name), id=name) for name in OWN]


@pytest.mark.parametrize(("make", "case"), EVERY)
def test_reaches_the_optimum(make: Any, case: Case) -> None:
    algorithm = make(case)
    problem, result = run(case, algorithm)
    assert result.success, result.message
    assert result.status is emlib.Status.CONVERGED
    best = case.optimum_loglik
    assert 0 <= best - result.loglik + tol.FALL * abs(best) <= tol.SAME_OPTIMUM
    slope = problem.reduce(-result.jac)
    assert np.abs(slope).max() <= np.sqrt(tol.SAME_OPTIMUM) * max(1.0, case.data.n_units) ** 0.5
    if algorithm.monotone:
        assert np.diff(result.trace.loglik).min() >= -tol.FALL * abs(best)
    check_result(problem, result)


def check_result(problem: emlib.Problem, result: emlib.Result) -> None:
    """What every result must be, however the run ended."""
    again = in_coordinates(problem, problem.coordinates).evaluate(result.x)
    assert again.loglik == result.loglik == -result.fun
    assert np.array_equal(-again.gradient, result.jac)
    for block in problem.model.space.blocks:
        assert np.array_equal(getattr(again.params, block.name), getattr(result.params, block.name))
    assert result.nfev == result.n_estep == problem.n_estep
    assert result.n_mstep == problem.n_mstep
    assert result.stopped_by == result.status.name
    assert result.success == (result.status is emlib.Status.CONVERGED)
    assert result.message.startswith(result.status.value)
    assert result.nit == len(result.trace) - 1
    columns = [getattr(result.trace, name) for name in result.trace.columns]
    assert {len(column) for column in columns} == {result.nit + 1}
    assert np.all(np.diff(result.trace.n_estep) >= 0)
    assert result.trace.kind[0] == "start"
    assert result.loglik >= result.trace.loglik.max() - tol.FALL * max(1.0, abs(result.loglik))


@pytest.mark.extras
@pytest.mark.parametrize("case", PROBLEMS, ids=lambda case: case.name)
def test_the_optimum_is_scipys(case: Case) -> None:
    """scipy on the witness's log-likelihood, which shares no code with emlib."""
    start = case.free(near(case))
    found = minimize(lambda x: (-case.witness.loglik(x), -case.witness.gradient(x)), start, jac=True, method="BFGS",
                     options={"gtol": 1e-6})
    assert abs(-found.fun - case.witness.loglik(case.free(case.optimum))) <= tol.SAME_OPTIMUM


@pytest.mark.parametrize(("make", "case"), EVERY)
def test_counters_are_right(make: Any, case: Case) -> None:
    """E-steps: each call of the model's, plus what Louis's matrices are charged; the last point is never redone."""
    algorithm, model = make(case), Listening(case.model)
    problem = Watched(model, case.data, algorithm.coordinates)
    result = emlib.solve(problem, algorithm, case.model.space.pack(near(case), algorithm.coordinates), max_estep=60)
    charge = case.model.missing_information_cost()
    assert result.n_estep == len(model.seen) + charge * model.louis
    if case.has_closed_form or algorithm.coordinates == "free":  # else a twin takes differences of the gradient
        assert len(model.seen) <= problem.asked
    assert result.n_mstep <= model.m_steps


class Watched(emlib.Problem):
    """Counts how often another point is asked for than the time before."""

    asked = 0
    last: Any = None

    def evaluate(self, x: Any) -> Any:
        if self.last is None or not np.array_equal(x, self.last):
            self.asked, self.last = self.asked + 1, np.array(x)
        return super().evaluate(x)


def test_a_second_solve_counts_from_zero() -> None:
    case = by_name("linkage")
    problem = case.problem("standard")
    first = emlib.solve(problem, EM(), [0.5])
    second = emlib.solve(problem, EM(), [0.5])
    assert first.n_estep == second.n_estep
    assert problem.n_estep == first.n_estep + second.n_estep


@pytest.mark.parametrize("case", PROBLEMS, ids=lambda case: case.name)
def test_first_order_em_is_gradient_ascent(case: Case) -> None:
    """The same points, step for step; with another step length it is not."""
    def path(algorithm: Any) -> np.ndarray:
        points: list[np.ndarray] = []
        run(case, algorithm, max_estep=15, tol=1e-14, callback=lambda intermediate_result: points.append(
            intermediate_result.trace.loglik[-1]))
        return np.array(points)

    step = 0.2 / case.data.n_units
    slow, same = path(GradientAscent(step, "standard")), path(FirstOrderEM(step * case.data.n_units))
    other = path(FirstOrderEM(1.5 * step * case.data.n_units))
    np.testing.assert_allclose(slow, same, rtol=tol.IDENTITY, atol=0)
    assert np.abs(slow - other).max() > tol.IDENTITY * np.abs(slow).max()


def test_the_default_of_fit_reaches_the_optimum_of_all_starts() -> None:
    case = by_name("poisson-2-plain")
    result = emlib.fit(case.model, case.raw, n_starts=5, rng=1)
    assert result.success
    assert "best of 5 starts" in result.message
    assert abs(result.loglik - case.optimum_loglik) <= tol.SAME_OPTIMUM


@pytest.mark.parametrize("case", PROBLEMS, ids=lambda case: case.name)
def test_fit_needs_nothing_else(case: Case) -> None:
    result = emlib.fit(case.model, case.raw, sample_weight=case.sample_weight, rng=2)
    again = emlib.fit(case.model, case.raw, sample_weight=case.sample_weight, rng=2)
    assert result.success, result.message
    assert result.seed == 2
    assert np.array_equal(result.x, again.x)
    assert result.loglik >= case.model.e_step(result.start, case.data).loglik


@pytest.mark.parametrize("name", ["em", "newton", "lbfgs"])
@pytest.mark.parametrize("case", PROBLEMS, ids=lambda case: case.name)
def test_estimated_gain_is_the_true_gain(name: str, case: Case) -> None:
    """Near the optimum `remaining` is within a factor of what is left to gain."""
    _, result = run(case, ALGORITHMS[name](case), tol=1e-11)
    true = case.optimum_loglik - result.trace.loglik
    estimate = result.trace.remaining
    near_by = (true > 1e-9) & (true < 1e-4) & (np.arange(len(true)) > 3)
    if name == "em":
        ratio = estimate[near_by] / true[near_by]
        assert np.all((ratio > 1 / tol.GAIN_FACTOR) & (ratio < tol.GAIN_FACTOR)), ratio
    final = true[-1]
    assert final <= tol.GAIN_FACTOR * max(result.remaining, 1e-11) + tol.IDENTITY * abs(result.loglik)


def test_the_estimate_can_be_wrong_far_away() -> None:
    """The control: from far away the factor does not hold."""
    case = by_name("poisson-2-plain")
    _, result = run(case, EM(), start=case.points[0])
    true = case.optimum_loglik - result.trace.loglik
    ratio = result.trace.remaining[1:5] / true[1:5]
    assert not np.all((ratio > 1 / tol.GAIN_FACTOR) & (ratio < tol.GAIN_FACTOR))
