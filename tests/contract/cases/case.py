"""One entry of the contract suite."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

import emlib
from emlib.algorithms import EM, Newton, Switch, after
from emlib.model import LatentVariableModel
from tests.contract.densities import Density, Law
from tests.tolerances import OPTIMUM

POINTS = 3  # random parameter points of each case
SPREAD = 0.3  # how far they lie from a random start, free coordinates


def has(model: Any, name: str) -> bool:
    """Whether a model has a method; those of the protocol refuse until a model overrides them."""
    return bool(model.supplies(name)) if hasattr(LatentVariableModel, name) else hasattr(model, name)


@dataclass(frozen=True, eq=False)
class Case:
    """A model with data; `witness` holds the same densities in JAX.

    Attributes
    ----------
    raw : array, list of sequences, or tuple of arrays with one row a unit
    law : Law
        The model's densities in JAX, at the plain entries.
    fields : dict of str to (chart, shape)
        In the order of the flat vector.
    embed : ndarray, shape (plain entries, standard entries)
        How the plain entries depend on those of the fields.
    classes : float or None
        The posterior entropy of a unit is at most log(classes); None for continuous latent variables.
    labels : dict of str to tuple of int
        For each field that names components, the axes that do; empty if the model has none.
    arrays : callable, optional
        From `Data` to the arrays that the law reads, one row a unit; default `data.units`.
    closed_remainder : callable, optional
        (params, stats, M-step) to the remainder of theorem T4 of the fields that have one.
    own_statistics : callable, optional
        params to the statistics of one unit whose M-step is params (full families only).
    bent : bool
        Whether the Hessian of Q differs from point to point, or the chart is curved.
    repeats_rows : bool
        Whether repeated units are repeated rows of `raw` (linkage data count them instead).
    only : tuple of str
        The checks that it is for, by name; empty if it is for all.
    has_optimum : bool
        Whether the likelihood has an interior maximum; a case without one is only for checks that need none.
    """

    name: str
    model: Any
    raw: Any
    sample_weight: Any
    law: Law
    fields: dict[str, Any]
    embed: np.ndarray
    seed: int
    classes: float | None = None
    labels: Mapping[str, tuple[int, ...]] | None = None
    arrays: Callable[[Any], Any] | None = None
    closed_remainder: Callable[[Any, Any, Any], dict[str, Any]] | None = None
    own_statistics: Callable[[Any, Any], Any] | None = None
    bent: bool = True
    repeats_rows: bool = True
    only: tuple[str, ...] = ()
    has_optimum: bool = True

    @cached_property
    def data(self) -> Any:
        return self.model.as_data(self.raw, self.sample_weight)

    @cached_property
    def witness(self) -> Density:
        units, weights = self.data.units if self.arrays is None else self.arrays(self.data), self.data.weights
        if isinstance(units, np.ndarray) and units.ndim == 1 and weights is None:
            units, weights = np.unique(units, return_counts=True)
        return Density(self.law, units, np.ones(len(units)) if weights is None else weights, self.fields, self.embed)

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
            found = emlib.solve(problem, Switch(EM(), Newton(), after(20)), self.model.space.pack(params), tol=1e-14)
            if found.success and np.abs(found.jac).max() <= OPTIMUM * self.data.n_units:
                return found.params
        raise AssertionError(f"{self.name}: no start led to an interior maximum")

    @cached_property
    def optimum_loglik(self) -> float:
        """The log-likelihood at the optimum; `check_loglik` compares it with the witness's."""
        return float(self.model.e_step(self.optimum, self.data).loglik)

    @property
    def everywhere(self) -> list[Any]:
        """The points, and the optimum if there is one."""
        return [*self.points, self.optimum] if self.has_optimum else self.points

    @property
    def is_mixture(self) -> bool:
        """Whether it has mixing weights to be estimated."""
        return "weights" in self.fields and "weights" not in self.model.space.held

    @property
    def has_closed_form(self) -> bool:
        """Whether the model gives its missing information in closed form."""
        return has(self.model, "missing_information")

    def units(self, index: Any) -> Any:
        """The raw data with these units only, in this order, repeats allowed."""
        if isinstance(self.raw, list):
            return [self.raw[i] for i in index]
        if isinstance(self.raw, tuple):
            return tuple(np.asarray(part)[index] for part in self.raw)
        return np.asarray(self.raw)[index]

    def problem(self, coordinates: str = "free", **options: Any) -> emlib.Problem:
        return emlib.Problem(self.model, self.data, coordinates, **options)

    def free(self, params: Any) -> np.ndarray:
        return self.model.space.pack(params, "free")

    def standard(self, params: Any) -> np.ndarray:
        return self.model.space.pack(params, "standard")

    def with_model(self, model: Any) -> Case:
        """The same case with another model, its points and optimum kept: they were found by the honest one.

        The witness knows nothing of the model and is made anew when it is asked for, which takes no time.
        """
        twin = replace(self, model=model)
        for name in ("data", "points", *(["optimum"] if self.has_optimum else [])):
            twin.__dict__[name] = getattr(self, name)
        return twin
