"""Held fields: everything else behaves as if they were constants of the model, in every model."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import emlib
from emlib import diagnostics as dx
from emlib.algorithms import EM, LBFGS
from emlib.models import GaussianMixture, Linkage, PoissonMixture
from tests import tolerances as tol
from tests.contract.cases import CASES, Case
from tests.contract.checks import close
from tests.contract.sabotage import Twin

ROWS = np.random.default_rng(3).standard_normal((40, 2)) + np.repeat([[0.0, 0.0], [3.0, 1.0]], 20, axis=0)
HALF = {"weights": [0.5, 0.5]}
NEAR = {"weights": [0.5, 0.5], "means": [[0.0, 0.0], [3.0, 1.0]], "covariances": [np.eye(2)] * 2}


def holdable(case: Case, name: str) -> bool:
    """Whether the model can hold this field alone: its family says how to maximise over the others."""
    joint = [family for family in case.model.families if name in family.fields and len(family.fields) > 1]
    if not joint or not hasattr(joint[0], "argmax_given"):
        return not joint
    params = case.points[0]
    stats = case.model.e_step(params, case.data).stats
    return joint[0].argmax_given(stats[joint[0].key], {name: getattr(params, name)}) is not None


PAIRS = [pytest.param(case, name, id=f"{case.name}-{name}") for case in CASES if len(case.fields) > 1
         for name in case.fields if holdable(case, name)]


def held_twin(case: Case, name: str) -> tuple[emlib.Problem, np.ndarray, Any]:
    """The problem with one field held at a point of the case, and which free entries of the full one are left."""
    params = case.points[0]
    model = replace(case.model, fixed={name: getattr(params, name)})
    left = np.concatenate([np.full(b.free_size, b.name != name) for b in case.model.space.blocks])
    return emlib.Problem(model, case.data), left, params


def check_coordinates(problem: emlib.Problem, left: np.ndarray, case: Case, params: Any) -> None:
    space, full = problem.model.space, case.free(params)
    assert space.size() == left.sum()
    assert space.tangent().shape[1] == left.sum()
    assert np.array_equal(space.pack(params), full[left])
    back = space.unpack(space.pack(params) + 0.1)
    moved = case.model.space.unpack(full + 0.1 * left)
    close(space.pack(back, "standard"), case.standard(moved), tol.ROUND_TRIP, "round trip")


def check_slopes(problem: emlib.Problem, left: np.ndarray, case: Case, params: Any) -> None:
    """Gradient and Hessian are the remaining entries of the full ones."""
    whole = case.problem()
    x, full = problem.model.space.pack(params), case.free(params)
    close(problem.loglik(x), whole.loglik(full), tol.IDENTITY, "log-likelihood")
    close(problem.gradient(x), whole.gradient(full)[left], tol.REORDERED, "gradient")
    tolerance = tol.CURVATURE if case.has_closed_form else tol.DIFFERENCES
    close(problem.hessian(x), whole.hessian(full)[np.ix_(left, left)], tolerance, "Hessian")


def check_m_step(problem: emlib.Problem, left: np.ndarray, case: Case, params: Any) -> None:
    """The M-step keeps the held values to the bit and maximises Q over the others."""
    here = problem.evaluate(problem.model.space.pack(params))
    best = problem.m_step(here)
    assert best.fault is None
    for name, value in problem.model.space.held.items():
        assert np.array_equal(getattr(best.params, name), value)
    model = problem.model
    slope = model.space.pullback(best.params, model.q_gradient(best.params, here.stats), "free")
    assert np.abs(slope).max() <= tol.M_STATIONARY * case.data.n_units
    assert np.linalg.eigvalsh(problem.complete_information(here)).min() > 0


def check_projection(problem: emlib.Problem, left: np.ndarray, case: Case, params: Any) -> None:
    """M(theta) - theta = P gradient + remainder, with nothing along the held field."""
    found = dx.projection_matrix(problem.model, case.data, params)
    assert found.gap <= tol.TWO_CODES * max(1.0, np.abs(found.step).max())


CHECKS = [check_coordinates, check_slopes, check_m_step, check_projection]


@pytest.mark.parametrize(("case", "name"), PAIRS)
def test_a_held_field_is_a_constant(case: Case, name: str) -> None:
    problem, left, params = held_twin(case, name)
    for check in CHECKS:
        check(problem, left, case, params)
    assert not problem.model.full_family
    assert hash(problem.model) == hash(replace(problem.model))
    assert problem.model != case.model
    start = problem.model.start(case.data, np.random.default_rng(0))
    assert np.array_equal(getattr(start, name), getattr(params, name))


@pytest.mark.parametrize("name", ["means", "covariances"])
def test_an_m_step_that_forgets_the_held_field_is_caught(name: str) -> None:
    """The control: overwriting the held field after the joint maximum is no maximum given it."""
    case = next(case for case in CASES if case.name == "gaussian-full-d2-k2")
    problem, left, params = held_twin(case, name)
    joint = Twin(problem.model, m_step=lambda honest, stats: case.model.m_step(stats))
    after = Twin(problem.model, m_step=lambda honest, stats: honest.space.hold(case.model.m_step(stats)))
    for twin in [joint] if name == "covariances" else [joint, after]:
        with pytest.raises(AssertionError):
            check_m_step(emlib.Problem(twin, case.data), left, case, params)


@pytest.mark.parametrize("fixed", [HALF, {"means": [[0.0, 0.0], [3.0, 1.0]]}, {"covariances": [np.eye(2)] * 2}, {}])
def test_every_algorithm_finds_the_same_restricted_maximum(fixed: Any) -> None:
    model = GaussianMixture(2, 2, fixed=fixed)
    runs = [emlib.fit(model, ROWS, start=NEAR, algorithm=algorithm) for algorithm in (None, EM(), LBFGS())]
    assert all(run.success for run in runs)
    assert max(run.loglik for run in runs) - min(run.loglik for run in runs) < tol.SAME_OPTIMUM
    found = dx.information(model, ROWS, runs[0].params)
    assert found.held == list(fixed)
    assert found.observed.shape == (model.space.size(),) * 2
    assert all((found.standard_errors[name] == 0).all() for name in fixed)
    assert all(np.isfinite(errors).all() for errors in found.standard_errors.values())


def test_a_restricted_maximum_is_below_the_free_one() -> None:
    free = emlib.fit(GaussianMixture(2, 2), ROWS, start=NEAR)
    assert emlib.fit(GaussianMixture(2, 2, fixed=HALF), ROWS, start=NEAR).loglik < free.loglik - tol.CONTROL
    best = {"weights": free.params.weights}
    again = emlib.fit(GaussianMixture(2, 2, fixed=best), ROWS, start=NEAR | best)
    assert abs(again.loglik - free.loglik) < tol.SAME_OPTIMUM


REFUSED: list[tuple[Any, str]] = [
    ({"weight": [0.5, 0.5]}, r"fixed: 'weight' is no field of the parameters; there are \['weights', 'means', 'cov"),
    ({"weights": [0.5, 0.6]}, r"weights: the row adds up to 1.1, not to 1"),
    ({"weights": [0.5]}, r"weights: shape \(1,\) found, \(2,\) needed"),
    ({"covariances": [np.eye(2), -np.eye(2)]}, r"covariances: matrix 1 is not positive definite"),
    ({**HALF, "means": np.zeros((2, 2)), "covariances": [np.eye(2)] * 2}, r"fixed: every field is held, nothing is"),
]


@pytest.mark.parametrize(("fixed", "text"), REFUSED)
def test_held_values_without_a_meaning_are_refused(fixed: Any, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        GaussianMixture(2, 2, fixed=fixed)


def test_the_only_field_cannot_be_held() -> None:
    with pytest.raises(ValueError, match="fixed: every field is held"):
        Linkage(fixed={"theta": 0.5})


def test_a_start_that_contradicts_is_refused_and_may_leave_the_field_out() -> None:
    model = PoissonMixture(2, fixed=HALF)
    with pytest.raises(ValueError, match=r"weights: entry \[0\] is 0.3; the model holds it at 0.5"):
        emlib.fit(model, [0, 1, 2, 5, 6], start={"weights": [0.3, 0.7], "rates": [1.0, 5.0]})
    found = emlib.fit(model, [0, 1, 2, 5, 6], start={"rates": [1.0, 5.0]})
    assert found.success
    assert found.params.weights.tolist() == [0.5, 0.5]
    with pytest.raises(ValueError, match="'mean' needs a full exponential family with no field held"):
        emlib.Problem(model, [0, 1, 2], "mean")


def test_a_family_that_cannot_hold_a_part_says_so() -> None:
    class Together:
        key, fields = "both", ("weights", "rates")

        def argmax_given(self, moments: Any, held: Any) -> None:
            return None

    class Odd(PoissonMixture):
        families = (Together(),)  # type: ignore[assignment]

    with pytest.raises(ValueError, match=r"fixed: \['weights'\] given, but \['weights', 'rates'\] are estimated tog"):
        Odd(2, fixed=HALF).m_step({"both": None})  # type: ignore[arg-type]


class Cautious(PoissonMixture):
    """A model that asks for its weights to be held when there are few counts."""

    def held_by_default(self, data: Any) -> tuple[str, ...]:
        return ("weights",) if len(data) < 10 else ()


def test_fit_holds_what_the_model_asks_for_unless_told() -> None:
    few, many = [0, 1, 2, 5, 6], [0, 1, 2, 5, 6, 0, 1, 7, 4, 2]
    found = emlib.fit(Cautious(2), few, rng=0)
    assert "held at the start's value: weights (give the model fixed={} to estimate all)" in found.message
    assert np.array_equal(found.params.weights, found.start.weights)
    assert list(found.model.fixed) == ["weights"]
    assert len(found.data) == 5
    for model, data in ((Cautious(2, fixed={}), few), (Cautious(2), many), (PoissonMixture(2), few)):
        free = emlib.fit(model, data, rng=0)
        assert "held" not in free.message
        assert free.model is model
        assert not np.array_equal(free.params.weights, free.start.weights)
