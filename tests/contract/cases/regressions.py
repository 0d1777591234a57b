"""Cases of regressions with a hidden label: data are the tuple (X, y)."""

from __future__ import annotations

from functools import cache
from typing import Any

import jax.numpy as jnp
import numpy as np

from emlib.models import RegressionMixture
from tests.contract import charts
from tests.contract.cases.case import Case
from tests.contract.densities import Law, labelled


@cache
def _mixture_law(count: int, width: int) -> Law:
    """log(pi_k N(y_i | x_i' b_k, s_k)), shape (n, K), at (weights, coefficients, variances); units are rows (x, y)."""
    def joint(plain: Any, units: Any) -> Any:
        weights, slopes, noise = jnp.split(plain, [count, count + count * width])
        residual = units[:, -1:] - units[:, :-1] @ slopes.reshape(count, width).T
        return jnp.log(weights) - 0.5 * (jnp.log(2 * jnp.pi * noise) + residual**2 / noise)
    return labelled(joint)


def _mixture(count: int, width: int, *, weighted: bool = False) -> Case:
    rng = np.random.default_rng(30 + width)
    design = np.column_stack([np.ones(60), 2 * rng.standard_normal((60, width - 1))])
    truth = np.array([[0.0, 1.5], [3.0, -1.0], [-4.0, 0.5]])[:count, :width]
    response = (design * truth[np.arange(60) % count]).sum(axis=1) + 0.7 * rng.standard_normal(60)
    fields = {"weights": (charts.simplex, (count,)), "coefficients": (charts.real, (count, width)),
              "noise_variance": (charts.positive, (count,))}
    return Case(f"regressions-p{width}-k{count}{'-weighted' if weighted else ''}", RegressionMixture(count, width),
                (design, response), 1 + np.arange(60) % 3 if weighted else None, _mixture_law(count, width), fields,
                np.eye(count * (2 + width)), seed=31, classes=count, labels=dict.fromkeys(fields, (0,)),
                closed_remainder=_mixture_remainder)


def _mixture_remainder(params: Any, stats: Any, moved_to: Any) -> dict[str, Any]:
    """-db (Sxx / n) db' of each component: the M-step's variances are about the new coefficients."""
    moved, design = moved_to.coefficients - params.coefficients, stats["components"].sxx
    return {"noise_variance": -np.einsum("ki,kij,kj->k", moved, design, moved) / stats["weights"]}


CASES = [_mixture(2, 2), _mixture(2, 2, weighted=True), _mixture(3, 1)]
