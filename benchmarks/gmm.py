"""Normal mixtures: E-steps of EM and of fit's default, and the time of one EM iteration beside scikit-learn's.

The first table runs both from the same starts with the default `tol` and the same budget. A mixture has several
optima, so each end is compared with EM's own end from that start: *as high* counts ends no lower than EM's (by more
than 1e-6 nats), *higher* those above it. Runs that spend the budget count with what they spent.

The second table is the slope in CPU time between few and many EM iterations, one thread, so that set-up and the last
E-step drop out; both libraries run in one process on the same points.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from sklearn import mixture
from sklearn.exceptions import ConvergenceWarning

import emlib
from benchmarks.runs import run, spread
from benchmarks.timing import slope, table
from emlib import datasets
from emlib.algorithms import EM
from emlib.fit import default_algorithm
from emlib.models import GaussianMixture
from emlib.numerics import Array

SAME, BUDGET = 1e-6, 5000
# (n, d, K) and the larger number of iterations: fewer where scikit-learn's take seconds
SIZES = [(100_000, 2, 5, 13), (1_000_000, 8, 10, 5), (100_000, 16, 8, 13), (20_000, 64, 16, 8)]
SMALL = [(500, 2, 2, 13)]


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


def problems() -> list[tuple[str, str, GaussianMixture, Array]]:
    """Return kind, name, model and points: five mixtures that overlap, three easy ones."""
    old = datasets.old_faithful()
    return [
        ("overlap", "two normals, 1.5 apart", GaussianMixture(2, 1), pair(1.5)),
        ("overlap", "two normals, 2 apart", GaussianMixture(2, 1), pair(2.0)),
        ("overlap", "ring of five, radius 1.5, tied", GaussianMixture(5, 2, "tied"), ring(1000, 1.5)),
        ("overlap", "four clouds in 3-d, diagonal", GaussianMixture(4, 3, "diag"), cloud(800, 3, 4)),
        ("overlap", "Old Faithful, three components", GaussianMixture(3, 2), old),
        ("easy", "Old Faithful, two components", GaussianMixture(2, 2), old),
        ("easy", "two normals, 6 apart", GaussianMixture(2, 1), pair(6.0)),
        ("easy", "ring of five, radius 8", GaussianMixture(5, 2), ring(1000, 8.0)),
    ]


def costs(kind: str, name: str, model: GaussianMixture, points: Array, starts: int) -> list[object]:
    """Return the row of one mixture: E-steps of both, and where the default ends against EM."""
    data, chosen = model.as_data(points), default_algorithm(model)
    slow = [run(model, data, EM(), seed, BUDGET) for seed in range(starts)]
    fast = [run(model, data, chosen, seed, BUDGET) for seed in range(starts)]
    gain = np.array([ours.loglik - theirs.loglik for ours, theirs in zip(fast, slow, strict=True)])
    ratio = np.median([theirs.n_estep / ours.n_estep for ours, theirs in zip(fast, slow, strict=True)])
    done = f"{sum(one.success for one in slow)} / {sum(one.success for one in fast)}"
    ends = [f"{100 * np.mean(gain > -SAME):.0f} %", f"{100 * np.mean(gain > SAME):.0f} %"]
    return [kind, name, *spread([one.n_estep for one in slow]), type(chosen).__name__,
            *spread([one.n_estep for one in fast]), f"{ratio:.1f}", done, *ends]  # fmt: skip


def iteration(n: int, d: int, k: int, many: int) -> list[object]:
    """Return the row of one size: milliseconds of an EM iteration for each library, and their ratio."""
    points = cloud(n, d, k)
    model = GaussianMixture(n_components=k, n_features=d)
    start = model.start(model.as_data(points), np.random.default_rng(1))

    def ours(steps: int) -> None:
        emlib.fit(model, points, start=start, algorithm=EM(), tol=1e-300, max_estep=steps)

    def theirs(steps: int) -> None:
        options: dict[str, Any] = {"means_init": start.means, "max_iter": steps, "tol": 0.0, "init_params": "random"}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            mixture.GaussianMixture(k, **options).fit(points)

    here, there = slope(ours, 3, many), slope(theirs, 3, many)
    return [f"({n}, {d}, {k})", f"{1e3 * there:.2f}", f"{1e3 * here:.2f}", f"{there / here:.1f}"]


def e_steps(small: bool) -> str:
    """Return the first table."""
    starts = 2 if small else 20
    rows = [costs(*problem, starts) for problem in (problems()[-2:] if small else problems())]
    columns = ["kind", "mixture", "EM: median", "EM: 90 %", "fit's default", "median", "90 %", "times fewer",
               "converged", "as high", "higher"]  # fmt: skip
    return table(f"Normal mixtures: E-steps from {starts} starts", columns, rows)


def times(small: bool) -> str:
    """Return the second table."""
    rows = [iteration(*size) for size in (SMALL if small else SIZES)]
    title = "Normal mixture, full covariances: CPU milliseconds of one EM iteration"
    return table(title, ["(n, d, K)", "scikit-learn", "emlib", "times faster"], rows)
