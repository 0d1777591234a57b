"""SQUAREM's extrapolation: its lengths, its bound, and what it does where a step fails."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import emlib
from emlib.algorithms import SQUAREM
from emlib.algorithms.fixed_point import independent
from emlib.algorithms.squarem import renewed, step_length
from tests import tolerances as tol
from tests.algorithms.setting import PROBLEMS, by_name
from tests.contract.cases import Case
from tests.contract.sabotage import Twin
from tests.reference.test_hasselblad import params, problem, triple

CASE = by_name("gaussian-full-d1-k2")


@pytest.mark.parametrize("case", PROBLEMS, ids=lambda case: case.name)
def test_independent_entries_give_back_the_whole_vector(case: Case) -> None:
    here = case.problem("standard")
    kept = independent(here)
    basis = here.lift(np.eye(len(kept)))
    step = basis @ np.arange(1.0, len(kept) + 1)
    whole = basis @ np.linalg.solve(basis[kept], step[kept])
    np.testing.assert_allclose(whole, step, atol=tol.TWO_CODES, rtol=0)
    assert len(independent(case.problem("free"))) == case.model.space.size("free")


def test_independent_entries_are_those_of_the_package() -> None:
    """(p, 1 - p, mu1, mu2): the second is not handed over; of a symmetric matrix one triangle is."""
    assert independent(problem()).tolist() == [0, 2, 3]
    full = by_name("gaussian-full-d2-k3").problem("standard")
    symmetric = [i for i in independent(full) if i >= 9]
    assert symmetric == [9, 10, 12, 13, 14, 16, 17, 18, 20]


@pytest.mark.parametrize(("scheme", "expected"), [("S1", 6 / 9), ("S2", 13 / 6), ("S3", np.sqrt(13 / 9))])
def test_step_lengths(scheme: str, expected: float) -> None:
    r, v = np.array([2.0, 3.0]), np.array([-3.0, 0.0])
    assert step_length(scheme, r, v) == pytest.approx(expected, rel=tol.ROOT)
    assert step_length(scheme, r, 0 * v) == 1.0


def test_a_step_of_length_one_is_two_em_steps() -> None:
    here = problem()
    before = SQUAREM().init(here, here.evaluate(here.model.space.pack(params(0.5, 1.0, 3.0), "standard")))
    after, info = SQUAREM().step(here, before)
    twice = here.em_map(here.em_map(before.evaluation.x))
    np.testing.assert_allclose(after.evaluation.x, twice, rtol=tol.ROOT, atol=0)
    assert info.kind == "squarem"
    assert after.memory["bound"] == 4.0


def lost() -> tuple[emlib.Problem, Any]:
    """A start on Hasselblad's counts from which an unbounded S2 leaves the space: two rates that nearly agree."""
    here = problem()
    start = here.model.space.pack(params(0.4, 1.9, 2.3), "standard")
    state = SQUAREM("S2").init(here, here.evaluate(start))
    return here, replace(state, memory={**state.memory, "bound": 1e6})


@pytest.mark.parametrize("safeguard", ["strict", "package"])
def test_a_point_outside_the_space_falls_back_to_em(safeguard: str) -> None:
    here, before = lost()
    first = here.em_map(before.evaluation.x)
    second = here.em_map(first)
    r, v = first - before.evaluation.x, second - 2 * first + before.evaluation.x
    length = step_length("S2", triple(r), triple(v))
    beyond = here.evaluate(before.evaluation.x + 2 * length * r + length**2 * v)
    assert beyond.fault is not None
    assert "rates: entry [0] is -10.8" in beyond.fault
    after, info = SQUAREM("S2", safeguard).step(here, before)
    np.testing.assert_array_equal(after.evaluation.x, second)
    assert (info.kind, info.accepted) == ("em", True)
    shorter = replace(before, memory={**before.memory, "bound": 1.5})
    inside, info = SQUAREM("S2", safeguard).step(here, shorter)
    assert info.kind == "squarem"
    assert not np.array_equal(inside.evaluation.x, second)


@pytest.mark.parametrize(("bound", "length", "good", "expected"), [
    (1.0, 1.0, True, 4.0), (4.0, 4.0, True, 16.0), (4.0, 2.0, True, 4.0), (16.0, 16.0, False, 4.0),
    (16.0, 5.0, False, 16.0), (4.0, 4.0, False, 4.0), (1.0, 1.0, False, 4.0),
])
def test_the_bound_on_the_length(bound: float, length: float, good: bool, expected: float) -> None:
    """It grows where it binds and shrinks where a step at it fails; after a failure the length counts as one."""
    assert renewed(bound, length, good) == expected


def test_strict_never_falls_and_the_packages_rule_does() -> None:
    """From the turboEM vignette's start the package's rule lets the log-likelihood fall, by less than a nat."""
    def falls(safeguard: str) -> tuple[float, emlib.Result]:
        here = problem()
        start = here.model.space.pack(params(0.9, 1.0, 3.0), "standard")
        result = emlib.solve(here, SQUAREM(safeguard=safeguard), start)
        return float(-np.diff(result.trace.loglik).min()), result

    fall, strict = falls("strict")
    assert strict.success
    assert fall <= tol.FALL * abs(strict.loglik)
    fall, loose = falls("package")
    assert loose.success
    assert 1e-3 < fall <= 1.0
    assert abs(strict.loglik - loose.loglik) <= tol.SAME_OPTIMUM


@pytest.mark.parametrize(("options", "text"), [
    ({"scheme": "S4"}, "scheme: 'S4' is unknown; choose one of"),
    ({"safeguard": "none"}, "safeguard: 'none' is unknown; choose one of"),
])
def test_settings_without_a_meaning_are_refused(options: Any, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        SQUAREM(**options)


def test_a_collapse_after_the_first_step_keeps_that_step() -> None:
    """The M-step breaks down at its second call: the first EM step stays, and the next step names the fault."""
    calls = [0]

    def m_step(honest: Any, stats: Any) -> Any:
        calls[0] += 1
        top = honest.m_step(stats)
        return top if calls[0] == 1 else replace(top, covariances=-top.covariances)

    here = emlib.Problem(Twin(CASE.model, m_step=m_step), CASE.data, "standard")
    result = emlib.solve(here, SQUAREM(), CASE.standard(CASE.points[0]))
    assert result.status is emlib.Status.DEGENERATE
    assert result.nit == 2
    assert "covariances" in result.message
