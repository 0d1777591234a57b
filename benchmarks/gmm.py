"""The time of one EM iteration of a normal mixture: beside scikit-learn's, and how it grows.

Times are the slope in CPU time between few and many EM iterations, one thread, so that set-up and the last E-step drop
out; both libraries run in one process on the same points. Threads are timed by the clock on the wall.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn import mixture
from sklearn.exceptions import ConvergenceWarning

import emlib
from benchmarks.problems import cloud
from benchmarks.tables import Scale, Table
from benchmarks.timing import slope
from emlib.algorithms import EM
from emlib.models import GaussianMixture
from emlib.numerics import Array

Size = tuple[int, int, int]
# (n, d, K) and the larger number of iterations: fewer where scikit-learn's take seconds
SIZES: dict[Scale, list[tuple[Size, int]]] = {
    "small": [((500, 2, 2), 13)],
    "quick": [((100_000, 2, 5), 8), ((100_000, 16, 8), 5)],
    "full": [((300, 2, 2), 13), ((100_000, 2, 5), 13), ((1_000_000, 8, 10), 5), ((100_000, 16, 8), 13),
             ((20_000, 64, 16), 8)],
}
REPEATS = 9  # of our own slopes, which are over sooner
GROWTH: dict[Scale, dict[str, list[Size]]] = {
    "small": {"n": [(500, 2, 2), (1000, 2, 2)]},
    "quick": {"n": [(n, 8, 10) for n in (10_000, 100_000)]},
    "full": {
        "n": [(n, 8, 10) for n in (1_000, 10_000, 100_000, 1_000_000)],
        "d": [(100_000, d, 5) for d in (2, 4, 8, 16, 32)],
        "K": [(100_000, 4, k) for k in (2, 5, 10, 20, 50)],
    },
}
THREADED: dict[Scale, Size] = {"small": (500, 2, 2), "quick": (200_000, 8, 10), "full": (1_000_000, 8, 10)}


def our_steps(size: Size, points: Array, n_threads: int = 1) -> tuple[Callable[[int], object], Any]:
    """Return a function that makes so many EM iterations, and their start."""
    _, d, k = size
    model = GaussianMixture(n_components=k, n_features=d)
    data = model.as_data(points)
    start = model.start(data, np.random.default_rng(1))
    options: dict[str, Any] = {"start": start, "algorithm": EM(), "tol": 1e-300, "n_threads": n_threads}
    return lambda steps: emlib.fit(model, data, max_estep=steps, **options), start


def compared(size: Size, many: int) -> list[Any]:
    """Return the row of one size: milliseconds of an EM iteration for each library, and their ratio."""
    points = cloud(*size)
    ours, start = our_steps(size, points)

    def theirs(steps: int) -> None:
        options: dict[str, Any] = {"means_init": start.means, "max_iter": steps, "tol": 0.0, "init_params": "random"}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            mixture.GaussianMixture(size[2], **options).fit(points)

    here, there = slope(ours, 3, many, REPEATS), slope(theirs, 3, many)
    return [*size, 1e3 * there, 1e3 * here, there / here]


def growth(axis: str, size: Size) -> list[Any]:
    """Return the row of one size: milliseconds of an EM iteration, and nanoseconds for a point and component."""
    found = slope(our_steps(size, cloud(*size))[0], 3, 8 if size[0] * size[1] * size[2] > 10**7 else 28, REPEATS)
    return [axis, *size, 1e3 * found, 1e9 * found / (size[0] * size[2])]


def threads(size: Size) -> list[list[Any]]:
    """Return a row for one and for two threads: milliseconds of an EM iteration on the wall, and the gain."""
    points, found = cloud(*size), []
    for count in (1, 2):
        steps = our_steps(size, points, count)[0]
        found.append(slope(steps, 3, 13, clock=time.perf_counter))
    return [[count, *size, 1e3 * wall, found[0] / wall] for count, wall in zip((1, 2), found, strict=True)]


def tables(scale: Scale) -> list[Table]:
    """Return the tables of times."""
    beside = [compared(*one) for one in SIZES[scale]]
    grown = [growth(axis, size) for axis, sizes in GROWTH[scale].items() for size in sizes]
    return [
        Table("gmm", "Normal mixture, full covariances: CPU milliseconds of one EM iteration",
              ["n", "d", "K", "scikit-learn", "emlib", "scikit-learn / emlib"], beside),
        Table("growth", "Normal mixture: how an EM iteration grows, CPU milliseconds",
              ["along", "n", "d", "K", "emlib", "ns a point and component"], grown),
        Table("threads", "Normal mixture: an EM iteration with threads, milliseconds on the wall",
              ["threads", "n", "d", "K", "emlib", "one thread / this"], threads(THREADED[scale])),
    ]  # fmt: skip
