"""The diagnostics against the witness, against each other, and against what must fail."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from emlib import diagnostics as dx
from tests import tolerances as tol
from tests.algorithms.setting import PROBLEMS, by_name
from tests.contract.cases import Case
from tests.contract.checks import close, flat
from tests.contract.checks_geometry import free_entries

SOME = pytest.mark.parametrize("case", PROBLEMS, ids=lambda case: case.name)
# the comparison is with the model's own numbers, and with those of the witness, which is written in JAX
BOTH = pytest.mark.parametrize("by_witness", [False, pytest.param(True, marks=pytest.mark.extras)],
                               ids=["model", "witness"])


def standard_hessian(case: Case, params: Any, by_witness: bool) -> np.ndarray:
    """The Hessian of the log-likelihood over the standard entries."""
    standard = case.standard(params)
    return case.witness.standard_hessian(standard) if by_witness else case.problem("standard").hessian(standard)


@BOTH
@SOME
def test_fisher_gap_and_its_control(case: Case, by_witness: bool) -> None:
    here, there = case.points[0], case.points[1]
    gradient, tolerance = (case.witness.gradient, tol.TWO_CODES) if by_witness else (None, tol.DIFFERENCES)
    assert dx.fisher_identity_gap(case.model, case.data, here, gradient=gradient) <= tolerance
    assert dx.fisher_identity_gap(case.model, case.data, here, at=there, gradient=gradient) > tol.CONTROL


@BOTH
@SOME
def test_bound_and_gap(case: Case, by_witness: bool) -> None:
    here, there = case.points[0], case.points[1]
    found = case.model.e_step(here, case.data)
    value, entropy = found.loglik, found.entropy
    if by_witness:
        value, entropy = case.witness.loglik(case.free(here)), case.witness.entropy(case.free(here))
    close(dx.elbo(case.model, case.data, here), value, tol.TWO_CODES, "elbo at the posterior")
    close(dx.jensen_gap(case.model, case.data, here, here), 0.0, tol.IDENTITY, "gap", abs(value))
    gap = dx.jensen_gap(case.model, case.data, here, there)
    assert gap > 0
    close(gap, value - dx.elbo(case.model, case.data, here, there), tol.TWO_CODES, "gap", abs(value))
    close(dx.posterior_entropy(case.model, case.data, here), entropy, tol.TWO_CODES, "entropy", case.data.n_units)


@pytest.mark.extras
@SOME
def test_the_gap_is_the_divergence_of_the_posteriors(case: Case) -> None:
    here, there = case.points[0], case.points[1]
    q, p = case.witness.shares(case.free(there)), case.witness.shares(case.free(here))
    inside = np.where(q > 1e-300, q * (np.log(np.maximum(q, 1e-300)) - np.log(np.maximum(p, 1e-300))), 0.0)
    divergence = float(case.witness.weights @ inside.sum(axis=1))
    close(dx.jensen_gap(case.model, case.data, here, there), divergence, tol.TWO_CODES, "KL", case.data.n_units)


@pytest.mark.extras
@pytest.mark.parametrize(("name", "second"), [("linkage", True), ("poisson-2-plain", False),
                                              ("gaussian-full-d1-k2", False), ("gaussian-tied-d2-k3", False),
                                              ("bernoulli-tabulated", False), ("regressions-p2-k2-weighted", False),
                                              ("symmetric-regressions-weighted", False),
                                              ("student-d2-dof4-weighted", False)])
def test_oracle_agrees_with_the_witness(name: str, second: bool) -> None:
    """Two JAX codes written apart; second derivatives where they compile quickly."""
    from emlib.backends import jax as oracle

    case = by_name(name)
    standard, entries = case.standard(case.points[0]), free_entries(case)
    slopes = oracle.autodiff_gradient(case.model, case.data, case.points[0])
    close(flat(case, slopes), case.witness.standard_gradient(standard), tol.TWO_CODES, "gradient")
    if second:
        bend = oracle.autodiff_hessian(case.model, case.data, case.points[0])
        close(entries.T @ bend @ entries, entries.T @ case.witness.standard_hessian(standard) @ entries,
              tol.CURVATURE, "Hessian")


@pytest.mark.extras
def test_a_model_without_an_oracle_is_named_with_those_that_have_one() -> None:
    from emlib.backends import jax as oracle

    case = by_name("missing-d2")
    with pytest.raises(TypeError, match=r"no JAX log-likelihood of GaussianWithMissing; there are .*'StudentT'"):
        oracle.loglik(case.model, case.data)


@BOTH
@SOME
def test_every_route_to_the_information_agrees(case: Case, by_witness: bool) -> None:
    """Louis, Oakes, the score's differences and SEM at the optimum; all against one Hessian."""
    found = {method: dx.information(case.model, case.data, case.optimum, method=method)
             for method in ("louis", "oakes", "score", "sem")}
    basis = found["louis"].basis
    observed = -basis.T @ standard_hessian(case, case.optimum, by_witness) @ basis
    for method, one in found.items():
        scale = float(np.abs(one.complete).max())
        close(one.observed, observed, tol.ROUTES, f"observed by {method}", scale)
        close(one.complete - one.missing, one.observed, tol.IDENTITY, "I_o = I_c - I_m", scale)
        assert one.n_unidentified == 0
        assert one.at_boundary == []


@BOTH
@SOME
def test_jacobian_is_the_share_of_missing_information(case: Case, by_witness: bool) -> None:
    """DM = I_c^-1 I_m = I + P H at the optimum (theorem T5), factors in this order; away from it neither holds."""
    def gaps(params: Any) -> tuple[float, float]:
        found = dx.information(case.model, case.data, params)
        jacobian = dx.em_jacobian(case.model, case.data, params)
        bend = standard_hessian(case, params, by_witness)
        metric = dx.projection_matrix(case.model, case.data, params).matrix
        reduced = found.basis.T @ metric @ bend @ found.basis
        first = np.abs(jacobian - found.fraction_missing).max()
        return float(first), float(np.abs(jacobian - np.eye(len(jacobian)) - reduced).max())

    assert max(gaps(case.optimum)) <= tol.ROUTES
    moved = case.model.space.unpack(case.free(case.optimum) + 0.05)
    assert min(gaps(moved)) > 10 * tol.ROUTES


def test_the_order_of_the_factors_matters() -> None:
    """V = (I - DM)^-1 I_c^-1; with the factors the other way round it is far off (theorem T5)."""
    case = by_name("gaussian-full-d1-k2")
    found = dx.information(case.model, case.data, case.optimum)
    jacobian, unit = dx.em_jacobian(case.model, case.data, case.optimum), np.eye(len(found.complete))
    right = np.linalg.inv(unit - jacobian) @ np.linalg.inv(found.complete)
    wrong = np.linalg.inv(found.complete) @ np.linalg.inv(unit - jacobian)
    variance = np.linalg.inv(found.observed)
    scale = float(np.abs(variance).max())
    close(right, variance, tol.ROUTES, "V", scale)
    assert np.abs(wrong - variance).max() > tol.CONTROL * scale


@SOME
def test_rate_is_what_em_shows(case: Case) -> None:
    """The ratio of successive steps of EM near the optimum is the largest eigenvalue of DM."""
    rate = dx.information(case.model, case.data, case.optimum).rate
    problem = case.problem("standard")
    x = case.standard(case.model.space.unpack(case.free(case.optimum) + 1e-3))
    lengths, steps = [], int(np.ceil(np.log(1e-4) / np.log(rate)))
    for _ in range(min(steps, 400)):
        moved = problem.em_map(x)
        lengths.append(np.linalg.norm(moved - x))
        x = moved
    assert lengths[-1] / lengths[-2] == pytest.approx(rate, rel=tol.OBSERVED_RATE)
    assert 0 < rate < 1


@SOME
def test_projection_closes(case: Case) -> None:
    found = dx.projection_matrix(case.model, case.data, case.points[0])
    assert found.gap <= tol.IDENTITY * max(1.0, float(np.abs(found.step).max())) * 10
    assert np.abs(found.step - 1.01 * found.matrix @ found.gradient - found.remainder).max() > tol.CONTROL


def test_unknown_routes_are_refused() -> None:
    case = by_name("linkage")
    with pytest.raises(ValueError, match=r"method: 'guess' is unknown; choose one of \('auto', 'louis', 'oakes'"):
        dx.information(case.model, case.data, case.optimum, method="guess")
    with pytest.raises(ValueError, match="normalised: Linkage has no discrete latent variable with K >= 2 states"):
        dx.posterior_entropy(case.model, case.data, case.optimum, normalised=True)
