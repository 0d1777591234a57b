"""Cases of regressions with hidden labels, signs or covariates: data are the tuple (X, y)."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from emlib.models import RegressionMixture, RegressionWithMissingCovariates, SymmetricRegressionMixture
from tests.contract import charts
from tests.contract.autodiff import jnp
from tests.contract.cases.case import Case
from tests.contract.densities import Law, inverse, labelled


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


@cache
def _symmetric_law(width: int, variance: float) -> Law:
    """log(1/2 N(y_i | +-x_i' theta, variance)), shape (n, 2), at (theta,); units are rows (x, y)."""
    def joint(plain: Any, units: Any) -> Any:
        predicted = units[:, :-1] @ plain
        residual = units[:, -1:] - jnp.stack([predicted, -predicted], axis=1)
        return -np.log(2.0) - 0.5 * (np.log(2 * np.pi * variance) + residual**2 / variance)
    return labelled(joint)


def _symmetric(*, weighted: bool) -> Case:
    rng = np.random.default_rng(50)
    design = rng.standard_normal((60, 2)) * [1.0, 2.0]
    response = rng.choice([-1.0, 1.0], 60) * (design @ [1.5, -0.5]) + np.sqrt(0.7) * rng.standard_normal(60)
    return Case(f"symmetric-regressions{'-weighted' if weighted else ''}", SymmetricRegressionMixture(2, 0.7),
                (design, response), 1 + np.arange(60) % 3 if weighted else None, _symmetric_law(2, 0.7),
                {"coefficients": (charts.real, (2,))}, np.eye(2), seed=51, classes=2, bent=False)


@cache
def _missing_law(width: int, variance: float) -> Law:
    """x ~ N(0, I) and y given x, at (theta,); units are rows (x with zeros for missing entries, 1 where missing, y)."""
    def parts(plain: Any, units: Any) -> tuple[Any, ...]:
        seen, gone, response = units[:, :width], units[:, width:-1], units[:, -1]
        hidden = gone * plain
        return seen, gone, hidden, variance + (hidden**2).sum(axis=1), response - seen @ plain

    def loglik(plain: Any, units: Any) -> Any:
        seen, gone, _, total, residual = parts(plain, units)
        covariates = -0.5 * ((1 - gone) * (np.log(2 * np.pi) + seen**2)).sum(axis=1)
        return covariates - 0.5 * (jnp.log(2 * jnp.pi * total) + residual**2 / total)

    def posterior(plain: Any, units: Any) -> Any:
        seen, gone, hidden, total, residual = parts(plain, units)
        spread = gone[:, :, None] * jnp.eye(width) - hidden[:, :, None] * hidden[:, None, :] / total[:, None, None]
        return seen + hidden * (residual / total)[:, None], spread, gone

    def expected(plain: Any, found: Any, units: Any) -> Any:
        means, spread, _ = found
        squares = (units[:, -1] - means @ plain) ** 2 + jnp.einsum("i,nij,j->n", plain, spread, plain)
        own = width * np.log(2 * np.pi) + (means**2).sum(axis=1) + jnp.einsum("nii->n", spread)
        return -0.5 * (np.log(2 * np.pi * variance) + squares / variance + own)

    def entropy(found: Any) -> Any:
        _, spread, gone = found
        det = inverse(spread + (1 - gone)[:, :, None] * jnp.eye(width))[1]
        return 0.5 * (gone.sum(axis=1) * (1 + np.log(2 * np.pi)) + jnp.log(det))

    return Law(loglik, posterior, expected, entropy)


def _with_mask(data: Any) -> np.ndarray:
    gone = np.isnan(data.units[:, :-1])
    return np.column_stack([np.where(gone, 0.0, data.units[:, :-1]), gone, data.units[:, -1]])


def _missing(*, weighted: bool) -> Case:
    model = RegressionWithMissingCovariates(2, 0.7)
    raw = model.sample(model.params(coefficients=[1.5, -0.5]), 60, np.random.default_rng(52), missing=0.3)
    return Case(f"missing-covariates{'-weighted' if weighted else ''}", model, raw,
                1 + np.arange(60) % 3 if weighted else None, _missing_law(2, 0.7),
                {"coefficients": (charts.real, (2,))}, np.eye(2), seed=53, arrays=_with_mask, bent=False)


CASES = [_mixture(2, 2), _mixture(2, 2, weighted=True), _mixture(3, 1), _symmetric(weighted=False),
         _symmetric(weighted=True), _missing(weighted=False), _missing(weighted=True)]
