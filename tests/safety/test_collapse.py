"""Where the likelihood has no bound: a variance that collapses onto a few units is found, named and no success."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

import emlib
from emlib.algorithms import EM, LBFGS
from emlib.models import GaussianMixture, RegressionMixture
from tests import tolerances as tol

CLOUD = np.random.default_rng(0).standard_normal((40, 2))
SPIKE = np.concatenate([CLOUD, np.full((3, 2), 5.0)])
NOISE = {"full": [np.eye(2)] * 2, "diag": np.ones((2, 2)), "spherical": np.ones(2), "tied": np.eye(2)}
ALGORITHMS = [None, EM(), LBFGS()]


def at_the_spike(kind: str, algorithm: Any, scale: float = 1.0) -> Any:
    """Fit two components to a cloud and three equal rows, from a start with one component at these."""
    start = {"weights": [0.9, 0.1], "means": scale * np.array([[0.0, 0.0], [5.0, 5.0]]),
             "covariances": scale**2 * np.asarray(NOISE[kind])}
    return emlib.fit(GaussianMixture(2, 2, kind), scale * SPIKE, start=start, algorithm=algorithm)


@pytest.mark.parametrize("algorithm", ALGORITHMS, ids=repr)
@pytest.mark.parametrize("kind", ["full", "diag", "spherical"])
def test_a_collapse_is_named_and_no_success(kind: str, algorithm: Any) -> None:
    found = at_the_spike(kind, algorithm)
    assert found.stopped_by == "DEGENERATE"
    assert not found.success
    assert "covariances: component 1 has collapsed" in found.message
    assert "use another start, fewer components, covariance_type='tied', or a penalty=" in found.message
    assert np.isfinite(found.loglik)
    assert found.model.degenerate(found.params, found.data) is None  # the last point before the collapse


@pytest.mark.parametrize("scale", [1e-8, 1e8])
def test_it_is_measured_against_the_data(scale: float) -> None:
    """No absolute floor: in other units the same step collapses, and an honest small variance does not."""
    assert at_the_spike("full", EM(), scale).n_estep == at_the_spike("full", EM()).n_estep
    assert at_the_spike("tied", EM(), scale).success


@pytest.mark.parametrize("algorithm", ALGORITHMS, ids=repr)
def test_one_common_covariance_cannot_collapse(algorithm: Any) -> None:
    """The control, and the remedy that the message names."""
    found = at_the_spike("tied", algorithm)
    assert found.success
    assert abs(found.loglik - at_the_spike("tied", None).loglik) < tol.SAME_OPTIMUM


def test_known_covariances_cannot_collapse() -> None:
    model = GaussianMixture(2, 2, fixed={"covariances": NOISE["full"]})
    assert emlib.fit(model, SPIKE, start={"weights": [0.9, 0.1], "means": [[0.0, 0.0], [5.0, 5.0]]}).success


def test_a_better_start_is_taken_where_one_collapses() -> None:
    """Of several starts the best that converged is returned, not the one with the highest unbounded likelihood."""
    found = emlib.fit(GaussianMixture(2, 2), SPIKE, n_starts=8, rng=0, max_estep=300)
    assert found.success
    converged = re.search(r"best of 8 starts \((\d) converged", found.message)
    assert converged is not None
    assert 0 < int(converged[1]) < 8


def test_a_line_through_every_point_of_a_component_is_a_collapse() -> None:
    x = np.linspace(0.0, 1.0, 12)[:, None]
    design = np.column_stack([np.ones(12), x])
    response = np.where(np.arange(12) % 2, 3.0 * x[:, 0], np.random.default_rng(1).standard_normal(12) - 6.0)
    start = {"weights": [0.5, 0.5], "coefficients": [[0.0, 3.0], [-6.0, 0.0]], "noise_variance": [0.01, 1.0]}
    found = emlib.fit(RegressionMixture(2, 2), (design, response), start=start)
    assert found.stopped_by == "DEGENERATE"
    assert "noise_variance" in found.message
    assert np.isfinite(found.loglik)
