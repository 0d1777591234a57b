"""The race: runs at rest are told from runs cut off, Hessians are counted, and nothing tuned lies at an edge."""

from __future__ import annotations

import numpy as np
import pytest

from embook import study
from embook.studies import race, race_field, race_methods, race_tuning, race_watch

PROBLEM = "two normals, close"
GOALS = {row["problem"]: row["goal"] for row in study.load("race_goals").rows()}


def run(goal: float, budget: int, rest: int | None, method: str = "EM") -> tuple[race_watch.Watched, str]:
    model, data = race_field.problem(PROBLEM)
    algorithm = race_methods.METHODS[method](0.3, 0.5, data.n_observations)
    return race_watch.watch(model, data, algorithm, race_field.start(PROBLEM, 0), goal, budget, rest)


def test_a_run_ends_at_the_goal_at_rest_or_cut_off() -> None:
    goal = GOALS[PROBLEM]
    assert run(goal, 2000, 200)[1] == "goal"
    assert run(goal, 10, 200)[1] == "budget"
    unreachable, end = run(goal + 1.0, 2000, 200)
    assert end == "rest"
    assert unreachable.n_estep < 1000
    assert run(goal + 1.0, 1000, None)[1] == "STANDSTILL"


def test_a_slow_climb_is_not_at_rest() -> None:
    """Ascent with a tiny step rises by more than 1e-9 nats all the time; a rest of one E-step is halted at once."""
    model, data = race_field.problem(PROBLEM)
    slow = race_methods.METHODS["gradient, fixed step"](1e-5, 0.0, data.n_observations)
    arguments = (model, data, slow, race_field.start(PROBLEM, 0), GOALS[PROBLEM], 500)
    assert race_watch.watch(*arguments, 200)[1] == "budget"
    assert race_watch.watch(*arguments, 0)[1] == "rest"


def test_hessians_in_closed_form_are_counted() -> None:
    goal = GOALS[PROBLEM]
    newton, _ = run(goal, 200, None, "Newton")
    assert newton.n_louis > 0
    assert run(goal, 200, None)[0].n_louis == 0


@pytest.mark.parametrize("condition", [4.0, 100.0])
def test_the_share_by_the_formula_is_the_best_on_a_parabola(condition: float) -> None:
    """The heavy ball with the share contracts by its root; a tenth more or less is worse."""
    share = race_tuning.formula("momentum", condition)
    assert share is not None

    def radius(keep: float, curvature: float) -> float:
        length = 4 / (condition**0.5 + 1) ** 2
        matrix = [[1 + keep - length * curvature, -keep], [1.0, 0.0]]
        return float(np.abs(np.linalg.eigvals(matrix)).max())

    def worst(keep: float) -> float:
        return max(radius(keep, curvature) for curvature in np.linspace(1, condition, 101))

    assert worst(share) < min(worst(share - 0.05), worst(share + 0.05))
    assert race_tuning.formula("Adam", condition) is None


def test_what_was_tuned_lies_inside_the_grid() -> None:
    chosen = race_tuning.settings(study.load("race_tuning"))
    edges = {key for key, (step, _) in chosen.items()
             if step in (race_tuning.lengths(key[1])[0], race_tuning.lengths(key[1])[-1])}
    assert edges == set()


def test_the_goals_are_those_of_all_problems_and_a_run_may_rest_longer_than_its_hessians_take() -> None:
    assert list(GOALS) == list(race_field.PROBLEMS)
    for name, build in race_field.LARGE.items():
        model, data = build()
        assert 100 <= model.space.size("free") <= 500
        problem = race_watch.Watched(model, data, "free", np.inf, race.BUDGET)
        problem.hessian(model.space.pack(race_field.start(name, 0)))
        assert problem.n_estep < race_field.rest(name) <= race.BUDGET / 5
