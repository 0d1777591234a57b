"""Cases of the linear factor models; their law in JAX, from the full covariance matrix of the rows."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from scipy.linalg import block_diag

from emlib.models import PPCA, FactorAnalysis
from tests.contract import charts
from tests.contract.autodiff import jnp
from tests.contract.cases.case import Case
from tests.contract.densities import Law

LOG_2PI = np.log(2 * np.pi)
LOADINGS = ((1.0, 0.3), (-0.8, 0.9), (0.6, -1.0), (0.9, 0.5), (-0.2, 1.1))


@cache
def law(side: int, count: int) -> Law:
    """y = mean + W z + noise at (mean, W, d noise variances); the posterior of z is its mean and its covariance."""
    def split(plain: Any) -> tuple[Any, Any, Any]:
        mean, loadings, noise = jnp.split(plain, [side, side * (1 + count)])
        return mean, loadings.reshape(side, count), noise

    def loglik(plain: Any, units: Any) -> Any:
        mean, loadings, noise = split(plain)
        whole = loadings @ loadings.T + jnp.diag(noise)
        residual = units - mean
        squares = (residual * jnp.linalg.solve(whole, residual.T).T).sum(axis=1)
        return -0.5 * (side * LOG_2PI + jnp.linalg.slogdet(whole)[1] + squares)

    def posterior(plain: Any, units: Any) -> Any:
        mean, loadings, noise = split(plain)
        gain = jnp.linalg.solve(loadings @ loadings.T + jnp.diag(noise), loadings).T
        spread = jnp.eye(count) - gain @ loadings
        return (units - mean) @ gain.T, jnp.broadcast_to(spread, (len(units), count, count))

    def expected(plain: Any, found: Any, units: Any) -> Any:
        mean, loadings, noise = split(plain)
        factors, spread = found
        residual = units - mean - factors @ loadings.T
        squares = residual**2 + jnp.einsum("ij,njk,ik->ni", loadings, spread, loadings)
        prior = count * LOG_2PI + (factors**2).sum(axis=1) + jnp.trace(spread, axis1=1, axis2=2)
        return -0.5 * ((LOG_2PI + jnp.log(noise) + squares / noise).sum(axis=1) + prior)

    def entropy(found: Any) -> Any:
        return 0.5 * (count * (1 + LOG_2PI) + jnp.linalg.slogdet(found[1])[1])

    return Law(loglik, posterior, expected, entropy)


def rows(side: int, count: int, noise: Any) -> np.ndarray:
    rng = np.random.default_rng(40 + side)
    factors = rng.standard_normal((60, count)) @ np.array(LOADINGS)[:side, :count].T
    return np.arange(side) + factors + rng.standard_normal((60, side)) * np.sqrt(noise)


def _case(kind: Any, side: int, count: int) -> Case:
    pooled = kind is PPCA
    fields = {"mean": (charts.real, (side,)), "loadings": (charts.real, (side, count)),
              "noise_variance": (charts.positive, () if pooled else (side,))}
    embed = block_diag(np.eye(side * (1 + count)), np.ones((side, 1)) if pooled else np.eye(side))
    noise = 0.4 if pooled else np.linspace(0.3, 0.6, side)
    return Case(f"{kind.__name__.lower()}-d{side}-k{count}", kind(side, count), rows(side, count, noise), None,
                law(side, count), fields, embed, seed=41, closed_remainder=_pooled if pooled else _each)


def _pooled(params: Any, stats: Any, moved_to: Any) -> dict[str, Any]:
    """The mean of the features' remainders."""
    return {"noise_variance": _each(params, stats, moved_to)["noise_variance"].mean()}


def _each(params: Any, stats: Any, moved_to: Any) -> dict[str, Any]:
    """-diag(dW (Sxx/n) dW'), W the mean beside the loadings and x = (1, z)."""
    step = np.column_stack([moved_to.mean - params.mean, moved_to.loadings - params.loadings])
    moments = stats["factors"]
    return {"noise_variance": -np.einsum("ij,jk,ik->i", step, moments.sxx[0] / moments.counts[0], step)}


CASES = [_case(kind, side, count) for kind in (PPCA, FactorAnalysis) for side, count in ((3, 1), (5, 2))]
