"""The registry of the contract suite: models with data, parameter points and an optimum.

A new model joins the suite by one more entry in `CASES`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from scipy.linalg import block_diag

import emlib
from emlib.algorithms import Newton
from emlib.models import GaussianMixture, Linkage, PoissonMixture, SymmetricMixture
from tests.contract import charts, densities
from tests.contract.densities import Density
from tests.tolerances import OPTIMUM

POINTS = 3  # random parameter points of each case
SPREAD = 0.3  # how far they lie from a random start, free coordinates
DEATHS = (162, 267, 271, 185, 111, 61, 27, 8, 3, 1)  # Hasselblad (1969): days with 0, 1, ..., 9 deaths


@dataclass(frozen=True, eq=False)
class Case:
    """A model with data; `witness` holds the same densities in JAX."""

    name: str
    model: Any
    raw: Any
    sample_weight: Any
    joint: Callable[..., Any]
    fields: dict[str, Any]
    embed: np.ndarray
    seed: int

    @cached_property
    def data(self) -> Any:
        return self.model.as_data(self.raw, self.sample_weight)

    @cached_property
    def witness(self) -> Density:
        units, weights = self.data.units, self.data.weights
        if units.ndim == 1 and weights is None:
            units, weights = np.unique(units, return_counts=True)
        return Density(self.joint, units, np.ones(len(units)) if weights is None else weights, self.fields, self.embed)

    @cached_property
    def points(self) -> list[Any]:
        """Parameters well inside the space, none of them special."""
        rng = np.random.default_rng(self.seed)
        space = self.model.space
        starts = [space.pack(self.model.start(self.data, rng)) for _ in range(POINTS)]
        return [space.unpack(x + SPREAD * rng.standard_normal(len(x))) for x in starts]

    @cached_property
    def optimum(self) -> Any:
        """An interior maximum, polished until the gradient is below OPTIMUM per unit."""
        problem = self.problem()
        for params in self.points:
            found = emlib.solve(problem, Newton(warm_up=20), self.model.space.pack(params), tol=1e-14)
            if found.success and np.abs(found.jac).max() <= OPTIMUM * self.data.n_units:
                return found.params
        raise AssertionError(f"{self.name}: no start led to an interior maximum")

    @property
    def is_mixture(self) -> bool:
        """Whether it has mixing weights."""
        return "weights" in self.fields

    @property
    def has_rows(self) -> bool:
        """Whether the raw data are one row a unit (linkage data are counts of four kinds of units)."""
        return "theta" not in self.fields

    def problem(self, coordinates: str = "free", **options: Any) -> emlib.Problem:
        return emlib.Problem(self.model, self.data, coordinates, **options)

    def free(self, params: Any) -> np.ndarray:
        return self.model.space.pack(params, "free")

    def standard(self, params: Any) -> np.ndarray:
        return self.model.space.pack(params, "standard")

    def with_model(self, model: Any) -> Case:
        """The same case with another model, its points and optimum kept: they were found by the honest one."""
        twin = replace(self, model=model)
        for name in ("data", "witness", "points", "optimum"):
            twin.__dict__[name] = getattr(self, name)
        return twin


def _linkage() -> Case:
    return Case("linkage", Linkage(), np.array([125, 18, 20, 34]), None, densities.linkage(),
                {"theta": (charts.interval, ())}, np.eye(1), seed=1)


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
                seed=10 + count)


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
    return Case(f"gaussian-{kind}-d{side}-k{count}", GaussianMixture(count, side, kind), rows, None,
                densities.gaussian(count, side), fields, block_diag(np.eye(count * (1 + side)), noise), seed=7)


def _symmetric(variances: tuple[float, ...]) -> Case:
    side = len(variances)
    rng = np.random.default_rng(8)
    signs = rng.choice([-1.0, 1.0], size=(60, 1))
    rows = signs * np.array([1.5, -1.0])[:side] + rng.standard_normal((60, side)) * np.sqrt(variances)
    return Case(f"symmetric-d{side}", SymmetricMixture(side, variances), rows, None, densities.symmetric(variances),
                {"mean": (charts.real, (side,))}, np.eye(side), seed=20)


CASES = [_linkage(), _symmetric((1.0,)), _symmetric((1.0, 4.0)),
         *[_poisson(k, t) for k in (2, 3) for t in (True, False)],
         *[_gaussian(kind, d, k) for kind in ("full", "tied", "diag", "spherical") for d in (1, 2) for k in (2, 3)]]
MIXTURES = [case for case in CASES if case.is_mixture]
