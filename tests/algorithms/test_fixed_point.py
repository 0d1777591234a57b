"""Anderson's and Broyden's accelerations of EM: their algebra, their memory, and what they do where a step fails."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import emlib
from emlib.algorithms import Anderson, Info, QuasiNewtonEM, State
from emlib.algorithms.anderson import damped_coefficients
from emlib.algorithms.fixed_point import independent
from emlib.algorithms.quasi_newton import broyden
from emlib.models import CategoricalHMM, GaussianMixture
from tests import tolerances as tol
from tests.algorithms.setting import by_name, run
from tests.contract.sabotage import Twin
from tests.reference.test_hasselblad import LOGLIK, em, params, problem

CASE = by_name("gaussian-full-d1-k2")
RNG = np.random.default_rng(0)
SIDE = 4
SLOW = np.diag([0.99, 0.9, 0.5, 0.1])
SKEW = RNG.normal(size=(SIDE, SIDE))
DM = SKEW @ SLOW @ np.linalg.inv(SKEW)  # the Jacobian of a linear EM map, not symmetric


def left(x: np.ndarray) -> np.ndarray:
    """M(x) - x of the linear map with fixed point (1, ..., 1)."""
    return (DM - np.eye(SIDE)) @ (x - 1.0)


def ends(direction: Any, learn: Any, steps: int) -> float:
    """How far from the fixed point some steps end, relative to the start."""
    x = np.zeros(SIDE)
    for _ in range(steps):
        move, before = direction(left(x)), left(x)
        x = x + move
        learn(move, left(x) - before)
    return float(np.abs(x - 1.0).max())


def anderson(share: float) -> float:
    moves, changes = [], []

    def direction(f: np.ndarray) -> np.ndarray:
        if not moves:
            return f
        return f - damped_coefficients(np.array(changes), f, share) @ (np.array(moves) + np.array(changes))

    return ends(direction, lambda move, change: (moves.append(move), changes.append(change)), SIDE + 1)


def test_without_damping_a_linear_map_is_solved_after_p_moves() -> None:
    """Up to rounding, which the condition of the moves multiplies; the control is a damped_coefficients run."""
    assert anderson(1 - 1e-12) <= tol.ROUTES
    assert anderson(0.5) > tol.CONTROL


def quasi_newton(update: Any) -> float:
    memory = {"inverse": np.eye(SIDE)}

    def learn(move: np.ndarray, change: np.ndarray) -> None:
        memory["inverse"] = update(memory["inverse"], move, -change)

    return ends(lambda f: memory["inverse"] @ f, learn, 2 * SIDE)


def test_broyden_solves_a_linear_map_in_2p_steps() -> None:
    """Gay (1979); without the update, or with its transpose, they do not."""
    assert quasi_newton(broyden) <= tol.ROUTES
    assert quasi_newton(lambda inverse, move, change: broyden(inverse, move, change).T) > tol.CONTROL
    assert quasi_newton(lambda inverse, move, change: inverse) > tol.CONTROL


def test_broydens_update() -> None:
    inverse, move, change = RNG.normal(size=(SIDE, SIDE)), RNG.normal(size=SIDE), RNG.normal(size=SIDE)
    found = broyden(inverse, move, change)
    np.testing.assert_allclose(found @ change, move, rtol=0, atol=tol.ROOT)
    row = move @ inverse
    kept = change - row * float(row @ change) / float(row @ row)
    np.testing.assert_allclose(found @ kept, inverse @ kept, rtol=0, atol=tol.ROOT)
    assert np.abs(found - found.T).max() > tol.CONTROL
    across = np.linalg.solve(inverse, np.eye(SIDE)[0])
    assert broyden(inverse, np.eye(SIDE)[1], across) is inverse  # B change is orthogonal to the move


@pytest.mark.parametrize("share", [0.01, 0.5, 0.99])
def test_the_ridge_meets_its_share(share: float) -> None:
    changes, f = RNG.normal(size=(3, SIDE)), RNG.normal(size=SIDE)
    plain = np.linalg.lstsq(changes.T, f, rcond=None)[0]
    found = damped_coefficients(changes, f, share)
    assert found @ found == pytest.approx(share * plain @ plain, rel=tol.ROOT)
    normal = changes @ (f - changes.T @ found)  # ridge times the coefficients
    ridge = float(normal @ found / (found @ found))
    assert ridge > 0
    np.testing.assert_allclose(normal, ridge * found, rtol=0, atol=tol.ROOT)
    assert np.abs(changes @ (f - changes.T @ plain)).max() <= tol.ROOT


def test_moves_that_repeat_each_other_are_no_obstacle() -> None:
    changes = np.array([[1.0, 2.0, 0.0, 0.0], [2.0, 4.0, 0.0, 0.0]])
    found = damped_coefficients(changes, np.array([1.0, 2.0, 3.0, 0.0]), 0.9)
    assert np.isfinite(found).all()
    assert found[1] == pytest.approx(2 * found[0])
    assert not damped_coefficients(changes, np.array([0.0, 0.0, 3.0, 0.0]), 0.9).any()


def started(algorithm: Any) -> tuple[emlib.Problem, State]:
    """Two EM steps on Hasselblad's counts."""
    here = problem(algorithm.coordinates)
    start = here.model.space.pack(params(0.3, 1.0, 2.5), algorithm.coordinates)
    state = algorithm.init(here, here.evaluate(start))
    return here, algorithm.step(here, state)[0]


UPHILL = {"moves": [[1.0, -1.0, 0.5]], "changes": [[1e-3, 1e-3, 1e-3]]}  # far too small a change of f
SPOILT: list[Any] = [
    pytest.param(Anderson(), {name: np.array(value) for name, value in UPHILL.items()} | {"successes": 99},
                 id="anderson"),
    pytest.param(QuasiNewtonEM(), {"inverse": -50 * np.eye(3)}, id="quasi-newton"),
]


@pytest.mark.parametrize(("algorithm", "memory"), SPOILT)
def test_a_step_that_fails_is_em_s(algorithm: Any, memory: dict[str, Any]) -> None:
    """For one E-step more, and B starts afresh. Unspoilt, the step is the algorithm's own."""
    here, state = started(algorithm)
    spent = here.n_estep
    good, info = algorithm.step(here, state)
    assert (info.kind, here.n_estep - spent) == ({"Anderson": "anderson"}.get(type(algorithm).__name__,
                                                                              "quasi-newton"), 1)
    target = here.em_map(state.evaluation.x)
    assert not np.array_equal(good.evaluation.x, target)
    here.memo.last = state.evaluation
    spent = here.n_estep
    after, info = algorithm.step(here, replace(state, memory={**state.memory, **memory}))
    assert (info.kind, here.n_estep - spent) == ("em", 2)
    np.testing.assert_array_equal(after.evaluation.x, target)
    if isinstance(algorithm, QuasiNewtonEM):
        assert np.linalg.matrix_rank(after.memory["inverse"] - np.eye(3)) == 1


def test_a_memory_starts_afresh_after_order_moves() -> None:
    here, state = started(Anderson(2))
    lengths = []
    for _ in range(4):
        state, _ = Anderson(2).step(here, state)
        lengths.append(len(state.memory["moves"]))
    assert lengths == [2, 1, 2, 1]


def test_successes_are_taken_back_where_a_cycle_ends_lower() -> None:
    _, state = started(Anderson(2))
    memory = {**state.memory, "successes": 7}
    learn = Anderson(2, 0.01)._with_move
    move, change = memory["moves"][0], memory["changes"][0]
    full = learn(memory, move, change, state.evaluation.loglik, True)
    assert (len(full["moves"]), full["successes"]) == (2, 8)
    higher = learn(full, move, change, full["level"] + 1.0, True)
    lower = learn(full, move, change, full["level"] - 0.001, True)
    assert (higher["successes"], lower["successes"]) == (9, 7)
    assert len(higher["moves"]) == len(lower["moves"]) == 1


def test_strict_never_falls_and_the_papers_rule_does() -> None:
    def falls(epsilon: float) -> tuple[float, emlib.Result]:
        here = problem()
        start = here.model.space.pack(params(0.9, 1.0, 3.0), "standard")
        result = emlib.solve(here, Anderson(epsilon=epsilon, coordinates="standard"), start)
        return float(-np.diff(result.trace.loglik).min()), result

    fall, strict = falls(0.0)
    assert strict.success
    assert fall <= tol.FALL * abs(strict.loglik)
    fall, loose = falls(0.01)
    assert 0 < fall <= 0.01
    assert abs(strict.loglik - loose.loglik) <= tol.SAME_OPTIMUM


@pytest.mark.parametrize("algorithm", [Anderson(), QuasiNewtonEM()], ids=repr)
def test_hasselblads_optimum_in_a_tenth_of_ems_e_steps(algorithm: Any) -> None:
    """From three starts; after ten times as many the EM step has not yet come as near."""
    for start in ((0.5, 1.0, 3.0), (0.9, 1.0, 3.0), (0.3, 2.0, 12.0)):
        result = emlib.fit(problem().model, problem().data, start=params(*start), algorithm=algorithm)
        assert result.success, result.message
        assert result.n_estep < 250
        assert result.loglik == pytest.approx(LOGLIK, abs=tol.SAME_OPTIMUM)
    here = problem()
    x = em((0.5, 1.0, 3.0), 1500)
    assert here.loglik(x) < LOGLIK - 0.1 * tol.SAME_OPTIMUM


@pytest.mark.parametrize("algorithm", [Anderson(coordinates="standard"), QuasiNewtonEM("standard")], ids=repr)
def test_steps_in_standard_coordinates_keep_to_the_feasible_directions(algorithm: Any) -> None:
    _, result = run(by_name("gaussian-full-d2-k3"), algorithm)
    assert result.success
    noise = result.params.covariances
    np.testing.assert_allclose(noise, np.swapaxes(noise, 1, 2), rtol=0, atol=tol.ROUND_TRIP)
    assert result.params.weights.sum() == pytest.approx(1.0, abs=tol.ROOT)


@pytest.mark.parametrize("algorithm", [Anderson(), QuasiNewtonEM()], ids=repr)
def test_a_map_that_stands_still_off_the_optimum_ends_the_run(algorithm: Any) -> None:
    """The sabotaged twin's M-step returns where it came from, so that no step moves the point."""
    kept: list[Any] = []

    def e_step(honest: Any, *given: Any) -> Any:
        kept.append(given[0])
        return honest.e_step(*given)

    twin = Twin(CASE.model, e_step=e_step, m_step=lambda honest, stats: kept[-1])
    here = emlib.Problem(twin, CASE.data, "standard")
    state = algorithm.init(here, here.evaluate(CASE.standard(CASE.points[0])))
    _, info = algorithm.step(here, state)
    assert info == Info("em", False, None, emlib.Status.LINE_SEARCH_FAILED, info.message)
    assert "too short" in info.message


@pytest.mark.parametrize(("make", "text"), [
    (lambda: Anderson(0), "order: 0 found; at least one move"),
    (lambda: Anderson(True), "order: True found"),
    (lambda: Anderson(2.5), "order: 2.5 found"),
    (lambda: Anderson(epsilon=-1.0), "epsilon: -1.0 found; a number of nats"),
    (lambda: Anderson(epsilon=np.inf), "epsilon: inf found"),
    (lambda: emlib.fit(CASE.model, CASE.raw, algorithm=Anderson(coordinates="polar")), "'polar' is unknown; choose"),
    (lambda: emlib.fit(CASE.model, CASE.raw, algorithm=QuasiNewtonEM("polar")), "'polar' is unknown; choose"),
])
def test_settings_without_a_meaning_are_refused(make: Any, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        make()


@pytest.mark.parametrize("share", [1.0, 1 - 1e-16, 1 - 1e-13, 1 - 1e-12])
def test_next_to_no_damping_is_none(share: float) -> None:
    """After some 230 successes the share rounds to one, and no ridge gives it."""
    rng = np.random.default_rng(0)
    for _ in range(200):
        changes, f = rng.normal(size=(4, 9)), rng.normal(size=9)
        undamped = np.linalg.lstsq(changes.T, f, rcond=None)[0]
        assert np.abs(damped_coefficients(changes, f, share) - undamped).max() <= tol.ROUTES * np.abs(undamped).max()
        assert np.abs(damped_coefficients(changes, f, 0.9) - undamped).max() > tol.CONTROL


MODELS = [GaussianMixture(3, 2), GaussianMixture(2, 2, "tied"), CategoricalHMM(2, 3),
          GaussianMixture(2, 2, fixed={"means": np.zeros((2, 2))})]


@pytest.mark.parametrize("model", MODELS)
def test_the_first_entries_that_determine_the_others(model: Any) -> None:
    """Those at which the rank of the rows up to there grows; as many as there are free coordinates."""
    rows = [0, 1, 2] * 10 if isinstance(model, CategoricalHMM) else np.random.default_rng(0).normal(size=(30, 2))
    problem = emlib.Problem(model, rows, "standard")
    basis = np.asarray(problem.lift(np.eye(model.space.size("free"))))
    ranks = [np.linalg.matrix_rank(basis[:k]) for k in range(len(basis) + 1)]
    expected = np.flatnonzero(np.diff(ranks))
    assert np.array_equal(independent(problem), expected)
    assert len(expected) == model.space.size("free")


def test_in_free_coordinates_all_entries_count() -> None:
    problem = emlib.Problem(GaussianMixture(2, 1), np.arange(6.0)[:, None])
    assert np.array_equal(independent(problem), np.arange(problem.size))
