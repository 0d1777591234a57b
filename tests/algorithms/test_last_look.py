"""The last look at the curvature takes a Hessian that is known near by, where that says enough."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import emlib
from emlib import Problem, datasets
from emlib.algorithms import EM, Newton, Switch, after
from emlib.algorithms.stopping import curvature
from emlib.fitting.default import default_algorithm
from emlib.models import CategoricalHMM, GaussianHMM, LinearDynamicalSystem, PoissonMixture
from emlib.numerics import Array

STEEP = PoissonMixture(2).as_data(np.random.default_rng(0).poisson(np.repeat([2.0, 20.0], 400)))
FLAT = PoissonMixture(2).as_data(*datasets.hasselblad())  # EM's rate is 0.9957


def looks(data: Any, distance: float) -> tuple[int, bool]:
    """Hessians that a look takes when one is known at this distance, in units of I_c; and whether it is at rest."""
    model = PoissonMixture(2)
    best = emlib.fit(model, data, algorithm=Switch(EM(), Newton(), after(5)), rng=0, tol=1e-12)
    problem = Problem(model, data)
    here = problem.evaluate(model.space.pack(best.params))
    move = np.ones(problem.size)
    move *= distance / np.sqrt(move @ problem.complete_information(here) @ move)
    problem.hessian(here.x + move)
    here, before = problem.evaluate(here.x), problem.n_estep
    found = curvature(problem, here)
    assert found is not None
    return problem.n_estep - before, not found.saddle and found.remaining < 1e-8


@pytest.mark.parametrize(("data", "distance", "taken"), [(STEEP, 1e-3, 0), (STEEP, 0.1, 1), (FLAT, 1e-3, 1),
                                                         (FLAT, 1e-5, 0)])
def test_a_hessian_near_by_serves_where_the_curvature_is_large_against_its_distance(
        data: Any, distance: float, taken: int) -> None:
    assert looks(data, distance) == (taken, True)


def test_a_wrong_one_near_by_shows() -> None:
    """Were the known Hessian not the one that belongs to its point, the verdict would be another."""
    model = PoissonMixture(2)
    best = emlib.fit(model, STEEP, algorithm=Switch(EM(), Newton(), after(5)), rng=0, tol=1e-12)
    problem = Problem(model, STEEP)
    here = problem.evaluate(model.space.pack(best.params))
    there = problem.evaluate(here.x + 1e-6)
    hessian: Array = problem.hessian(there.x)
    problem.memo.hessian = (there, -hessian)
    before = problem.n_estep
    found = curvature(problem, problem.evaluate(here.x))
    assert problem.n_estep > before + 1  # the negative curvature is below every margin, so that a Hessian is made
    assert found is not None
    assert not found.saddle


def test_chains_look_once() -> None:
    """A Hessian by differences takes 2p E-steps; `Adaptive` asks for it where nothing seems left to gain."""
    rng = np.random.default_rng(3)
    rows = np.repeat([[0.0], [3.0], [0.0], [3.0]], 100, axis=0) + rng.standard_normal((400, 1))
    model = GaussianHMM(2, 1)
    result = emlib.fit(model, rows, algorithm=emlib.algorithms.Adaptive(), rng=0)
    jumps = np.diff(result.trace.n_estep)
    size = result.model.space.size("free")
    assert result.success
    assert (jumps >= 2 * size).sum() + (result.n_estep - result.trace.n_estep[-1] >= 2 * size) == 1


def test_the_default_begins_with_what_is_cheap() -> None:
    firsts = {type(model).__name__: type(default_algorithm(model)).__name__ for model in (
        PoissonMixture(2), CategoricalHMM(2, 3), GaussianHMM(2, 1), LinearDynamicalSystem(1, 1))}
    assert firsts == {"PoissonMixture": "Adaptive", "CategoricalHMM": "Relay", "GaussianHMM": "Relay",
                      "LinearDynamicalSystem": "Adaptive"}
