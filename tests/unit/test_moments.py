"""Weighted sums of the moments of regressions about two origins, and M-steps where one component has starved."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from emlib.families import GaussianMoments, LinearGaussian, covariance
from emlib.model import Statistics
from tests import tolerances as tol


def moments(kind: str, seed: int, units: int = 40) -> GaussianMoments:
    """Moments of two regressions of two responses on three columns, about coefficients of their own."""
    rng = np.random.default_rng(seed)
    design, rows, origin = (rng.standard_normal(shape) for shape in ((2, units, 3), (2, units, 2), (2, 2, 3)))
    left = rows - design @ origin.swapaxes(1, 2)
    turned = left.swapaxes(1, 2)
    return GaussianMoments(np.full(2, float(units)), covariance.compress(kind, turned @ left), turned @ design,
                           design.swapaxes(1, 2) @ design, origin, kind)


def gap(ours: GaussianMoments, theirs: GaussianMoments) -> float:
    """Return the largest difference of two moments about one origin, relative to the largest entry of each part."""
    names = ("counts", "see", "sex", "sxx", "origin")
    parts = [(getattr(ours, name), getattr(theirs, name)) for name in names]
    return max(float(np.abs(a - b).max() / np.abs(b).max()) for a, b in parts)


@pytest.mark.parametrize("kind", covariance.TYPES)
def test_a_weighted_sum_is_the_sum_of_multiples(kind: str) -> None:
    one, two = moments(kind, 1), moments(kind, 2)
    whole = 0.3 * one + 0.7 * two
    assert gap(one.combined(0.3, two, 0.7), whole) < tol.IDENTITY
    found = Statistics({"a": one, "b": np.ones(2)}).combined(0.3, Statistics({"a": two, "b": np.zeros(2)}), 0.7)
    assert gap(found["a"], whole) < tol.IDENTITY
    assert np.array_equal(found["b"], np.full(2, 0.3))
    unmoved = replace(two, origin=one.origin)  # the sabotage: taken as if they were about one origin
    assert gap(one.combined(0.3, unmoved, 0.7), whole) > tol.CONTROL


def test_a_starved_component_leaves_the_others_their_estimates() -> None:
    whole = moments("full", 1)
    best = LinearGaussian("coefficients", "noise", "full", "rows").argmax(whole)["coefficients"]
    starved = replace(whole, sxx=whole.sxx * np.array([0.0, 1.0])[:, None, None])
    found = LinearGaussian("coefficients", "noise", "full", "rows").argmax(starved)["coefficients"]
    assert np.isnan(found[0]).all()
    assert np.array_equal(found[1], best[1])
