"""Stochastic gradients, Adam and online EM: the published recursions, special cases, honest ends."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import emlib
from emlib.algorithms import EM, SGD, Adam, FirstOrderEM, OnlineEM
from emlib.algorithms.batches import batches
from emlib.models import SymmetricMixture
from emlib.result import Status
from tests import tolerances as tol
from tests.algorithms.setting import PROBLEMS, STOCHASTIC, by_name, near, run
from tests.contract.cases import Case
from tests.contract.sabotage import Twin

EVERY = [pytest.param(make, case, id=f"{name}-{case.name}") for name, make in STOCHASTIC.items() for case in PROBLEMS]
CASE = by_name("poisson-2-plain")
ALL_UNITS = 10**6


def path(case: Case, algorithm: Any, count: int) -> np.ndarray:
    problem = case.problem(algorithm.coordinates)
    x0 = case.model.space.pack(near(case), algorithm.coordinates)
    states = [algorithm.init(problem, problem.evaluate(x0))]
    for _ in range(count):
        states.append(algorithm.step(problem, states[-1])[0])
    return np.array([state.evaluation.x for state in states])


@pytest.mark.parametrize("case", PROBLEMS, ids=lambda case: case.name)
def test_one_batch_of_all_units_is_first_order_em(case: Case) -> None:
    same = path(case, SGD(0.3, batch_size=ALL_UNITS, decay=0.0), 10)
    whole = path(case, FirstOrderEM(0.3, "free"), 10)
    np.testing.assert_allclose(same, whole, rtol=0, atol=tol.TWO_CODES)
    fading = path(case, SGD(0.3, batch_size=ALL_UNITS, decay=0.6), 10)
    assert np.abs(fading - whole).max() > tol.CONTROL


def test_the_k_th_pass_is_shorter_by_a_power_of_k() -> None:
    points = path(CASE, SGD(0.3, batch_size=ALL_UNITS, decay=0.7), 3)
    problem = CASE.problem()
    for k in (1, 2, 3):
        slope = problem.gradient(points[k - 1]) / CASE.data.n_units
        np.testing.assert_allclose(points[k] - points[k - 1], 0.3 / k**0.7 * slope, rtol=tol.TWO_CODES)


def kingma_and_ba(case: Case, length: float, count: int, corrected: bool = True) -> np.ndarray:
    """Algorithm 1 of Kingma & Ba (2015), for a maximum."""
    problem, points = case.problem(), [case.free(near(case))]
    mean, square = np.zeros(problem.size), np.zeros(problem.size)
    for t in range(1, count + 1):
        slope = problem.gradient(points[-1]) / case.data.n_units
        mean, square = 0.9 * mean + 0.1 * slope, 0.999 * square + 0.001 * slope**2
        first, second = (mean / (1 - 0.9**t), square / (1 - 0.999**t)) if corrected else (mean, square)
        points.append(points[-1] + length * first / (np.sqrt(second) + 1e-8))
    return np.array(points)


@pytest.mark.parametrize("case", PROBLEMS, ids=lambda case: case.name)
def test_adam_is_kingma_and_bas(case: Case) -> None:
    found = path(case, Adam(0.02), 20)
    np.testing.assert_allclose(found, kingma_and_ba(case, 0.02, 20), rtol=0, atol=tol.TWO_CODES)
    np.testing.assert_allclose(found, path(case, Adam(0.02, batch_size=ALL_UNITS), 20), rtol=0, atol=tol.TWO_CODES)
    assert np.abs(found - kingma_and_ba(case, 0.02, 20, corrected=False)).max() > tol.CONTROL


def test_adam_keeps_probabilities_on_their_simplex() -> None:
    case = by_name("gaussian-full-d2-k3")
    for algorithm in (Adam(0.01, coordinates="standard"), Adam(0.01, batch_size=20, coordinates="standard")):
        for x in path(case, algorithm, 20):
            assert x[:3].sum() == pytest.approx(1.0, abs=tol.ROUND_TRIP)
            assert case.model.space.fault(case.model.space.unpack(x, "standard")) is None


def cappe_and_moulines(rows: np.ndarray, start: Any, settings: OnlineEM, passes: int) -> list[np.ndarray]:
    """Poisson mixture: s <- s + g (batch mean - s), s the means of the memberships and of memberships times y.

    Returns weights and rates, side by side, after each batch.
    """
    def means(weights: np.ndarray, rates: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        joint = weights * rates ** y[:, None] * np.exp(-rates)
        shares = joint / joint.sum(axis=1, keepdims=True)
        return shares.mean(axis=0), (shares * y[:, None]).mean(axis=0)

    weights, rates, t = start.weights, start.rates, 0
    counts, sums = means(weights, rates, rows)
    points = []
    for epoch in range(passes):
        for batch, _ in batches(emlib.model.Data(rows), settings.batch_size, settings.seed, epoch):
            t += 1
            gain = (t + settings.t0) ** -settings.alpha
            fresh = means(weights, rates, batch.units)
            counts, sums = counts + gain * (fresh[0] - counts), sums + gain * (fresh[1] - sums)
            weights, rates = counts / counts.sum(), sums / counts
            points.append(np.concatenate([weights, rates]))
    return points


@pytest.mark.parametrize("average_after", [None, 0.0, 0.5, 1.3, 2.0])
def test_online_em_is_cappe_and_moulines(average_after: float | None) -> None:
    """The last point of three passes, or the mean of those after a time, counted in passes."""
    model, start = CASE.model, near(CASE)
    rows = np.asarray(CASE.data.units, dtype=float) if CASE.data.weights is None else np.asarray(CASE.raw, dtype=float)
    settings = OnlineEM(9, alpha=0.7, t0=3.0, seed=4, average_after=average_after)
    problem = emlib.Problem(model, emlib.model.Data(rows), "standard")
    state = settings.init(problem, problem.evaluate(model.space.pack(start, "standard")))
    for _ in range(3):
        state, _ = settings.step(problem, state)
    points = cappe_and_moulines(rows, start, settings, 3)
    first = len(points) - 1 if average_after is None else int(average_after * len(points) / 3)
    np.testing.assert_allclose(state.evaluation.x, np.mean(points[first:], axis=0), rtol=tol.TWO_CODES)
    np.testing.assert_allclose(state.memory["last"], points[-1], rtol=tol.TWO_CODES)
    assert np.abs(state.evaluation.x - np.mean(points[first - 1:], axis=0)).max() > tol.TWO_CODES or first == 0
    other = cappe_and_moulines(rows, start, OnlineEM(9, alpha=0.7, t0=2.0, seed=4), 3)
    assert np.abs(other[-1] - points[-1]).max() > tol.CONTROL


def test_the_average_is_as_good_as_maximum_likelihood() -> None:
    """One pass over fresh units, one at a time: variance I_o^-1 over the units averaged over; the last point's is not.

    An estimate of a variance from 100 replicates is off by 14 %, one standard deviation; for the last point one
    expects g_t/(2 I_c), twice as much.
    """
    model, replicates, units, late = SymmetricMixture(1), 100, 120, 0.25
    rng = np.random.default_rng(11)
    rows = rng.choice([-1.0, 1.0], (replicates, units)) * 1.5 + rng.standard_normal((replicates, units))
    whole = emlib.Problem(model, rows.reshape(-1, 1))
    information = -float(whole.hessian(np.array([1.5]))[0, 0]) / rows.size
    averages, ends = [], []
    for sample in rows:
        problem = emlib.Problem(model, sample[:, None], "standard")
        settings = OnlineEM(1, alpha=0.6, average_after=late)
        state, _ = settings.step(problem, settings.init(problem, problem.evaluate([1.5])))
        averages.append(float(state.evaluation.x[0]))
        ends.append(float(state.memory["last"][0]))
    promised = 1 / (information * units * (1 - late))
    found = [float(np.mean((np.array(each) - 1.5) ** 2)) / promised for each in (averages, ends)]
    assert 0.6 < found[0] < 1.5
    assert found[1] > 1.5


@pytest.mark.parametrize("case", PROBLEMS, ids=lambda case: case.name)
def test_one_batch_of_all_units_begins_with_an_em_step(case: Case) -> None:
    online, em = path(case, OnlineEM(ALL_UNITS, t0=0.0), 3), path(case, EM(), 3)
    held_back = path(case, OnlineEM(ALL_UNITS, t0=1.0), 1)
    np.testing.assert_allclose(online[1], em[1], rtol=0, atol=tol.TWO_CODES * np.abs(em[1]).max())
    assert np.abs(online[2] - em[2]).max() > 0
    if case.name != "linkage":
        assert np.abs(held_back[1] - held_back[0]).max() > 0


@pytest.mark.parametrize(("make", "case"), EVERY)
def test_a_few_passes_from_far_away_gain_much_and_claim_nothing(make: Any, case: Case) -> None:
    _, result = run(case, make(case), case.points[0], max_estep=30)
    best = case.optimum_loglik
    assert best - result.loglik < tol.HALF_WAY * (best - result.trace.loglik[0])
    assert result.status is Status.MAX_ESTEP
    assert set(result.trace.kind[1:]) <= {"sgd", "adam", "online"}


@pytest.mark.parametrize("name", ["sgd", "adam-batches"])
def test_slopes_of_the_wrong_sign_are_caught(name: str) -> None:
    def downhill(honest: Any, params: Any, stats: Any) -> Any:
        return {key: -slope for key, slope in honest.q_gradient(params, stats).items()}

    algorithm, best = STOCHASTIC[name](CASE), CASE.optimum_loglik
    problem = emlib.Problem(Twin(CASE.model, q_gradient=downhill), CASE.data)
    result = emlib.solve(problem, algorithm, CASE.free(CASE.points[0]), max_estep=30)
    assert best - result.loglik > tol.HALF_WAY * (best - result.trace.loglik[0])


def test_constant_steps_circle_and_do_not_converge() -> None:
    """The verdict is the loop's: what is still to be had stays above what would count as done."""
    circling, calming = (run(CASE, SGD(1.0, batch_size=5, decay=decay), max_estep=40)[1] for decay in (0.0, 0.9))
    assert circling.status is Status.MAX_ESTEP
    assert circling.remaining > 1e3 * emlib.algorithms.stopping.DEFAULT_TOL
    assert calming.remaining < 0.1 * circling.remaining


@pytest.mark.parametrize("make", STOCHASTIC.values(), ids=list(STOCHASTIC))
def test_a_verdict_of_convergence_is_true(make: Any) -> None:
    """With a modest tol the loop ends the run itself; what is left to gain is then what it says."""
    case = by_name("gaussian-full-d1-k2")
    result = run(case, make(case), tol=tol.MODEST, max_estep=400)[1]
    assert result.success, result.message
    assert 0 <= case.optimum_loglik - result.loglik < tol.GAIN_FACTOR * tol.MODEST
