"""Paths on the ring of radius 1.5: log-likelihoods along EM, its rivals, and the hybrid at eight levels."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np

from emlib.algorithms import ECG, EM, LBFGS, Algorithm
from emlib.model import Data
from emlib.models import GaussianMixture
from emlib.numerics import Array
from emlib.report.studies import hybrid_problems as field
from emlib.report.studies.hybrid_problems import SEED
from emlib.report.studies.hybrid_run import Path, follow, hybrid

__all__ = ["BUDGET", "GRID", "HEIGHTS", "LEVELS", "RADIUS", "RIVALS", "SEED", "along", "cell", "gap", "keys", "run"]

RADIUS, BUDGET = 1.5, 150
LEVELS = (0.0, 0.1, 0.2, 0.25, 0.3, 0.35, 0.4, 0.5)
RIVALS: dict[str, Algorithm] = {"EM": EM(), "conjugate gradients": ECG(), "L-BFGS after EM": LBFGS(warm_up=5)}
GRID = tuple(range(1, BUDGET, 3))  # E-steps at which the gap is noted
HEIGHTS = ("end", *(f"at_{k:03d}" for k in GRID))
FLOOR = 1e-4  # nats
CLOSE = 0.01  # nats from the end: how near counts as nearly there


def keys() -> list[dict[str, Any]]:
    """Return one cell for each rival and level."""
    return [{"method": name} for name in (*RIVALS, *(f"level {level}" for level in LEVELS))]


def cell(method: str) -> dict[str, Any]:
    """Return the E-steps to within 0.01 nats of the run's own end, that end, and log-likelihoods along the grid."""
    path = run(RIVALS[method] if method in RIVALS else hybrid(float(method.removeprefix("level "))))
    heights = {name: round(float(value), 6) for name, value in zip(HEIGHTS[1:], along(path), strict=True)}
    return {"nearly": path.reaches(path.end - CLOSE), "end": round(path.end, 6), **heights}


@cache
def points(radius: float) -> tuple[Any, Data]:
    """Return model and data: five normals round a circle of this radius."""
    model = GaussianMixture(5, 2, "full")
    return model, model.as_data(field.ring_points(radius, 200, np.random.default_rng([field.SEED, 3])))


def run(algorithm: Algorithm, radius: float = RADIUS, seed: int = SEED, budget: int = BUDGET) -> Path:
    """Follow an algorithm from the start of this seed."""
    model, data = points(radius)
    return follow(model, data, algorithm, model.start(data, np.random.default_rng([seed, 2])), budget)


def along(path: Path, grid: Sequence[int] = GRID) -> Array:
    """Return the log-likelihood after so many E-steps, nats."""
    heights: Array = path.loglik[np.maximum(np.searchsorted(path.n_estep, grid, side="right") - 1, 0)]
    return heights


def gap(end: float, heights: Array) -> Array:
    """Return log10 of the distance to an end in nats, 1e-4 at least."""
    gaps: Array = np.log10(np.maximum(end - heights, FLOOR))
    return gaps
