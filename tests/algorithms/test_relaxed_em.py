"""Over-relaxed EM: its range, its best step, its monotone part, its fall-back (theorem T12)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import emlib
from emlib import diagnostics as dx
from emlib.algorithms import EM
from emlib.models import Linkage, PoissonMixture
from emlib.result import Status
from tests import tolerances as tol
from tests.algorithms.setting import PROBLEMS, by_name, near, run
from tests.contract.cases import Case

SMALL = 1e-4  # how far from the optimum the linear part of the map is all that counts
STEPS = (0.5, 1.0, 1.5, 1.9)
FEW = [by_name(name) for name in ("linkage", "poisson-3-tabulated", "gaussian-full-d2-k3")]


def ends(case: Case) -> tuple[float, float]:
    """The smallest and the largest eigenvalue of EM's Jacobian."""
    values = np.linalg.eigvals(dx.em_jacobian(case.model, case.data, case.optimum)).real
    return float(values.min()), float(values.max())


def contraction(case: Case, length: float, steps: int = 60) -> float:
    """By how much a step shrinks the distance in the end, measured on the map itself."""
    problem = case.problem("standard")
    best = problem.evaluate(case.standard(case.optimum)).x
    best = polished(problem, best)
    rng = np.random.default_rng(2)
    move = SMALL * problem.lift(problem.reduce(rng.standard_normal(problem.size)))
    sizes = []
    for _ in range(steps):
        x = best + SMALL * move / np.linalg.norm(move)
        after = EM(length).step(problem, EM().init(problem, problem.evaluate(x)))[0].evaluation.x - best
        sizes.append(np.linalg.norm(after) / SMALL)
        move = after
    return float(np.exp(np.mean(np.log(sizes[-6:]))))


def polished(problem: emlib.Problem, x: np.ndarray) -> np.ndarray:
    for _ in range(200):
        x = problem.em_map(x)
    return x


@pytest.mark.parametrize("length", STEPS)
@pytest.mark.parametrize("case", FEW, ids=lambda case: case.name)
def test_the_rate_is_that_of_the_worse_end(case: Case, length: float) -> None:
    low, high = ends(case)
    expected = max(abs(1 - length * (1 - low)), abs(1 - length * (1 - high)))
    assert contraction(case, length) == pytest.approx(expected, abs=2 * tol.OBSERVED_RATE)


@pytest.mark.parametrize("case", FEW, ids=lambda case: case.name)
def test_the_best_step_is_better_than_its_neighbours(case: Case) -> None:
    low, high = ends(case)
    best = 2 / (2 - low - high)
    found = {length: contraction(case, length) for length in (0.9 * best, best, 1.1 * best)}
    assert found[best] == pytest.approx((high - low) / (2 - low - high), abs=2 * tol.OBSERVED_RATE)
    assert found[best] < min(found[0.9 * best], found[1.1 * best])


@pytest.mark.parametrize("case", FEW, ids=lambda case: case.name)
def test_the_range_ends_where_it_is_said_to(case: Case) -> None:
    limit = 2 / (1 - ends(case)[0])
    if case.is_mixture:
        assert limit == pytest.approx(2, abs=tol.CURVATURE)
    assert contraction(case, 0.97 * limit) < 1 < contraction(case, 1.03 * limit)


@pytest.mark.parametrize("case", PROBLEMS, ids=lambda case: case.name)
def test_up_to_one_the_log_likelihood_never_falls(case: Case) -> None:
    for length in (0.1, 0.6, 1.0):
        for start in case.points:
            _, result = run(case, EM(length), start, max_estep=25, tol=1e-13)
            assert result.status is not Status.DECREASED
            assert np.diff(result.trace.loglik).min() >= -tol.FALL * abs(result.loglik)


def test_beyond_one_it_falls_and_no_promise_is_made() -> None:
    case = by_name("gaussian-full-d1-k2")
    _, result = run(case, EM(1.9), case.points[1], max_estep=200, tol=1e-13)
    assert not EM(1.9).monotone
    assert EM(1.0).monotone
    assert np.diff(result.trace.loglik).min() < -tol.CONTROL
    assert result.status is not Status.DECREASED


def test_one_is_em_to_the_bit() -> None:
    case = by_name("gaussian-full-d2-k3")
    plain, same, other = (run(case, algorithm)[1] for algorithm in (EM(), EM(1.0), EM(1.01)))
    assert np.array_equal(plain.trace.loglik, same.trace.loglik)
    assert not np.array_equal(plain.trace.loglik[:5], other.trace.loglik[:5])


def test_fewer_passes_where_em_is_slow() -> None:
    case = by_name("poisson-2-plain")
    relaxed, plain = (run(case, EM(length), near(case))[1] for length in (1.9, 1.0))
    assert relaxed.success
    assert relaxed.n_estep < 0.65 * plain.n_estep
    assert relaxed.loglik == pytest.approx(plain.loglik, abs=tol.SAME_OPTIMUM)


@pytest.mark.parametrize("length", [2.5, 10.0, 1e6])
def test_a_step_out_of_the_space_is_brought_back(length: float) -> None:
    """Each step ends inside, at a point with a number for its log-likelihood; without the fall-back it would not."""
    for case in PROBLEMS:
        problem = case.problem("standard")
        here = problem.evaluate(case.standard(case.points[0]))
        state, info = EM(length).step(problem, EM().init(problem, here))
        assert info.accepted
        assert state.evaluation.fault is None
        far = here.x + 1e6 * (problem.m_step(here).x - here.x)
        assert problem.evaluate(far).fault is not None


@pytest.mark.parametrize("length", [2.5, 4.0, 1e3])
def test_beyond_the_range_there_is_no_success(length: float) -> None:
    for model, raw, start in ((Linkage(), [125, 18, 20, 34], {"theta": 0.5}), (PoissonMixture(2), by_name(
            "poisson-2-plain").raw, {"weights": [0.3, 0.7], "rates": [1.0, 3.0]})):
        result = emlib.fit(model, raw, start=start, algorithm=EM(length), max_estep=300)
        assert not result.success
        assert np.isfinite(result.loglik)
        assert result.loglik >= result.trace.loglik[0]


@pytest.mark.parametrize("value", [0.0, -1.0, np.inf, np.nan, "one", True])
def test_steps_without_a_meaning_are_refused(value: Any) -> None:
    with pytest.raises(ValueError, match=r"step_length: .* found; a positive number is needed"):
        EM(value)
