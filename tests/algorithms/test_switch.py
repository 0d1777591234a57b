"""The hybrid: whose turn it is, what the criteria measure, hysteresis, fall-back, refusals."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import emlib
from emlib import diagnostics as dx
from emlib.algorithms import (
    ECG,
    EM,
    LBFGS,
    Criterion,
    FirstOrderEM,
    GradientAscent,
    IncrementalEM,
    Info,
    State,
    Switch,
    after,
    entropy_above,
    missing_information_above,
)
from emlib.models import CategoricalHMM, GaussianMixture, Linkage, SymmetricMixture, SymmetricRegressionMixture
from emlib.result import Status
from tests import tolerances as tol
from tests.algorithms.setting import PROBLEMS, by_name, near, run
from tests.contract.cases import Case

CASE = by_name("poisson-2-plain")


def kinds(algorithm: Any, case: Case = CASE, **options: Any) -> list[str]:
    """Who made the steps."""
    return list(run(case, algorithm, **options)[1].trace.kind[1:])


def following(values: list[float], level: float = 0.5) -> Criterion:
    """A criterion that reads prescribed values, one a step."""
    return Criterion("prescribed", level, lambda problem, before, after, n_steps: values[n_steps])


@pytest.mark.parametrize("n", [0, 1, 4])
def test_the_second_algorithm_takes_over_after_n_steps(n: int) -> None:
    found = kinds(Switch(EM(), ECG(), after(n)), max_estep=60, tol=1e-13)
    assert found[:n] == ["em"] * n
    assert set(found[n:]) == {"ecg"}


@pytest.mark.parametrize(("hysteresis", "expected"), [(0.0, "m c m c m m"), (0.2, "m c c c m m"), (0.5, "m c c c c c")])
def test_hysteresis_keeps_the_second_algorithm(hysteresis: float, expected: str) -> None:
    """The reading after a step decides on the next one; at the level is above it."""
    switch = Switch(EM(), ECG(), following([0.0, 0.5, 0.4, 0.5, 0.2, 0.1, 0.0]), hysteresis)
    found = []
    problem = CASE.problem()
    state = switch.init(problem, problem.evaluate(CASE.free(CASE.points[0])))
    for _ in range(6):
        state, info = switch.step(problem, state)
        found.append(info.kind[1])  # of em or ecg
    assert " ".join(found) == expected


def test_what_cannot_be_measured_changes_nothing() -> None:
    nan = float("nan")
    assert set(kinds(Switch(EM(), ECG(), following([nan] * 9)), max_estep=8, tol=1e-13)) == {"em"}
    assert kinds(Switch(EM(), ECG(), following([1.0] + [nan] * 30)), max_estep=8, tol=1e-13)[-1] == "ecg"


def clusters(distance: float) -> tuple[GaussianMixture, emlib.Problem, Any]:
    rng = np.random.default_rng(4)
    rows = np.concatenate([rng.standard_normal(100), distance + rng.standard_normal(100)])[:, None]
    model = GaussianMixture(2, 1, "tied")
    start = model.params(weights=[0.5, 0.5], means=[[-0.3], [distance + 0.3]], covariances=[[1.0]])
    return model, emlib.Problem(model, rows), model.space.pack(start)


@pytest.mark.parametrize("when", [entropy_above(0.3), missing_information_above(0.5)], ids=lambda when: when.name)
def test_separated_clusters_are_left_to_em_and_overlapping_ones_are_not(when: Criterion) -> None:
    def workers(distance: float) -> set[str]:
        _, problem, x0 = clusters(distance)
        result = emlib.solve(problem, Switch(EM(), ECG(), when), x0)
        assert result.success
        return set(result.trace.kind[1:])

    assert workers(8.0) == {"em"}
    assert "ecg" in workers(2.0)


def test_the_entropy_is_that_of_the_diagnostics() -> None:
    model, problem, x0 = clusters(2.0)
    here = problem.evaluate(x0)
    value = entropy_above(0.5).measure(problem, here, here, 0)
    assert value == pytest.approx(dx.posterior_entropy(model, problem.data, here.params, normalised=True), rel=1e-14)
    assert 0 < value < 1


def test_the_entropy_of_sequences_is_that_of_the_single_states() -> None:
    """Not that of the paths, which is less because the states of a path tell about each other."""
    rng = np.random.default_rng(1)
    raw = [rng.integers(0, 2, 30), rng.integers(0, 2, 12)]
    model = CategoricalHMM(2, 2)
    problem = emlib.Problem(model, model.as_data(raw, [1, 3]))
    here = problem.evaluate(problem.model.space.pack(model.params(
        initial=[0.5, 0.5], transition=[[0.9, 0.1], [0.2, 0.8]], emission=[[0.7, 0.3], [0.2, 0.8]])))
    value = entropy_above(0.5).measure(problem, here, here, 0)
    assert problem.n_estep == 2
    rows = [model.posterior(here.params, sequence) for sequence in raw]
    single = [float(-(shares * np.log2(shares)).sum()) for shares in rows]
    assert value == pytest.approx((single[0] + 3 * single[1]) / (30 + 3 * 12), rel=tol.REORDERED)
    assert here.entropy / (66 * np.log(2)) < value - tol.CONTROL


ROWS = np.random.default_rng(7).standard_normal((30, 2)) + 1.0


@pytest.mark.parametrize(("model", "raw"), [(SymmetricMixture(2, 1.5), ROWS),
                                            (SymmetricRegressionMixture(2), (ROWS, ROWS[::-1, 0]))],
                         ids=["means", "regressions"])
def test_the_entropy_of_symmetric_mixtures_is_that_of_their_signs(model: Any, raw: Any) -> None:
    """In bits, since K = 2: one where the components agree; the copies' weights count."""
    seen = 1 + np.arange(30) % 2
    problem = emlib.Problem(model, model.as_data(raw, seen))

    def value(x: Any) -> float:
        here = problem.evaluate(x)
        return entropy_above(0.5).measure(problem, here, here, 0)

    shares = model.posterior(model.space.unpack(np.array([0.4, -0.3])), raw)
    bits = -(shares * np.log2(shares)).sum(axis=1)
    assert value([0.4, -0.3]) == pytest.approx(np.average(bits, weights=seen), rel=tol.REORDERED)
    assert abs(value([0.4, -0.3]) - bits.mean()) > tol.CONTROL
    assert value([0.0, 0.0]) == pytest.approx(1.0, rel=tol.REORDERED)
    result = emlib.fit(model, raw, algorithm=Switch(EM(), ECG(), entropy_above(0.01)), rng=0)
    assert result.success
    assert "ecg" in result.trace.kind


@pytest.mark.parametrize("case", PROBLEMS, ids=lambda case: case.name)
@pytest.mark.parametrize("coordinates", ["free", "standard"])
def test_the_share_is_the_rayleigh_quotient_of_the_missing_information(case: Case, coordinates: str) -> None:
    """At the optimum, for a small move in any direction; without the metric it is not."""
    problem = case.problem(coordinates)
    here = problem.evaluate(case.model.space.pack(case.optimum, coordinates))
    rng = np.random.default_rng(6)
    move = 1e-5 * problem.lift(problem.reduce(rng.standard_normal(problem.size)))
    there = problem.evaluate(here.x + move)
    bend = -problem.hessian(here.x)
    complete = -case.model.q_hessian(here.params, here.stats, coordinates)
    expected = 1 - (move @ bend @ move) / (move @ complete @ move)
    before = problem.n_estep
    share = missing_information_above(0.5).measure(problem, here, there, 1)
    assert problem.n_estep == before
    assert share == pytest.approx(expected, abs=tol.SMALL_MOVE)
    assert abs(share - 1 + (move @ bend @ move) / (move @ move)) > tol.SMALL_MOVE  # without the metric


def test_along_em_steps_the_share_rises_to_ems_rate() -> None:
    problem = CASE.problem()
    rate = dx.information(CASE.model, CASE.data, CASE.optimum).rate
    here, shares = problem.evaluate(CASE.free(near(CASE))), []
    for _ in range(200):
        there = problem.evaluate(problem.m_step(here).x)
        shares.append(missing_information_above(0.5).measure(problem, here, there, 1))
        here = there
    assert shares[-1] == pytest.approx(rate, abs=tol.OBSERVED_RATE)
    assert abs(shares[0] - rate) > tol.OBSERVED_RATE


def test_the_largest_of_the_last_shares_counts() -> None:
    """Else the conjugate directions, some of which EM would take fast, would throw it back to EM again and again."""
    slow = Switch(EM(), ECG(), missing_information_above(0.8))
    short = Criterion("short memory", 0.8, missing_information_above(0.8).measure)
    far = CASE.points[0]
    patient, hasty = run(CASE, slow, far)[1], run(CASE, Switch(EM(), ECG(), short), far)[1]
    assert patient.n_estep < 0.5 * hasty.n_estep
    turns = [int(np.sum(result.trace.kind[2:] != result.trace.kind[1:-1])) for result in (patient, hasty)]
    assert turns[0] < turns[1]


class Stuck:
    """An algorithm whose line search never finds anything."""

    coordinates, monotone = "free", True

    def init(self, problem: Any, evaluation: Any) -> State:
        return State(evaluation)

    def step(self, problem: Any, state: State) -> tuple[State, Info]:
        return state, Info("stuck", False, None, Status.LINE_SEARCH_FAILED)


def test_the_first_algorithm_helps_the_second_out() -> None:
    result = run(CASE, Switch(EM(), Stuck(), after(2)), max_estep=9, tol=1e-13)[1]
    assert list(result.trace.kind[1:]) == ["em"] * 8
    assert result.status is Status.MAX_ESTEP
    assert run(CASE, Switch(Stuck(), EM(), after(1)))[1].status is Status.LINE_SEARCH_FAILED


def test_two_of_the_same_are_one() -> None:
    alone, both = run(CASE, LBFGS()), run(CASE, Switch(LBFGS(), LBFGS(), after(10_000)))
    assert np.array_equal(alone[1].trace.loglik, both[1].trace.loglik)
    nested = run(CASE, Switch(EM(), Switch(EM(), LBFGS(), after(2)), after(3)))[1]
    assert list(nested.trace.kind[1:7]) == ["em"] * 5 + ["lbfgs"]


def test_coordinates_and_promises_are_those_of_both() -> None:
    assert Switch(EM(), IncrementalEM(), after(1)).coordinates == "standard"
    assert Switch(EM(), ECG(), after(1)).coordinates == "free"
    assert Switch(EM(), ECG(), after(1)).monotone
    assert not Switch(EM(), GradientAscent(0.1), after(1)).monotone


@pytest.mark.parametrize(("make", "error", "text"), [
    (lambda: Switch(EM(), ECG(), when=0.5), TypeError, r"when: 0.5 found; give a criterion"),
    (lambda: Switch(EM, ECG(), after(1)), TypeError, r"algorithm: <class .*EM'> found"),
    (lambda: Switch(EM(), ECG(), after(1), hysteresis=-0.1), ValueError, r"hysteresis: -0.1 found"),
    (lambda: Switch(EM(), ECG(), after(1), hysteresis=np.nan), ValueError, r"hysteresis: nan found"),
    (lambda: entropy_above(1.5), ValueError, r"level: 1.5 found; the normalised entropy lies between 0 and 1"),
    (lambda: entropy_above("high"), ValueError, r"level: 'high' found"),
    (lambda: missing_information_above(1.01), ValueError, r"level: 1.01 found; the share .* at most 1"),
    (lambda: after(-1), ValueError, r"n: -1 found; a number of steps"),
    (lambda: after(2.0), ValueError, r"n: 2.0 found"),
])
def test_settings_without_a_meaning_are_refused(make: Any, error: Any, text: str) -> None:
    with pytest.raises(error, match=text):
        make()


def test_models_without_a_discrete_hidden_variable_are_refused_at_the_start() -> None:
    switch = Switch(FirstOrderEM(0.01), EM(), entropy_above(0.5))
    with pytest.raises(ValueError, match=r"entropy_above: Linkage names no .* use missing_information_above"):
        emlib.fit(Linkage(), [125, 18, 20, 34], algorithm=switch)
    with pytest.raises(ValueError, match=r"ECG works in 'free' ones, the problem has 'standard'"):
        emlib.fit(CASE.model, CASE.raw, algorithm=Switch(EM(), ECG(), after(99)), coordinates="standard", rng=0)
