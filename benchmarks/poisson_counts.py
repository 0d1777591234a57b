"""E-steps to the optimum of Hasselblad's counts, from common starts: EM and the default of fit."""

from __future__ import annotations

import numpy as np

import emlib
from benchmarks.timing import table
from emlib import datasets
from emlib.algorithms import EM
from emlib.algorithms.base import Algorithm
from emlib.models import PoissonMixture


def costs(name: str, algorithm: Algorithm | None, starts: int) -> list[object]:
    """Return the row of one algorithm: E-steps over the starts, and the share that reach the best optimum."""
    values, days = datasets.hasselblad()
    model = PoissonMixture(n_components=2)
    runs = [
        emlib.fit(model, values, sample_weight=days, algorithm=algorithm, rng=seed, max_estep=20_000)
        for seed in range(starts)
    ]
    best = max(run.loglik for run in runs)
    share = np.mean([run.loglik > best - 1e-6 for run in runs])
    median, high = np.percentile([run.n_estep for run in runs], [50, 90])
    return [name, f"{median:.0f}", f"{high:.0f}", f"{100 * share:.0f} %"]


def report(small: bool) -> str:
    """Return the table."""
    starts = 2 if small else 50
    rows = [costs("EM", EM(), starts), costs("fit's default", None, starts)]
    title = f"Hasselblad's counts, two Poisson components: E-steps from {starts} starts"
    return table(title, ["algorithm", "median", "90th percentile", "best optimum"], rows)
