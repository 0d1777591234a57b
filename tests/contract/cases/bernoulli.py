"""Cases of mixtures of Bernoulli products: rows of zeros and ones, tabulated or not."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from emlib.model import Statistics
from emlib.models import BernoulliMixture
from tests.contract import charts
from tests.contract.autodiff import jnp
from tests.contract.cases.case import Case
from tests.contract.densities import Law, labelled

CHANCES = np.array([[0.85, 0.7, 0.8, 0.6], [0.2, 0.3, 0.1, 0.45]])


@cache
def _law(count: int, side: int) -> Law:
    """log(pi_k prod_j p_kj^y_ij (1 - p_kj)^(1 - y_ij)), shape (n, K), at (weights, probabilities)."""
    def joint(plain: Any, units: Any) -> Any:
        weights, chances = plain[:count], plain[count:].reshape(count, side)
        return jnp.log(weights) + units @ jnp.log(chances).T + (1 - units) @ jnp.log1p(-chances).T
    return labelled(joint)


def _case(*, tabulated: bool) -> Case:
    rng = np.random.default_rng(55)
    labels = rng.random(300 if tabulated else 60) < 0.4
    rows = (rng.random((len(labels), 4)) < CHANCES[labels.astype(int)]).astype(int)
    weight = None
    if tabulated:
        rows, weight = np.unique(rows, axis=0, return_counts=True)
    fields = {"weights": (charts.simplex, (2,)), "probabilities": (charts.interval, (2, 4))}
    return Case(f"bernoulli-{'tabulated' if tabulated else 'plain'}", BernoulliMixture(2, 4), rows, weight, _law(2, 4),
                fields, np.eye(10), seed=41, classes=2, labels=dict.fromkeys(fields, (0,)), own_statistics=_unit)


def _unit(model: Any, params: Any) -> Statistics:
    counts = params.weights[:, None]
    ones, zeros = counts * params.probabilities, counts * (1 - params.probabilities)
    return Statistics({"weights": params.weights, "probabilities": np.stack([ones, zeros, 0 * ones])})


CASES = [_case(tabulated=True), _case(tabulated=False)]
