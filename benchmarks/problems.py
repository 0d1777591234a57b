"""The mixtures on which E-steps are counted: nine whose components overlap, four easy ones."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from emlib import datasets
from emlib.models import GaussianMixture, PoissonMixture
from emlib.numerics import Array


def ring(n: int, radius: float) -> Array:
    """Return n points about five centres on a ring, unit covariances."""
    rng = np.random.default_rng(0)
    angles = 2 * np.pi * rng.integers(5, size=n) / 5
    return rng.normal(size=(n, 2)) + radius * np.stack([np.cos(angles), np.sin(angles)], axis=1)


def pair(separation: float) -> Array:
    """Return 1000 points of two unit normals."""
    return datasets.two_normals(1000, separation, np.random.default_rng(1))


def cloud(n: int, d: int, k: int) -> Array:
    """Return n points about k random centres that overlap."""
    rng = np.random.default_rng(0)
    return rng.normal(size=(n, d)) + 2.0 * rng.normal(size=(k, d))[rng.integers(k, size=n)]


def corners(separation: float) -> Array:
    """Return 500 points about three corners of a square, unit covariances."""
    rng = np.random.default_rng(1)
    centres = separation * np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    return rng.standard_normal((500, 2)) + centres[rng.choice(3, 500)]


def halves() -> Array:
    """Return 1000 points in four dimensions about two centres 2.2 apart."""
    rng = np.random.default_rng(5)
    return np.vstack([rng.normal(size=(500, 4)), rng.normal(size=(500, 4)) + 1.1])


def counts(rates: list[float]) -> Array:
    """Return 1000 counts of three Poisson components."""
    rng = np.random.default_rng(1)
    return rng.poisson(np.array(rates)[rng.choice(3, 1000, p=[0.3, 0.4, 0.3])])


@cache
def problems() -> tuple[tuple[str, str, Any, Array], ...]:
    """Return kind, name, model and data, drawn once a process."""
    old = datasets.old_faithful()
    return (
        ("overlap", "two normals, 1.5 apart", GaussianMixture(2, 1), pair(1.5)),
        ("overlap", "two normals, 2 apart", GaussianMixture(2, 1), pair(2.0)),
        ("overlap", "ring of five, radius 1.5, tied", GaussianMixture(5, 2, "tied"), ring(1000, 1.5)),
        ("overlap", "four clouds in 3-d, diagonal", GaussianMixture(4, 3, "diag"), cloud(800, 3, 4)),
        ("overlap", "Old Faithful, three components", GaussianMixture(3, 2), old),
        ("overlap", "three normals in 2-d, 2.5 apart", GaussianMixture(3, 2), corners(2.5)),
        ("overlap", "the same, 2 apart, spherical", GaussianMixture(3, 2, "spherical"), corners(2.0)),
        ("overlap", "two normals in 4-d, 2.2 apart", GaussianMixture(2, 4), halves()),
        ("overlap", "three Poissons, means 1, 4, 9", PoissonMixture(3), counts([1, 4, 9])),
        ("easy", "Old Faithful, two components", GaussianMixture(2, 2), old),
        ("easy", "two normals, 6 apart", GaussianMixture(2, 1), pair(6.0)),
        ("easy", "ring of five, radius 8", GaussianMixture(5, 2), ring(1000, 8.0)),
        ("easy", "three Poissons, means 1, 10, 40", PoissonMixture(3), counts([1, 10, 40])),
    )
