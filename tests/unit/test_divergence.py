"""The divergence of complete data, against sums and integrals over all of them."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
from scipy.stats import multivariate_normal, poisson

from emlib import diagnostics as dx
from emlib.models import BernoulliMixture, GaussianMixture, Linkage, PoissonMixture, StudentT
from tests import tolerances as tol


def cells(model: Any, theta: Any) -> np.ndarray:
    """Probability of each cell of a grid of complete data, (outcome, component)."""
    if isinstance(model, Linkage):
        t = float(theta.theta)
        return np.array([0.5, t / 4, (1 - t) / 4, (1 - t) / 4, t / 4])
    if isinstance(model, PoissonMixture):
        return np.asarray(theta.weights * poisson.pmf(np.arange(80)[:, None], theta.rates))
    if isinstance(model, BernoulliMixture):
        outcomes = np.array(list(product((0, 1), repeat=model.n_features)))[:, None]
        return np.asarray(theta.weights * np.where(outcomes, theta.probabilities, 1 - theta.probabilities).prod(axis=2))
    axis, step = np.linspace(-11, 11, 401, retstep=True)
    grid = np.stack(np.meshgrid(*[axis] * model.n_features), axis=-1)
    heights = [multivariate_normal(m, c).pdf(grid) for m, c in zip(theta.means, theta.covariances, strict=True)]
    return np.asarray(np.stack(heights, axis=-1) * theta.weights * step**model.n_features)


def pair(kind: str, *covariances: Any) -> tuple[Any, dict[str, Any], dict[str, Any]]:
    first = {"weights": [0.3, 0.7], "means": [[0.0, 1.0], [1.0, -1.0]], "covariances": covariances[0]}
    second = {"weights": [0.5, 0.5], "means": [[0.5, 0.5], [0.0, -1.0]], "covariances": covariances[1]}
    return GaussianMixture(2, 2, kind), first, second


TILTED, ROUND = [[[1.0, 0.4], [0.4, 0.8]], [[0.6, -0.2], [-0.2, 1.5]]], [[[1.2, 0.0], [0.0, 1.0]]] * 2
CASES = [
    (Linkage(), {"theta": 0.7}, {"theta": 0.2}),
    (PoissonMixture(2), {"weights": [0.3, 0.7], "rates": [1.0, 4.0]}, {"weights": [0.6, 0.4], "rates": [2.0, 3.0]}),
    (BernoulliMixture(2, 3), {"weights": [0.3, 0.7], "probabilities": [[0.2, 0.5, 0.9], [0.6, 0.6, 0.1]]},
     {"weights": [0.5, 0.5], "probabilities": [[0.3, 0.4, 0.8], [0.5, 0.7, 0.3]]}),
    pair("full", TILTED, ROUND),
    pair("diag", [[1.0, 0.5], [0.7, 1.2]], [[0.8, 0.8], [1.5, 1.0]]),
    pair("spherical", [1.0, 0.6], [0.8, 1.4]),
]


@pytest.mark.parametrize(("model", "first", "second"), CASES, ids=lambda given: type(given).__name__)
def test_closed_form_is_the_sum_over_complete_data(model: Any, first: dict[str, Any], second: dict[str, Any]) -> None:
    """The control: the arguments in the other order."""
    p, q = cells(model, model.params(**first)), cells(model, model.params(**second))
    inside = p > 1e-300
    summed = float((p[inside] * np.log(p[inside] / q[inside])).sum())
    assert abs(dx.complete_divergence(model, first, second) - summed) < tol.DIFFERENCES
    assert abs(dx.complete_divergence(model, second, first) - summed) > tol.CONTROL
    assert dx.complete_divergence(model, first, first) == pytest.approx(0, abs=tol.IDENTITY)


def test_a_cell_that_is_excluded_is_infinitely_far() -> None:
    assert dx.complete_divergence(Linkage(), {"theta": 0.5}, {"theta": 1.0}) == np.inf
    assert dx.complete_divergence(Linkage(), {"theta": 1.0}, {"theta": 0.5}) == pytest.approx(0.5 * np.log(2))


def test_a_model_without_a_closed_form_is_named() -> None:
    with pytest.raises(TypeError, match="StudentT has no closed form here; it is known for PoissonMixture"):
        dx.complete_divergence(StudentT(1, 4.0), None, None)
