"""Mini-batches: every unit once a pass, sums that add up, honest counts, runs that go on to the same bits."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import emlib
from emlib.algorithms import SGD, Adam, OnlineEM
from emlib.algorithms.batches import batches, kept_inside, mean_slope
from emlib.data import Data
from tests import tolerances as tol
from tests.algorithms.setting import PROBLEMS, STOCHASTIC, Listening, by_name, near
from tests.contract.cases import Case

CASE = by_name("gaussian-full-d1-k2")
MAKERS = [pytest.param(make, id=name) for name, make in STOCHASTIC.items()]


@pytest.mark.parametrize("size", [1, 7, 60, 100])
def test_each_unit_is_met_once_a_pass(size: int) -> None:
    data = Data(np.arange(60), np.arange(60) * 0.5)
    found = list(batches(data, size, seed=3, epoch=5))
    assert np.array_equal(np.sort(np.concatenate([batch.units for batch, _ in found])), data.units)
    for batch, factor in found:
        assert len(batch) == min(size, 60) or batch is found[-1][0]
        assert np.array_equal(batch.weights, 0.5 * batch.units)
        assert factor * len(batch) == pytest.approx(60, rel=1e-15)


def test_seed_and_pass_fix_the_order() -> None:
    def order(seed: int, epoch: int) -> list[int]:
        return [int(batch.units[0]) for batch, _ in batches(Data(np.arange(20)), 1, seed, epoch)]

    assert order(1, 2) == order(1, 2)
    assert len({tuple(order(*pair)) for pair in ((1, 2), (2, 1), (1, 3), (0, 0))}) == 4
    assert order(1, 2) != sorted(order(1, 2))


def test_sequences_are_taken_one_by_one() -> None:
    rows = [np.arange(k) for k in (1, 2, 3)]
    found = [batch.units for batch, _ in batches(Data(rows), 2, 0, 0)]
    assert sorted(len(unit) for units in found for unit in units) == [1, 2, 3]
    assert all(isinstance(units, list) for units in found)


@pytest.mark.parametrize("case", PROBLEMS, ids=lambda case: case.name)
@pytest.mark.parametrize("coordinates", ["free", "standard"])
def test_the_slopes_of_a_pass_add_up_to_the_gradient(case: Case, coordinates: str) -> None:
    """Each batch estimates the whole; without the factor the first batch alone would not."""
    problem = case.problem(coordinates)
    x = case.model.space.pack(case.points[0], coordinates)
    params = case.model.space.unpack(x, coordinates)
    whole = problem.lift(problem.reduce(problem.gradient(x))) / case.data.n_units
    steps = problem.batch_steps(7)
    found = [(mean_slope(problem, steps, params, batch, factor), factor)
             for batch, factor in batches(problem.data, 7, 1, 0)]
    total = sum(slope / factor for slope, factor in found)
    np.testing.assert_allclose(total, whole, rtol=0, atol=tol.REORDERED * np.abs(whole).max() * 10)
    if len(found) > 1:
        assert np.abs(found[0][0] / found[0][1] - whole).max() > tol.CONTROL * np.abs(whole).max()


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("case", PROBLEMS, ids=lambda case: case.name)
def test_a_pass_is_an_e_step_and_a_look_another(make: Any, case: Case) -> None:
    """The units that the model sees, as shares of all, are what is charged."""
    class Weighing(Listening):
        units = 0.0

        def e_step(self, params: Any, data: Any) -> Any:
            self.units += data.n_units
            return super().e_step(params, data)

    algorithm, model = make(case), Weighing(case.model)
    problem = emlib.Problem(model, case.data, algorithm.coordinates)
    state = algorithm.init(problem, problem.evaluate(case.model.space.pack(near(case), algorithm.coordinates)))
    for count in range(1, 5):
        state, info = algorithm.step(problem, state)
        assert (info.remaining, info.status) == (None, None)  # it claims nothing itself
        assert problem.n_estep == 1 + 2 * count
        assert model.units == pytest.approx(case.data.n_units * problem.n_estep)


@pytest.mark.parametrize("make", MAKERS)
def test_a_run_that_was_cut_off_goes_on_to_the_same_bits(make: Any, tmp_path: Path) -> None:
    algorithm = make(CASE)
    x0 = CASE.model.space.pack(near(CASE), algorithm.coordinates)

    def go(budget: int, chosen: Any = algorithm, **options: Any) -> emlib.Result:
        return emlib.solve(CASE.problem(chosen.coordinates), chosen, x0, tol=1e-13, max_estep=budget, **options)

    path = tmp_path / "run.emlib"
    go(11, checkpoint=path)
    resumed, straight = go(31, checkpoint=path), go(31)
    assert np.array_equal(resumed.x, straight.x)
    assert np.array_equal(resumed.trace.loglik, straight.trace.loglik)
    other = go(31, replace(algorithm, seed=algorithm.seed + 1))
    assert not np.array_equal(other.x, straight.x)


@pytest.mark.parametrize("coordinates", ["free", "standard"])
@pytest.mark.parametrize("case", PROBLEMS, ids=lambda case: case.name)
def test_moves_are_halved_until_they_stay_inside(case: Case, coordinates: str) -> None:
    problem = case.problem(coordinates)
    x = case.model.space.pack(case.points[0], coordinates)
    move = np.full(problem.size, 1e5)
    move[::2] *= -1
    with np.errstate(over="ignore", invalid="ignore"):
        there, params = kept_inside(problem, problem.batch_steps(7), x, move)
    assert case.model.space.fault(params) is None
    again = case.model.space.unpack(there, coordinates)
    assert all(np.array_equal(value, getattr(again, name)) for name, value in vars(params).items())
    if coordinates == "standard":
        assert case.model.space.fault(case.model.space.unpack(x + move, coordinates)) is not None
    nowhere = np.full(problem.size, np.nan)
    assert np.array_equal(kept_inside(problem, problem.batch_steps(7), x, nowhere)[0], x)


@pytest.mark.parametrize("algorithm", [SGD(1e4), SGD(1e4, coordinates="standard"), Adam(50.0, batch_size=7),
                                       Adam(50.0), Adam(50.0, coordinates="standard"), OnlineEM(2, t0=0.0)], ids=repr)
def test_steps_far_too_long_end_honestly(algorithm: Any) -> None:
    for case in (CASE, by_name("poisson-2-plain"), by_name("linkage")):
        problem = case.problem(algorithm.coordinates)
        result = emlib.solve(problem, algorithm, case.model.space.pack(case.points[0], algorithm.coordinates),
                             max_estep=20)
        assert np.isfinite(result.loglik)
        assert np.isfinite(result.x).all()
        assert result.loglik >= result.trace.loglik[0]
        assert not result.success or result.loglik > case.optimum_loglik - tol.SAME_OPTIMUM


@pytest.mark.parametrize(("make", "text"), [
    (lambda: SGD(0.0), r"step_length: 0.0 found; a positive number"),
    (lambda: SGD(batch_size=0), r"batch_size: 0 found; a batch holds at least one unit"),
    (lambda: SGD(batch_size=2.5), r"batch_size: 2.5 found"),
    (lambda: SGD(decay=-0.1), r"decay: -0.1 found; a number from 0 \(constant steps\) to 1"),
    (lambda: SGD(seed=-1), r"seed: -1 found; a whole number from 0"),
    (lambda: SGD(seed=np.random.default_rng(0)), r"seed: Generator.* found"),
    (lambda: Adam(np.nan), r"step_length: nan found"),
    (lambda: Adam(beta1=1.0), r"beta1: 1.0 found; a number from 0 to below 1"),
    (lambda: Adam(beta2="0.9"), r"beta2: '0.9' found"),
    (lambda: Adam(batch_size=-3), r"batch_size: -3 found"),
    (lambda: Adam(decay=2), r"decay: 2 found"),
    (lambda: OnlineEM(0), r"batch_size: 0 found"),
    (lambda: OnlineEM(alpha=0.5), r"alpha: 0.5 found; above 1/2 and at most 1"),
    (lambda: OnlineEM(alpha=1.1), r"alpha: 1.1 found"),
    (lambda: OnlineEM(t0=-1), r"t0: -1 found; a number from 0"),
    (lambda: OnlineEM(seed=True), r"seed: True found"),
    (lambda: OnlineEM(average_after=-0.5), r"average_after: -0.5 found; a number of passes from 0"),
    (lambda: OnlineEM(average_after="half"), r"average_after: 'half' found"),
])
def test_settings_without_a_meaning_are_refused(make: Any, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        make()
