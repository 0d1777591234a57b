"""A relay: one algorithm after the other, each in its own coordinates."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import emlib
from emlib import Problem, Status, datasets
from emlib.algorithms import EM, SQUAREM, Adaptive, Newton, Relay, Switch, after
from emlib.models import CategoricalHMM, GaussianMixture
from tests.tolerances import SAME_OPTIMUM

MODEL, ROWS = GaussianMixture(2, 1), datasets.two_normals(300, 2.5, np.random.default_rng(0))
RELAY = Relay(SQUAREM(), Adaptive(), 4)


def start() -> Any:
    """One start for all runs."""
    return MODEL.start(MODEL.as_data(ROWS), np.random.default_rng(1))


def run(algorithm: Any = RELAY, **options: Any) -> emlib.Result:
    """The end of a run from that start."""
    return emlib.fit(MODEL, ROWS, start=start(), algorithm=algorithm, **options)


def test_the_first_works_in_its_own_coordinates_bit_by_bit() -> None:
    """Four cycles of SQUAREM in standard coordinates, which those in free ones are not."""
    found, alone, free = run(), run(SQUAREM(), max_iter=4), run(SQUAREM(coordinates="free"), max_iter=4)
    assert list(found.trace.loglik[:5]) == list(alone.trace.loglik)
    assert list(found.trace.loglik[:5]) != list(free.trace.loglik)


def test_the_second_goes_on_as_if_it_had_begun_there() -> None:
    found, first = run(), run(SQUAREM(), max_iter=4)
    second = emlib.fit(MODEL, ROWS, start=first.params, algorithm=Adaptive())
    assert found.success
    assert list(found.trace.kind[5:]) == list(second.trace.kind[1:])
    assert found.n_estep == first.n_estep + second.n_estep
    assert found.loglik == second.loglik


def test_point_and_gradient_are_in_the_coordinates_in_which_it_began() -> None:
    found, problem = run(), Problem(MODEL, ROWS, "standard")
    assert "newton" in found.trace.kind  # by then the run was in free coordinates
    here = problem.evaluate(MODEL.space.pack(found.params, "standard"))
    assert found.x == pytest.approx(here.x, rel=1e-15)
    assert found.jac == pytest.approx(-here.gradient, rel=1e-12, abs=1e-12 * here.magnitude)
    seen: list[int] = []
    run(callback=lambda each: seen.append(len(each.x)))
    assert set(seen) == {MODEL.space.size("standard")}


def test_a_problem_is_left_in_the_coordinates_it_came_in() -> None:
    for coordinates in ("standard", "free"):
        problem = Problem(MODEL, ROWS, coordinates)
        found = emlib.solve(problem, RELAY, MODEL.space.pack(start(), coordinates))
        assert found.success
        assert problem.coordinates == coordinates
        assert problem.size == len(found.x) == len(problem.gradient(found.x))


@pytest.mark.parametrize("cut", [2, 4, 5, 7])
def test_a_run_that_was_cut_off_has_the_same_bits(cut: int, tmp_path: Path) -> None:
    whole, file = run(), tmp_path / "run.npz"
    run(checkpoint=file, max_iter=cut)
    again = run(checkpoint=file)
    assert again.loglik == whole.loglik
    assert (again.n_estep, again.n_mstep) == (whole.n_estep, whole.n_mstep)
    assert again.x.tobytes() == whole.x.tobytes()
    assert list(again.trace.loglik) == list(whole.trace.loglik)


def test_a_probability_of_zero_is_lifted_off_its_boundary() -> None:
    """EM keeps a zero, which has no log-odds; `solve` takes it for an entry like others, not for a known one."""
    symbols = np.random.default_rng(2).integers(0, 3, 200)
    model = CategoricalHMM(2, 3)
    given = model.params(initial=[0.5, 0.5], transition=[[0.8, 0.2], [0.3, 0.7]],
                         emission=[[0.6, 0.4, 0.0], [0.2, 0.3, 0.5]])
    problem = Problem(model, symbols, "standard")
    x0 = model.space.pack(given, "standard")
    slow, found = (emlib.solve(problem, each, x0, max_iter=6) for each in (EM(), Relay(EM(), Adaptive(), 2)))
    assert slow.params.emission[0, 2] == 0.0
    assert np.isfinite(found.x).all()
    assert found.params.emission[0, 2] > 0.0
    assert found.loglik >= slow.loglik - SAME_OPTIMUM
    with pytest.raises(ValueError, match="zero"):  # that a zero cannot go over as it is
        model.space.pack(slow.params, "free")


def test_a_run_that_is_done_before_has_no_second_part() -> None:
    found = run(Relay(EM(), Newton(), 4000))
    assert found.success
    assert set(found.trace.kind) == {"start", "em"}


def test_it_falls_back_to_em_from_either_part() -> None:
    """A model's own collapse ends both; with `fall_back` the run is where EM alone ends."""
    model = GaussianMixture(3, 2)
    rows = np.random.default_rng(5).standard_normal((25, 2))
    for seed in range(8):
        given = model.start(model.as_data(rows), np.random.default_rng(seed))
        found, slow = (emlib.fit(model, rows, start=given, algorithm=each) for each in (None, EM()))
        assert found.status is not Status.DEGENERATE or slow.status is Status.DEGENERATE


@pytest.mark.parametrize(("arguments", "text"), [
    ((EM(), EM(), 3), "second"), ((EM(), Newton(), 0), "n_steps"), ((EM(), Newton(), True), "n_steps"),
    ((EM(), Newton(), 2.0), "n_steps")])
def test_what_has_no_meaning_is_refused(arguments: Any, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        Relay(*arguments)


def test_only_algorithms_run() -> None:
    with pytest.raises(TypeError, match="algorithm"):
        Relay("EM", Newton(), 3)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="once"):
        Relay(RELAY, Newton(), 3)
    with pytest.raises(TypeError, match="Relay"):
        Switch(RELAY, Newton(), after(2))
