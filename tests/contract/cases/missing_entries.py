"""Cases of a multivariate normal distribution with missing entries; their law in JAX."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from emlib.families import GaussianMoments
from emlib.model import Statistics
from emlib.models import GaussianWithMissing
from tests.contract import charts
from tests.contract.autodiff import jnp
from tests.contract.cases.case import Case
from tests.contract.densities import Law, inverse

LOG_2PI = np.log(2 * np.pi)


@cache
def law(side: int) -> Law:
    """The normal law of the seen entries, at (mean, covariance); units are (values, 1 where seen), shape (n, 2, d).

    Missing entries become independent standard normal ones with value zero, whose part is then taken out.
    """
    def split(plain: Any, units: Any) -> tuple[Any, Any, Any, Any]:
        seen = units[:, 1]
        noise = plain[side:].reshape(side, side)
        inside = seen[:, :, None] * noise * seen[:, None, :] + (1 - seen)[:, :, None] * jnp.eye(side)
        return noise, seen, inside, seen * (units[:, 0] - plain[:side])

    def loglik(plain: Any, units: Any) -> Any:
        _, seen, inside, residual = split(plain, units)
        precision, det = inverse(inside)
        squares = jnp.einsum("ni,nij,nj->n", residual, precision, residual)
        return -0.5 * (seen.sum(axis=1) * LOG_2PI + jnp.log(det) + squares)

    def posterior(plain: Any, units: Any) -> Any:
        noise, seen, inside, residual = split(plain, units)
        gain = noise * seen[:, None, :] @ inverse(inside)[0]
        means = plain[:side] + (gain @ residual[:, :, None])[:, :, 0]
        return means, noise - gain @ (seen[:, :, None] * noise), seen

    def expected(plain: Any, found: Any, units: Any) -> Any:
        means, spread, _ = found
        noise, residual = plain[side:].reshape(side, side), means - plain[:side]
        scatter = spread + residual[:, :, None] * residual[:, None, :]
        precision, det = inverse(noise[None])
        return -0.5 * (side * LOG_2PI + jnp.log(det) + jnp.einsum("nij,ji->n", scatter, precision[0]))

    def entropy(found: Any) -> Any:
        _, spread, seen = found
        inside = spread + seen[:, :, None] * jnp.eye(side)
        return 0.5 * ((1 - seen).sum(axis=1) * (1 + LOG_2PI) + jnp.log(inverse(inside)[1]))

    return Law(loglik, posterior, expected, entropy)


def with_mask(data: Any) -> np.ndarray:
    """Values, zero where missing, and which were seen, shape (n, 2, d)."""
    return np.stack([np.nan_to_num(data.units), ~np.isnan(data.units)], axis=1)


def _case(side: int) -> Case:
    rng = np.random.default_rng(30 + side)
    rows = rng.standard_normal((60, side)) @ (np.eye(side) + 0.5 * np.tri(side)) + np.arange(side)
    rows[rng.random(rows.shape) < 0.25] = np.nan
    rows[0, 0] = np.nan
    rows = rows[~np.isnan(rows).all(axis=1)]
    fields = {"mean": (charts.real, (side,)), "covariance": (charts.log_cholesky, (side, side))}
    return Case(f"missing-d{side}", GaussianWithMissing(side), rows, None, law(side), fields,
                np.eye(side + side**2), seed=31, arrays=with_mask, closed_remainder=_remainder, own_statistics=_unit)


def _remainder(params: Any, stats: Any, moved_to: Any) -> dict[str, Any]:
    step = moved_to.mean - params.mean
    return {"covariance": -np.outer(step, step)}


def _unit(model: Any, params: Any) -> Statistics:
    side = model.n_features
    return Statistics({"rows": GaussianMoments(np.ones(1), params.covariance[None], np.zeros((1, side, 1)),
                                               np.ones((1, 1, 1)), params.mean[None, :, None], "tied")})


CASES = [_case(2)]
