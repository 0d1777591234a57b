"""Cases whose latent variable is one label a unit: linkage, Poisson, Gaussian and symmetric mixtures."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from scipy.linalg import block_diag

from emlib.families import GaussianMoments, covariance
from emlib.model import Statistics
from emlib.models import GaussianMixture, Linkage, PoissonMixture, SymmetricMixture
from tests.contract import charts, densities
from tests.contract.cases.case import Case

DEATHS = (162, 267, 271, 185, 111, 61, 27, 8, 3, 1)  # Hasselblad (1969): days with 0, 1, ..., 9 deaths


def _linkage() -> Case:
    return Case("linkage", Linkage(), np.array([125, 18, 20, 34]), None, densities.linkage(),
                {"theta": (charts.interval, ())}, np.eye(1), seed=1, classes=2, repeats_rows=False)


def _poisson(count: int, tabulated: bool) -> Case:
    values, repeats = np.arange(10), np.array(DEATHS)
    if count == 3:
        rng = np.random.default_rng(5)
        drawn = np.concatenate([rng.poisson(rate, 40) for rate in (1.0, 8.0, 25.0)])
        values, repeats = np.unique(drawn, return_counts=True)
    elif not tabulated:
        repeats = np.maximum(repeats // 8, 1)
    fields = {"weights": (charts.simplex, (count,)), "rates": (charts.positive, (count,))}
    raw, weight = (values, repeats) if tabulated else (np.repeat(values, repeats), None)
    name = f"poisson-{count}-{'tabulated' if tabulated else 'plain'}"
    return Case(name, PoissonMixture(count), raw, weight, densities.poisson(count), fields, np.eye(2 * count),
                seed=10 + count, classes=count, labels={"weights": (0,), "rates": (0,)},
                own_statistics=_poisson_unit)


def _poisson_unit(model: Any, params: Any) -> Statistics:
    counts = params.weights
    return Statistics({"weights": counts, "rates": np.stack([counts, counts * params.rates, 0 * counts])})


def _gaussian(kind: str, side: int, count: int) -> Case:
    rng = np.random.default_rng(100 + side)
    centres = np.array([[0.0, 0.0], [4.0, 1.0], [1.0, 5.0]])[:count, :side] * (1.0 if side == 2 else 1.5)
    each = 60 // count
    rows = np.concatenate([c + rng.standard_normal((each, side)) * (0.8 + 0.3 * k) for k, c in enumerate(centres)])
    chart = charts.log_cholesky if kind in ("full", "tied") else charts.positive
    noise = {"full": np.eye(count * side * side), "tied": np.tile(np.eye(side * side), (count, 1)),
             "diag": np.kron(np.eye(count), np.eye(side * side)[:, :: side + 1]),
             "spherical": np.kron(np.eye(count), np.eye(side).reshape(-1, 1))}[kind]
    shape = {"full": (count, side, side), "tied": (side, side), "diag": (count, side), "spherical": (count,)}[kind]
    fields = {"weights": (charts.simplex, (count,)), "means": (charts.real, (count, side)),
              "covariances": (chart, shape)}
    labels = {"weights": (0,), "means": (0,), "covariances": () if kind == "tied" else (0,)}
    return Case(f"gaussian-{kind}-d{side}-k{count}", GaussianMixture(count, side, kind), rows, None,
                densities.gaussian(count, side), fields, block_diag(np.eye(count * (1 + side)), noise), seed=7,
                classes=count, labels=labels, closed_remainder=lambda *at: _gaussian_remainder(kind, *at),
                own_statistics=_gaussian_unit)


def _gaussian_remainder(kind: str, params: Any, stats: Any, moved_to: Any) -> dict[str, Any]:
    """-sum of n_k dm_k dm_k' over what the covariance type pools."""
    counts, moved = stats["weights"], moved_to.means - params.means
    squares = -moved[:, :, None] * moved[:, None, :]
    diagonal = np.einsum("kii->ki", squares)
    return {"covariances": {"full": squares, "diag": diagonal, "spherical": diagonal.mean(axis=1),
                            "tied": np.tensordot(counts / counts.sum(), squares, 1)}[kind]}


def _gaussian_unit(model: Any, params: Any) -> Statistics:
    counts, kind, shape = params.weights, model.covariance_type, np.shape(params.means)
    noise = counts[:, None, None] * covariance.expand(kind, params.covariances, *shape)
    moments = GaussianMoments(counts, covariance.compress(kind, noise), np.zeros((*shape, 1)), counts[:, None, None],
                              params.means[:, :, None], kind)
    return Statistics({"weights": counts, "components": moments})


def _penalised() -> Case:
    """The mixture of full covariances with a penalty of three units, spread over the sixty."""
    plain, weight = _gaussian("full", 2, 2), 3.0
    reference = np.cov(plain.raw, rowvar=False, ddof=0) / 2
    law = densities.penalised(plain.law, densities.divergence(2, 2, weight, reference), len(plain.raw))

    def remainder(params: Any, stats: Any, moved_to: Any) -> dict[str, Any]:
        counts = stats["weights"]
        return {"covariances": (counts / (counts + weight))[:, None, None] * _gaussian_remainder(
            "full", params, stats, moved_to)["covariances"]}

    return replace(plain, name="gaussian-full-penalised", model=GaussianMixture(2, 2, penalty=weight), law=law,
                   closed_remainder=remainder, own_statistics=None)


def _symmetric(variances: tuple[float, ...]) -> Case:
    side = len(variances)
    rng = np.random.default_rng(8)
    signs = rng.choice([-1.0, 1.0], size=(60, 1))
    rows = signs * np.array([1.5, -1.0])[:side] + rng.standard_normal((60, side)) * np.sqrt(variances)
    return Case(f"symmetric-d{side}", SymmetricMixture(side, variances), rows, None, densities.symmetric(variances),
                {"mean": (charts.real, (side,))}, np.eye(side), seed=20, classes=2, own_statistics=_symmetric_unit,
                bent=False)


def _symmetric_unit(model: Any, params: Any) -> Statistics:
    squares = params.mean**2 + np.asarray(model.variances)
    return Statistics({"mean": np.concatenate([[1.0], params.mean, squares])})


CASES = [_linkage(), _symmetric((1.0,)), _symmetric((1.0, 4.0)),
         *[_poisson(k, t) for k in (2, 3) for t in (True, False)],
         *[_gaussian(kind, d, k) for kind in ("full", "tied", "diag", "spherical") for d in (1, 2) for k in (2, 3)],
         _penalised()]
