"""Points outside the parameter space, and names that are none: each call says so instead of giving numbers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import emlib
from emlib import diagnostics as dx
from emlib.models import GaussianHMM, GaussianWithMissing, LinearDynamicalSystem, Linkage, PoissonMixture

COUNTS = [0, 1, 1, 2, 5, 7]
MODEL = PoissonMixture(2)
INSIDE = MODEL.params(weights=[0.4, 0.6], rates=[1.0, 4.0])
OUTSIDE = replace(INSIDE, rates=np.array([1.0, -4.0]))


@pytest.mark.parametrize("call", [dx.information, dx.projection_matrix], ids=lambda call: call.__name__)
def test_diagnostics_refuse_parameters_outside_the_space(call: Any) -> None:
    call(MODEL, COUNTS, INSIDE)
    with pytest.raises(ValueError, match=r"params: outside the parameter space: rates: entry \[1\] is -4"):
        call(MODEL, COUNTS, OUTSIDE)


def test_a_problem_gives_no_numbers_outside_the_space() -> None:
    problem = emlib.Problem(MODEL, COUNTS, "standard")
    inside, outside = ([*params.weights, *params.rates] for params in (INSIDE, OUTSIDE))
    assert problem.entropy(inside) == MODEL.e_step(INSIDE, problem.data).entropy > 0
    assert np.isfinite(problem.em_map(inside)).all()
    assert problem.loglik(outside) == -np.inf
    assert np.isnan(problem.em_map(outside)).all()
    assert problem.m_step(problem.evaluate(outside)).fault == problem.evaluate(outside).fault is not None


@pytest.mark.parametrize("share", [-0.1, 1.5, [0.5, 0.5]])
def test_linkage_takes_one_share(share: Any) -> None:
    model = Linkage()
    with pytest.raises(ValueError, match=r"q: .* found; linkage needs one share in \[0, 1\]"):
        dx.elbo(model, [125, 18, 20, 34], model.params(theta=0.5), share)


ROWS = np.random.default_rng(7).normal(size=(40, 2))
NAMES = {GaussianHMM: "covariances", GaussianWithMissing: "covariance", LinearDynamicalSystem: "observation_covariance"}


@pytest.mark.parametrize("model", [GaussianHMM(2, 2), GaussianWithMissing(2), LinearDynamicalSystem(1, 2)],
                         ids=lambda model: type(model).__name__)
def test_parameters_that_are_no_numbers_are_no_collapse(model: Any) -> None:
    """They are a fault of another kind, which the space names; a collapsed covariance is named."""
    data, name = model.as_data(ROWS), NAMES[type(model)]
    params = model.start(data, np.random.default_rng(0))
    noise = getattr(params, name)
    lost, collapsed = (replace(params, **{name: factor * noise}) for factor in (np.nan, 1e-30))
    assert model.degenerate(lost, data) is None
    assert model.space.fault(lost) is not None
    assert "collapsed" in model.degenerate(collapsed, data)


def test_names_that_the_package_does_not_have() -> None:
    with pytest.raises(AttributeError, match="module 'emlib' has no attribute 'nothing'; there are"):
        emlib.nothing  # noqa: B018


def test_a_gradient_that_cannot_be_had_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    """A covariance so near the edge that it has no inverse, though it lies inside."""
    model = GaussianHMM(2, 2)
    data = model.as_data(np.random.default_rng(0).standard_normal((40, 2)))
    x = model.space.pack(model.start(data, np.random.default_rng(1)))
    assert emlib.Problem(model, data).evaluate(x).fault is None

    def singular(*given: Any) -> Any:
        raise np.linalg.LinAlgError("Singular matrix")

    monkeypatch.setattr(GaussianHMM, "q_gradient", singular)
    found = emlib.Problem(model, data).evaluate(x)
    assert found.fault == "loglik: singular matrix at a point inside the space"
    assert found.loglik == -np.inf
