"""Cases of the t distribution: the latent variables are gamma, one a unit, and the entropy is differential."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from scipy.special import digamma, gammaln

from emlib.models import StudentT
from tests.contract import charts
from tests.contract.autodiff import jnp
from tests.contract.cases.case import Case
from tests.contract.densities import Law, inverse


@cache
def _law(side: int, dof: float) -> Law:
    """Units are rows; the plain entries are (location, scale matrix)."""
    shape, half = 0.5 * (dof + side), 0.5 * dof
    prior = half * np.log(half) - gammaln(half)  # of the gamma density, rate and shape one half of dof

    def distances(plain: Any, units: Any) -> tuple[Any, Any]:
        precision, det = inverse(plain[side:].reshape(1, side, side))
        residual = units - plain[:side]
        return jnp.einsum("ni,ij,nj->n", residual, precision[0], residual), jnp.log(det[0])

    def loglik(plain: Any, units: Any) -> Any:
        squares, log_det = distances(plain, units)
        constant = gammaln(shape) - gammaln(half) - 0.5 * side * np.log(dof * np.pi)
        return constant - 0.5 * log_det - shape * jnp.log1p(squares / dof)

    def posterior(plain: Any, units: Any) -> Any:
        return half + 0.5 * distances(plain, units)[0]  # the rates; all shapes are equal

    def expected(plain: Any, rates: Any, units: Any) -> Any:
        squares, log_det = distances(plain, units)
        mean, log = shape / rates, digamma(shape) - jnp.log(rates)
        normal = -0.5 * (side * np.log(2 * np.pi) + log_det - side * log + mean * squares)
        return normal + prior + (half - 1) * log - half * mean

    def entropy(rates: Any) -> Any:
        return shape - jnp.log(rates) + gammaln(shape) + (1 - shape) * digamma(shape)

    return Law(loglik, posterior, expected, entropy)


def _case(side: int, dof: float, *, weighted: bool = False) -> Case:
    rng = np.random.default_rng(60)
    rows = rng.standard_t(dof, (60, side)) @ np.array([[1.5, 0.6], [0.0, 0.8]])[:side, :side] + 2.0
    fields = {"location": (charts.real, (side,)), "scale": (charts.log_cholesky, (side, side))}
    return Case(f"student-d{side}-dof{dof:g}{'-weighted' if weighted else ''}", StudentT(side, dof), rows,
                1 + np.arange(60) % 3 if weighted else None, _law(side, dof), fields, np.eye(side + side**2), seed=61,
                closed_remainder=_remainder)


def _remainder(params: Any, stats: Any, moved_to: Any) -> dict[str, Any]:
    """-(sum of weights / n) dm dm': theorem T4."""
    moved = moved_to.location - params.location
    mean_weight = stats["rows"].sxx[0, 0, 0] / stats["rows"].counts[0]
    return {"scale": -mean_weight * np.outer(moved, moved)}


CASES = [_case(1, 1.0), _case(2, 4.0), _case(2, 4.0, weighted=True)]
