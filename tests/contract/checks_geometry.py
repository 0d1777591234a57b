"""The contract of a model, second part: charts, second derivatives, preconditioner."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.linalg import block_diag

from emlib.blocks import Simplex
from tests import tolerances as tol
from tests.contract.cases import Case
from tests.contract.checks import close, expect, flat

STEP = 1e-6  # of central differences


def differences(function: Any, x: np.ndarray) -> np.ndarray:
    """Central differences of a vector function, one column per entry of x."""
    units = np.eye(len(x)) * STEP
    return np.stack([(np.asarray(function(x + u)) - np.asarray(function(x - u))) / (2 * STEP) for u in units], axis=-1)


def coordinates(case: Case) -> tuple[str, ...]:
    return ("free", "standard", "mean") if case.model.full_family else ("free", "standard")


def check_round_trip(case: Case) -> None:
    """pack and unpack undo each other."""
    space = case.model.space
    for params in case.everywhere:
        for name in coordinates(case):
            x = space.pack(params, name)
            assert x.shape == (space.size(name),), f"{name}: shape {x.shape}"
            back = space.unpack(x, name)
            tolerance = tol.ROUND_TRIP_MEAN if name == "mean" else tol.ROUND_TRIP
            close(case.standard(back), case.standard(params), tolerance, f"{name}: unpack after pack")
            close(space.pack(back, name), x, tolerance, f"{name}: pack after unpack")


def check_free_chart(case: Case) -> None:
    """The free chart and its Jacobian are the witness's."""
    for params in case.everywhere:
        free = case.free(params)
        close(case.standard(params), case.witness.standard(free), tol.TWO_CODES, "free chart")
        close(case.model.space.jacobian(params), case.witness.jacobian(free), tol.TWO_CODES, "its Jacobian")


def check_tangent(case: Case) -> None:
    """The tangent basis is orthonormal and spans what the free chart can reach."""
    basis = case.model.space.tangent()
    close(basis.T @ basis, np.eye(basis.shape[1]), tol.IDENTITY, "orthonormal")
    chart = case.model.space.jacobian(case.points[0])
    assert basis.shape == chart.shape, f"shape {basis.shape} against {chart.shape}"
    close(basis @ (basis.T @ chart), chart, tol.IDENTITY, "span")


def check_pullback(case: Case) -> None:
    """A gradient per field, pulled back, is the gradient of the flat vector: against differences of the charts."""
    space, rng = case.model.space, np.random.default_rng(0)
    for params in case.points:
        cotangent = space.split(_symmetric(case, rng.standard_normal(space.size("standard"))))
        for name in coordinates(case):
            def paired(x: np.ndarray, chart: str = name, slopes: Any = cotangent) -> float:
                return float(flat(case, slopes) @ case.standard(space.unpack(x, chart)))
            expected = differences(paired, space.pack(params, name))
            close(space.pullback(params, cotangent, name), expected, tol.DIFFERENCES, f"{name}: pullback")


def _symmetric(case: Case, standard: np.ndarray) -> np.ndarray:
    """The entries with their matrices made symmetric (a gradient over symmetric matrices is)."""
    basis = free_entries(case)
    return basis @ (basis.T @ standard)


def free_entries(case: Case) -> np.ndarray:
    """Basis of the entries with symmetric matrices, weights unconstrained."""
    blocks = case.model.space.blocks
    return block_diag(*[np.eye(b.size) if isinstance(b, Simplex) else b.tangent() for b in blocks])


def check_differences(case: Case) -> None:
    """Gradient and Hessian are central differences of the log-likelihood and of the gradient: without a witness."""
    problem = case.problem()
    for params in case.points:
        free = case.free(params)
        close(problem.gradient(free), differences(problem.loglik, free), tol.DIFFERENCES, "gradient")
        close(problem.hessian(free), differences(problem.gradient, free), tol.DIFFERENCES, "Hessian")


def check_pull_hessian(case: Case) -> None:
    """A Hessian over standard entries, pulled back with its gradient, is autodiff's in free coordinates."""
    for params in case.points:
        free, standard = case.free(params), case.standard(params)
        slope, bend = case.witness.standard_gradient(standard), case.witness.standard_hessian(standard)
        found = case.model.space.pull_hessian(params, bend, case.model.space.split(slope))
        close(found, case.witness.hessian(free), tol.CURVATURE, "pull_hessian")


def check_q_hessian(case: Case) -> None:
    """The closed-form Hessian of Q against autodiff, at the base point, elsewhere and at the M-step."""
    base = case.points[0]
    stats, posterior = expect(case, base).stats, case.witness.posterior(case.free(base))
    entries = free_entries(case)
    for params in [*case.points, case.model.m_step(stats)]:
        free, standard = case.free(params), case.standard(params)
        close(case.model.q_hessian(params, stats), case.witness.q_hessian(free, posterior), tol.CURVATURE, "free")
        slope, bend = case.witness.q_standard(standard, posterior)
        close(entries.T @ case.model.q_hessian(params, stats, "standard") @ entries, entries.T @ bend @ entries,
              tol.CURVATURE, "standard")
        close(flat(case, case.model.q_gradient(params, stats)), slope, tol.TWO_CODES, "gradient of Q")


def check_hessian(case: Case) -> None:
    """The Hessian of loglik is autodiff's; Louis's formula, where the model has it, in standard coordinates, too."""
    entries = free_entries(case)
    tolerance = tol.CURVATURE if case.has_closed_form else tol.DIFFERENCES
    for params in case.points:
        free, standard = case.free(params), case.standard(params)
        close(case.problem().hessian(free), case.witness.hessian(free), tolerance, "free Hessian")
        if not case.has_closed_form:
            continue
        found = entries.T @ case.problem("standard", chunk_size=7).hessian(standard) @ entries
        close(found, entries.T @ case.witness.standard_hessian(standard) @ entries, tol.CURVATURE, "standard Hessian")


def check_complete_information(case: Case) -> None:
    """I_c at the M-step is positive definite and does not care about the chart: J' (-d2Q) J there."""
    for params in case.points:
        problem = case.problem()
        found = problem.complete_information(problem.evaluate(case.free(params)))
        assert np.linalg.eigvalsh(found).min() > 0, "I_c is not positive definite"
        stats = expect(case, params).stats
        top = case.model.m_step(stats)
        chart = case.witness.jacobian(case.free(top))
        slope = np.concatenate([np.ravel(s) for s in case.model.q_gradient(top, stats).values()])
        # Along the simplex the slope is constant but not zero: its product with the chart's curvature vanishes
        # only because the curvature keeps the sum of the weights.
        assert np.abs(chart.T @ slope).max() <= tol.M_STATIONARY * case.data.n_units
        bend = case.witness.q_standard(case.standard(top), case.witness.posterior(case.free(params)))[1]
        close(found, -case.witness.pulled(case.free(top), slope, bend), tol.CURVATURE, "I_c")


def check_projection(case: Case) -> None:
    """Theorem T4: M(theta) - theta = P gradient + remainder, the remainder in the closed form that the case gives."""
    for params in case.points:
        stats = expect(case, params).stats
        step = case.standard(case.model.m_step(stats)) - case.standard(params)
        metric, slope = case.model.projection(params, stats), flat(case, case.model.q_gradient(params, stats))
        remainder = case.model.remainder(params, stats)
        close(metric @ slope + flat(case, remainder), step, tol.IDENTITY, "P gradient + remainder")
        close(metric, metric.T, tol.IDENTITY, "symmetry of P")
        basis = case.model.space.tangent()
        assert np.linalg.eigvalsh(basis.T @ metric @ basis).min() > 0, "P is not positive definite on the tangent"
        expected = {name: np.zeros(shape) for name, (_, shape) in case.fields.items()}
        if case.closed_remainder is not None:
            expected |= case.closed_remainder(params, stats, case.model.m_step(stats))
        close(flat(case, remainder), flat(case, expected), tol.IDENTITY, "remainder")


def check_weights_projection(case: Case) -> None:
    """P of the weights is singular along (1, ..., 1), and no projection: P P is not P."""
    params = case.points[0]
    count = len(params.weights)
    block = case.model.projection(params, expect(case, params).stats)[:count, :count]
    close(block @ np.ones(count), np.zeros(count), tol.IDENTITY, "along the ones", float(np.abs(block).max()))
    assert np.abs(block @ block - block).max() > tol.CONTROL * np.abs(block).max(), "idempotent"


def check_secant(case: Case) -> None:
    """Theorem T1: the mean of -d2Q over the EM step, times the step, is the gradient (free coordinates)."""
    nodes, weights = np.polynomial.legendre.leggauss(24)
    for params in case.points:
        stats, space = expect(case, params).stats, case.model.space
        start = case.free(params)
        step = case.free(case.model.m_step(stats)) - start
        mean = sum(0.5 * w * case.model.q_hessian(space.unpack(start + 0.5 * (1 + s) * step), stats)
                   for s, w in zip(nodes, weights, strict=True))
        close(-mean @ step, case.witness.gradient(start), tol.QUADRATURE, "secant theorem")


def check_natural_gradient(case: Case) -> None:
    """Theorem T2: in mean coordinates the EM step is the gradient times Cov(T)/N, Cov(T) = dt/du I(u)^-1 dt/du'.

    I(u), the complete-data information of one unit, is the Hessian of -Q whose statistics are N E_theta[T].
    """
    space = case.model.space
    for params in case.points:
        t = space.pack(params, "mean")
        problem = case.problem("mean")
        chart = differences(lambda u: space.pack(space.unpack(u), "mean"), case.free(params))
        assert case.own_statistics is not None, "a full family gives the statistics of one unit"
        unit = -case.model.q_hessian(params, case.own_statistics(case.model, params))
        covariance = chart @ np.linalg.solve(unit, chart.T)
        step = problem.em_map(t) - t
        close(covariance @ problem.gradient(t) / case.data.n_units, step, tol.DIFFERENCES, "natural gradient",
              float(np.abs(covariance).max()))
