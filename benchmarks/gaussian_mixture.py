"""One EM iteration of a Gaussian mixture with full covariances: scikit-learn and emlib."""

from __future__ import annotations

import warnings

import numpy as np
from sklearn import mixture
from sklearn.exceptions import ConvergenceWarning

import emlib
from benchmarks.timing import slope, table
from emlib.algorithms import EM
from emlib.models import GaussianMixture
from emlib.numerics import Array

SIZES = [(100_000, 2, 5), (20_000, 16, 8)]
SMALL = [(500, 2, 2)]


def draw(n: int, d: int, k: int) -> Array:
    """Return n points about k centres that overlap."""
    rng = np.random.default_rng(0)
    return rng.normal(size=(n, d)) + 2.0 * rng.normal(size=(k, d))[rng.integers(k, size=n)]


def compare(n: int, d: int, k: int) -> list[object]:
    """Return the row of one size: milliseconds for each, and their ratio."""
    points = draw(n, d, k)
    model = GaussianMixture(n_components=k, n_features=d)
    start = model.start(model.as_data(points), np.random.default_rng(1))

    def ours(steps: int) -> None:
        emlib.fit(model, points, start=start, algorithm=EM(), tol=1e-300, max_estep=steps)

    def theirs(steps: int) -> None:
        peer = mixture.GaussianMixture(k, means_init=start.means, max_iter=steps, tol=0.0, init_params="random")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            peer.fit(points)

    here, there = slope(ours, 3, 13), slope(theirs, 3, 13)
    return [f"({n}, {d}, {k})", f"{1e3 * there:.2f}", f"{1e3 * here:.2f}", f"{there / here:.1f}"]


def report(small: bool) -> str:
    """Return the table."""
    rows = [compare(*size) for size in (SMALL if small else SIZES)]
    title = "Gaussian mixture, full covariances: CPU milliseconds of one EM iteration"
    return table(title, ["(n, d, K)", "scikit-learn", "emlib", "times faster"], rows)
