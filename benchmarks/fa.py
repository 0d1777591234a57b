"""Factor analysis of many rows: time to the optimum, beside scikit-learn's, ours by `ECME` and `Profile`, the default.

Only the first pass of ours sees the rows; what follows rests on their mean and covariance. Each runs until it calls
itself done at a tolerance of 1e-8 (scikit-learn's is the gain in log-likelihood of a step, ours what is still to be
had, both in nats); *below* is how far its end is from the best one. CPU time of one whole fit.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from sklearn import decomposition

import emlib
from benchmarks.tables import Scale, Table, Value
from emlib.algorithms import ECME, EM, Profile, Switch, after
from emlib.algorithms.base import Algorithm
from emlib.models import FactorAnalysis
from emlib.numerics import Array

SIZES: dict[Scale, tuple[int, int, int]] = {"small": (500, 6, 1), "quick": (10_000, 30, 4), "full": (100_000, 100, 10)}
TOL, BUDGET = 1e-8, 5000


def rows_of(n: int, d: int, k: int) -> Array:
    """Return n rows of k factors with unequal noise."""
    rng = np.random.default_rng(0)
    loadings, noise = rng.standard_normal((d, k)), rng.uniform(0.2, 4.0, d)
    return rng.standard_normal((n, k)) @ loadings.T + rng.standard_normal((n, d)) * np.sqrt(noise)


def ours(rows: Array, k: int, algorithm: Algorithm) -> tuple[float, int]:
    """Return where one of our algorithms ended, and its E-steps."""
    model = FactorAnalysis(n_features=rows.shape[1], n_factors=k)
    result = emlib.fit(model, rows, algorithm=algorithm, tol=TOL, max_estep=BUDGET, rng=0)
    return result.loglik, result.n_estep


def theirs(rows: Array, k: int) -> tuple[float, int]:
    """Return where scikit-learn ended, and its iterations."""
    peer = decomposition.FactorAnalysis(k, tol=TOL, max_iter=BUDGET, svd_method="lapack").fit(rows)
    whole, spread = peer.get_covariance(), np.cov(rows, rowvar=False, ddof=0)
    inner = rows.shape[1] * np.log(2 * np.pi) + np.linalg.slogdet(whole)[1] + np.trace(np.linalg.solve(whole, spread))
    return float(-0.5 * len(rows) * inner), int(peer.n_iter_)


def timed(work: Callable[[], tuple[float, int]]) -> tuple[float, float, int]:
    """Return the CPU time of a fit, where it ended, and its steps."""
    began = time.process_time()
    height, steps = work()
    return time.process_time() - began, height, steps


def tables(scale: Scale) -> list[Table]:
    """Return the table."""
    n, d, k = SIZES[scale]
    rows = rows_of(n, d, k)
    works: dict[str, Callable[[], tuple[float, int]]] = {
        "scikit-learn": lambda: theirs(rows, k),
        "emlib, ECME": lambda: ours(rows, k, ECME()),
        "emlib, Profile": lambda: ours(rows, k, Switch(EM(), Profile(), after(1))),
    }
    found = {name: timed(work) for name, work in works.items()}
    best, quick = max(one[1] for one in found.values()), found["emlib, Profile"][0]
    lines: list[list[Value]] = [[name, 1e3 * spent, steps, best - height, spent / quick]
                                for name, (spent, height, steps) in found.items()]  # fmt: skip
    title = f"Factor analysis, n = {n}, d = {d}, k = {k}: CPU time of a fit"
    return [Table("fa", title, ["library", "ms", "steps", "below", "times as long"], lines)]
