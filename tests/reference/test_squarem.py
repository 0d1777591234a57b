"""SQUAREM's published counts on Hasselblad's deaths, in the package's parametrisation (p, mu1, mu2).

Counts of the R package SQUAREM's vignette (tolerance 1e-8, R's Wichmann-Hill generator, seed 123) and of turboEM's
(start .5, 1, 3, tolerance 1e-7). Each package stops by a rule of its own, so `init` and `step` are called by hand.
An evaluation is one of the fixed-point map, counted by the problem's `n_mstep`: the point at hand has had its own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import emlib
from emlib.algorithms import SQUAREM
from emlib.algorithms.base import State
from tests import tolerances as tol
from tests.reference.test_hasselblad import LOGLIK, OPTIMUM, params, problem, triple, wichmann_hill

Count = tuple[int, int, State]


def started(algorithm: SQUAREM, start: Any) -> tuple[emlib.Problem, State]:
    """The problem at its start, with the map evaluated there once."""
    here = problem()
    state = algorithm.init(here, here.evaluate(here.model.space.pack(params(*start), "standard")))
    here.m_step(state.evaluation)
    return here, state


def squarem(algorithm: SQUAREM, start: Any, tolerance: float) -> Count:
    """Iterations and evaluations until r or the EM step after it is short, which ends the package's iteration there."""
    here, state = started(algorithm, start)
    for iteration in range(1, 1000):
        before = here.n_mstep
        state, _ = algorithm.step(here, state)
        short = np.flatnonzero(state.memory["lengths"] < tolerance)
        if len(short):
            return iteration, before + int(short[0]), state
    raise AssertionError("no short step")


def turbo_em(algorithm: SQUAREM, start: Any, tolerance: float) -> Count:
    """Iterations and evaluations until a whole iteration moves little; our look ahead from its end does not count."""
    here, state = started(algorithm, start)
    for iteration in range(1, 1000):
        before = triple(state.evaluation.x)
        state, _ = algorithm.step(here, state)
        if np.linalg.norm(triple(state.evaluation.x) - before) < tolerance:
            return iteration, here.n_mstep - 1, state
    raise AssertionError("no short iteration")


def check(count: Callable[..., Count], start: Any, tolerance: float, scheme: str = "S3", **options: Any) -> list[int]:
    """Count, and see that the run ended at the optimum."""
    iterations, evaluations, state = count(SQUAREM(scheme, "package", **options), start, tolerance)
    assert state.evaluation.loglik == pytest.approx(LOGLIK, abs=tol.EIGHT_DECIMALS)
    order = np.argsort(state.evaluation.params.rates)
    np.testing.assert_allclose(state.evaluation.params.rates[order], OPTIMUM[1:], atol=tol.FOUR_DECIMALS)
    return [iterations, evaluations]


def test_25_iterations_and_72_evaluations() -> None:
    """The SQUAREM vignette, beside the 2909 of EM from the same start."""
    assert check(squarem, wichmann_hill(123) * [1, 6, 6], 1e-8) == [25, 72]


def test_23_iterations_and_68_evaluations() -> None:
    """turboEM prints 23 and "45": it does not count the second evaluation of each iteration, which makes 45 + 23."""
    iterations, evaluations = check(turbo_em, (0.5, 1.0, 3.0), 1e-7)
    assert [iterations, evaluations] == [23, 68]
    assert evaluations - iterations == 45


def test_32_iterations_and_95_evaluations() -> None:
    """The vignette's other start; printed 63 evaluations, again without the second of each iteration."""
    iterations, evaluations = check(turbo_em, (0.9, 1.0, 3.0), 1e-7)
    assert [iterations, evaluations, evaluations - iterations] == [32, 95, 63]


@pytest.mark.parametrize(("scheme", "start", "evaluations"), [
    ("S3", (0.5, 1.0, 3.0), 60), ("S2", (0.5, 1.0, 3.0), 60), ("S1", (0.9, 1.0, 3.0), 120), ("S2", (0.9, 1.0, 3.0), 93),
    ("S3", (0.9, 1.0, 3.0), 84), ("S1", (0.287, 1.101, 2.582), 87), ("S2", (0.287, 1.101, 2.582), 75),
    ("S3", (0.287, 1.101, 2.582), 69),
])
def test_recomputed_counts(scheme: str, start: Any, evaluations: int) -> None:
    """Recomputed by a script of our own (S1 from .5, 1, 3 left out: its count changes with the last digits)."""
    assert check(squarem, start, 1e-7, scheme)[1] == evaluations


def test_other_settings_give_other_counts() -> None:
    """The controls: the strict safeguard, and coordinates in which all lengths differ."""
    start = wichmann_hill(123) * [1, 6, 6]
    assert squarem(SQUAREM(), start, 1e-8)[:2] != (25, 72)
    here = problem("free")
    loose = SQUAREM(safeguard="package", coordinates="free")
    state = loose.init(here, here.evaluate(here.model.space.pack(params(*start), "free")))
    for _ in range(24):
        state, _ = loose.step(here, state)
    assert state.memory["lengths"].min() > 1e-8
