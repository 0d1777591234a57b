"""The Kullback proximal point method: the maximiser, its rate, its two ends, and what is no setting."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

import emlib
from emlib.algorithms import EM, Proximal
from emlib.algorithms.proximal import ACCURACY
from emlib.models import Linkage
from tests import tolerances as tol
from tests.algorithms.setting import PROBLEMS, by_name, near
from tests.contract.cases import Case

COUNTS = (125, 18, 20, 34)
SOME = pytest.mark.parametrize("case", PROBLEMS, ids=lambda case: case.name)


def loglik(theta: float) -> float:
    return COUNTS[0] * np.log(2 + theta) + (COUNTS[1] + COUNTS[2]) * np.log(1 - theta) + COUNTS[3] * np.log(theta)


def penalty(first: float, second: float) -> float:
    """KL of the posteriors, from their own probabilities."""
    p, q = first / (2 + first), second / (2 + second)
    return COUNTS[0] * float(p * np.log(p / q) + (1 - p) * np.log((1 - p) / (1 - q)))


def one_step(algorithm: Any, theta: float) -> float:
    problem = emlib.Problem(Linkage(), COUNTS)
    state = algorithm.init(problem, problem.evaluate(problem.model.space.pack(problem.model.params(theta=theta))))
    return float(algorithm.step(problem, state)[0].evaluation.params.theta)


@pytest.mark.parametrize("beta", [1.0, 0.5, 0.1, 0.01])
@pytest.mark.parametrize("theta", [0.1, 0.5, 0.9])
def test_a_step_maximises_the_penalised_loglik(beta: float, theta: float) -> None:
    """The control: the arguments of the divergence in the other order."""
    def best(swapped: bool) -> float:
        def objective(u: float) -> float:
            return -loglik(u) + beta * (penalty(u, theta) if swapped else penalty(theta, u))
        return float(minimize_scalar(objective, bounds=(1e-6, 1 - 1e-6), method="bounded", options={"xatol": 1e-10}).x)

    found = one_step(Proximal(beta), theta)
    assert abs(found - best(swapped=False)) < 10 * ACCURACY * abs(found - theta)
    assert beta < 0.1 or abs(found - best(swapped=True)) > tol.CONTROL


@SOME
def test_with_beta_one_it_is_em(case: Case) -> None:
    problem = case.problem("free")
    start = problem.evaluate(problem.model.space.pack(near(case)))
    for decay, same in ((1.0, True), (0.5, False)):
        states = [algorithm.init(problem, start) for algorithm in (EM(), Proximal(1.0, decay))]
        for _ in range(3):
            states = [algorithm.step(problem, state)[0]
                      for algorithm, state in zip((EM(), Proximal(1.0, decay)), states, strict=True)]
        assert np.array_equal(*(state.evaluation.x for state in states)) is same


@SOME
@pytest.mark.parametrize("beta", [0.5, 0.1])
def test_the_rate_is_that_of_the_theorem(case: Case, beta: float) -> None:
    """Ratio of the last two errors in the slowest direction; the control is EM's own rate."""
    problem = case.problem("free")
    peak = problem.model.space.pack(case.optimum)
    values, vectors = np.linalg.eig(np.linalg.solve(
        problem.complete_information(problem.evaluate(peak)),
        problem.complete_information(problem.evaluate(peak)) + problem.hessian(peak)))
    slowest = int(values.real.argmax())
    slow, rate = vectors[:, slowest].real, float(values.real[slowest])
    wanted = beta * rate / (1 - rate + beta * rate)
    algorithm = Proximal(beta)
    state = algorithm.init(problem, problem.evaluate(peak + 1e-4 * slow / np.abs(slow).max()))
    before = np.linalg.norm(state.evaluation.x - peak)
    after = np.linalg.norm(algorithm.step(problem, state)[0].evaluation.x - peak)
    assert abs(after / before - wanted) < 2e-3
    assert abs(after / before - rate) > tol.CONTROL


def test_a_shrinking_penalty_beats_every_fixed_one() -> None:
    case = by_name("poisson-2-plain")
    problem = case.problem("free")
    peak, steps = problem.model.space.pack(case.optimum), 10
    ends = {}
    for algorithm in (Proximal(1.0), Proximal(0.5), Proximal(1.0, decay=0.5)):
        state = algorithm.init(problem, problem.evaluate(problem.model.space.pack(near(case))))
        for _ in range(steps):
            state, _ = algorithm.step(problem, state)
        ends[algorithm] = float(np.linalg.norm(state.evaluation.x - peak))
    assert ends[Proximal(1.0, decay=0.5)] < 0.1 * min(ends[Proximal(1.0)], ends[Proximal(0.5)])


@pytest.mark.parametrize(("options", "text"), [
    ({"beta": 0.0}, r"beta: 0.0 found; a number above 0 and at most 1"),
    ({"beta": 2}, r"beta: 2 found"),
    ({"beta": True}, r"beta: True found"),
    ({"decay": 1.5}, r"decay: 1.5 found"),
    ({"decay": np.nan}, r"decay: nan found"),
])
def test_settings_without_a_meaning_are_refused(options: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        Proximal(**options)


def test_free_coordinates_are_demanded() -> None:
    with pytest.raises(ValueError, match="Proximal works in 'free' ones"):
        emlib.solve(emlib.Problem(Linkage(), COUNTS, "standard"), Proximal(), np.array([0.5]))
