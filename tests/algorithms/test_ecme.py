"""ECME and PX-EM: the model's own steps, monotone, to EM's fixed points, in fewer iterations."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import emlib
from emlib.algorithms import ECME, EM, PXEM
from emlib.models import FactorAnalysis, Linkage, StudentT
from tests import tolerances as tol
from tests.contract.sabotage import Twin

RNG = np.random.default_rng(4)
TAILS = RNG.standard_t(2, size=(150, 2)) @ [[1.0, 0.4], [0.0, 2.0]]
FACTORS = RNG.normal(size=(150, 1)) @ [[1.0, 0.8, 0.6, 0.9]] + 0.7 * RNG.normal(size=(150, 4))
CASES: list[Any] = [pytest.param(PXEM(), StudentT(2, 2.0), TAILS, "expanded_m_step", id="px-em"),
                    pytest.param(ECME(), FactorAnalysis(4, 1), FACTORS, "cm_steps", id="ecme")]


@pytest.mark.parametrize(("algorithm", "model", "rows", "member"), CASES)
def test_fewer_iterations_to_the_fixed_point_of_em(algorithm: Any, model: Any, rows: Any, member: str) -> None:
    start = model.start(model.as_data(rows), np.random.default_rng(0))
    slow = emlib.fit(model, rows, start=start, algorithm=EM())
    fast = emlib.fit(model, rows, start=start, algorithm=algorithm)
    assert slow.success, slow.message
    assert fast.success, fast.message
    assert abs(slow.loglik - fast.loglik) <= tol.SAME_OPTIMUM
    assert np.diff(fast.trace.loglik).min() >= -tol.FALL * abs(fast.loglik)
    assert fast.nit < slow.nit
    assert set(fast.trace.kind) == {"start", {"expanded_m_step": "px-em", "cm_steps": "ecme"}[member]}


@pytest.mark.parametrize(("algorithm", "model", "rows", "member"), CASES)
def test_an_iteration_costs_one_e_step(algorithm: Any, model: Any, rows: Any, member: str) -> None:
    problem = emlib.Problem(model, rows, "standard")
    here = problem.evaluate(model.space.pack(model.start(problem.data, np.random.default_rng(0)), "standard"))
    state, counted = algorithm.init(problem, here), problem.n_estep
    for _ in range(3):
        state, info = algorithm.step(problem, state)
        assert info.accepted
    assert problem.n_estep - counted == 3


@pytest.mark.parametrize(("algorithm", "model", "rows", "member"), CASES)
def test_a_wrong_step_is_flagged(algorithm: Any, model: Any, rows: Any, member: str) -> None:
    """The sabotaged twins: a step far beyond makes the log-likelihood fall, one out of the space ends the run."""
    start = model.space.pack(emlib.fit(model, rows, algorithm=EM(), rng=0).params, "standard")
    name = "scale" if member == "expanded_m_step" else "noise_variance"

    def ends(factor: float) -> emlib.Result:
        def wrong(honest: Any, *given: Any) -> Any:
            found = getattr(honest, member)(*given)
            return replace(found, **{name: factor * getattr(found, name)})

        problem = emlib.Problem(Twin(model, **{member: wrong}), rows, "standard")
        return emlib.solve(problem, algorithm, start + 1e-3, tol=1e-12)

    fallen, outside = ends(9.0), ends(-1.0)
    assert fallen.status is emlib.Status.DECREASED, fallen.message
    assert outside.status is emlib.Status.DEGENERATE, outside.message
    assert name in outside.message


@pytest.mark.parametrize(("algorithm", "text"), [
    (ECME(), "algorithm: ECME needs a model with `cm_steps`; Linkage has none"),
    (PXEM(), "algorithm: PXEM needs a model with `expanded_m_step`; Linkage has none"),
])
def test_models_without_the_member_are_refused(algorithm: Any, text: str) -> None:
    with pytest.raises(TypeError, match=text):
        emlib.fit(Linkage(), [125, 18, 20, 34], algorithm=algorithm)
