"""Gradient ascent with momentum: the published recursions, their rates, what is refused."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from emlib.algorithms import GradientAscent
from emlib.result import Status
from tests import tolerances as tol
from tests.algorithms.setting import PROBLEMS, by_name, fixed, near, run
from tests.contract.cases import Case

SMALL = 1e-4  # how far from the optimum the log-likelihood is a parabola
SLOW = [by_name(name) for name in ("poisson-2-plain", "gaussian-tied-d2-k3")]


def curvatures(case: Case) -> tuple[float, float]:
    """The smallest and the largest curvature at the optimum, free coordinates."""
    values = np.linalg.eigvalsh(-case.problem().hessian(case.free(case.optimum)))
    return float(values[0]), float(values[-1])


def path(case: Case, algorithm: GradientAscent, x: np.ndarray, count: int) -> np.ndarray:
    problem = case.problem()
    states = [algorithm.init(problem, problem.evaluate(x))]
    for _ in range(count):
        states.append(algorithm.step(problem, states[-1])[0])
    return np.array([state.evaluation.x for state in states])


def polyak(case: Case, x: np.ndarray, step: float, momentum: float, count: int) -> np.ndarray:
    """x_k+1 = x_k + step g(x_k) + momentum (x_k - x_k-1)."""
    problem, points = case.problem(), [x, x]
    for _ in range(count):
        points.append(points[-1] + step * problem.gradient(points[-1]) + momentum * (points[-1] - points[-2]))
    return np.array(points[1:])


def nesterov(case: Case, x: np.ndarray, step: float, momentum: float, count: int) -> np.ndarray:
    """x_k+1 = y_k + step g(y_k), y_k+1 = x_k+1 + momentum (x_k+1 - x_k); the y are returned."""
    problem, last, looks = case.problem(), x, [x]
    for _ in range(count):
        here = looks[-1] + step * problem.gradient(looks[-1])
        looks.append(here + momentum * (here - last))
        last = here
    return np.array(looks)


@pytest.mark.parametrize("case", PROBLEMS, ids=lambda case: case.name)
def test_the_recursions_are_polyaks_and_nesterovs(case: Case) -> None:
    x, step = case.free(near(case)), 0.5 * fixed(case, "free")
    heavy = path(case, GradientAscent(step, momentum=0.7), x, 15)
    ahead = path(case, GradientAscent(step, momentum=0.7, nesterov=True), x, 15)
    np.testing.assert_allclose(heavy, polyak(case, x, step, 0.7, 15), rtol=0, atol=tol.IDENTITY * np.abs(x).max())
    np.testing.assert_allclose(ahead, nesterov(case, x, step, 0.7, 15), rtol=0, atol=tol.IDENTITY * np.abs(x).max())
    assert np.abs(heavy - ahead).max() > tol.IDENTITY * np.abs(x).max()


def contraction(case: Case, algorithm: GradientAscent, count: int = 400) -> float:
    """The mean factor by which a step shrinks the distance from the optimum, over the second half of a run."""
    best = case.free(case.optimum)
    problem = case.problem()
    bend = -problem.hessian(best)
    for _ in range(3):  # Newton's steps take the optimum to the last digit
        best = best + np.linalg.solve(bend, problem.gradient(best))
    start = best + SMALL * np.linalg.eigh(bend)[1].sum(axis=1)
    errors = np.linalg.norm(path(case, algorithm, start, count) - best, axis=1)
    above = errors[errors > 1e-7 * errors[0]]
    return float((above[-1] / above[len(above) // 2]) ** (1 / (len(above) - 1 - len(above) // 2)))


@pytest.mark.parametrize("case", SLOW, ids=lambda case: case.name)
def test_rates_are_those_of_the_parabola(case: Case) -> None:
    low, high = curvatures(case)
    root = (np.sqrt(high) - np.sqrt(low)) / (np.sqrt(high) + np.sqrt(low))
    plain = contraction(case, GradientAscent(2 / (high + low)))
    heavy = contraction(case, GradientAscent(4 / (np.sqrt(high) + np.sqrt(low)) ** 2, momentum=root**2))
    ahead = contraction(case, GradientAscent(1 / high, momentum=root, nesterov=True))
    assert plain == pytest.approx((high - low) / (high + low), abs=tol.OBSERVED_RATE)
    assert heavy == pytest.approx(root, abs=5 * tol.OBSERVED_RATE)  # a double eigenvalue: n times the n-th power
    assert ahead == pytest.approx(1 - np.sqrt(low / high), abs=5 * tol.OBSERVED_RATE)
    assert max(heavy, ahead) < plain - tol.CONTROL


def test_fewer_passes_than_without() -> None:
    case = by_name("poisson-2-plain")
    low, high = curvatures(case)
    momentum = (np.sqrt(high / low) - 1) / (np.sqrt(high / low) + 1)
    plain, *others = (run(case, algorithm)[1] for algorithm in (
        GradientAscent(1 / high), GradientAscent(1 / high, momentum=momentum),
        GradientAscent(1 / high, momentum=momentum, nesterov=True)))
    for result in others:
        assert result.success
        assert result.n_estep < 0.5 * plain.n_estep
        assert result.loglik == pytest.approx(plain.loglik, abs=tol.SAME_OPTIMUM)


def test_one_e_step_an_iteration() -> None:
    case = by_name("poisson-2-plain")
    algorithm = GradientAscent(0.1 * fixed(case, "free"), momentum=0.5, nesterov=True)
    result = run(case, algorithm, tol=1e-13, max_estep=20)[1]
    assert [b - a for a, b in pairwise(result.trace.n_estep)] == [1] * result.nit


def test_too_much_momentum_is_honest() -> None:
    """A long step with much momentum leaves the parabola; the run ends without a claim and with the best point met."""
    case = by_name("gaussian-full-d1-k2")
    _, high = curvatures(case)
    result = run(case, GradientAscent(4.5 / high, momentum=0.9), case.points[0], max_estep=200)[1]
    assert not result.success
    assert result.status in (Status.MAX_ESTEP, Status.DEGENERATE, Status.NON_FINITE)
    assert result.loglik == pytest.approx(result.trace.loglik.max(), rel=tol.FALL)


@pytest.mark.parametrize(("make", "text"), [
    (lambda: GradientAscent(0.1, momentum=1.0), r"momentum: 1.0 found; a number from 0 to below 1"),
    (lambda: GradientAscent(0.1, momentum=-0.1), r"momentum: -0.1 found"),
    (lambda: GradientAscent(0.1, momentum=np.nan), r"momentum: nan found"),
    (lambda: GradientAscent(momentum=0.9), r"momentum: 0.9 found with a line search; give a step_length"),
    (lambda: GradientAscent(0.1, nesterov=True), r"nesterov: True found without momentum; give momentum"),
])
def test_settings_without_a_meaning_are_refused(make: Any, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        make()
