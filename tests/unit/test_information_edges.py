"""Where the information has no inverse: ridges, saddles, boundaries; each is named."""

from __future__ import annotations

import numpy as np
import pytest

from emlib import diagnostics as dx
from emlib.models import GaussianMixture, Linkage, PoissonMixture


def test_two_equal_components_on_one_normal_leave_two_directions_unknown() -> None:
    """Overspecified: neither the weights nor the distance of the means shows in the likelihood (theorem T13)."""
    data = np.random.default_rng(0).normal(size=(500, 1))
    model = GaussianMixture(2, 1, "tied")
    point = model.params(weights=[0.3, 0.7], means=np.full((2, 1), data.mean()), covariances=[[data.var()]])
    found = dx.information(model, data, point)
    assert (found.n_unidentified, found.n_uphill) == (2, 0)
    assert found.unidentified_entries == ["weights[0]", "weights[1]", "means[0, 0]", "means[1, 0]"]
    assert np.isinf(found.standard_errors["means"]).all()
    assert found.standard_errors["covariances"][0, 0] == pytest.approx(data.var() * np.sqrt(2 / 500), rel=1e-6)


def test_two_equal_components_on_two_groups_are_a_saddle_and_no_ridge() -> None:
    groups = np.concatenate([np.full(50, -2.0), np.full(50, 2.0)])[:, None]
    data = groups + np.random.default_rng(1).normal(size=(100, 1))
    model = GaussianMixture(2, 1, "tied")
    point = model.params(weights=[0.3, 0.7], means=np.full((2, 1), data.mean()), covariances=[[data.var()]])
    found = dx.information(model, data, point)
    assert (found.n_unidentified, found.n_uphill) == (2, 0)  # with a pooled variance the ridge stays flat
    spherical = GaussianMixture(2, 1, "spherical")
    narrow = spherical.params(weights=[0.5, 0.5], means=np.full((2, 1), data.mean()), covariances=[1.0, 1.0])
    uphill = dx.information(spherical, data, narrow)
    assert uphill.n_uphill >= 1
    assert uphill.rate > 1
    assert np.isinf(uphill.standard_errors["means"]).all()


def test_an_empty_component_is_held_and_the_rest_keeps_its_errors() -> None:
    counts = np.random.default_rng(2).poisson(3.0, 200)
    model = PoissonMixture(2)
    found = dx.information(model, counts, model.params(weights=[1.0, 0.0], rates=[counts.mean(), 5.0]))
    assert found.at_boundary == ["weights[1]"]
    assert found.n_unidentified == 1  # the empty component's rate
    assert found.standard_errors["rates"][0] == pytest.approx(np.sqrt(counts.mean() / 200), rel=1e-9)
    assert np.isfinite(found.covariance).all()
    assert found.unidentified_entries == ["rates[1]"]
    assert np.isinf(found.standard_errors["rates"][1])


@pytest.mark.parametrize("method", ["louis", "oakes", "score", "sem"])
def test_nothing_is_left_where_everything_lies_on_the_boundary(method: str) -> None:
    found = dx.information(Linkage(), [10, 18, 20, 0], Linkage().params(theta=0.0), method=method)
    assert (found.rate, found.n_unidentified, found.at_boundary) == (0.0, 0, ["theta"])
    assert found.standard_errors["theta"] == 0
    assert found.observed.shape == (0, 0)
