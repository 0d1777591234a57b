"""Paths on the ring of radius 1.5: log-likelihoods along EM, its rivals, and the hybrid at eight levels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from embook.explorables import outline
from embook.studies import hybrid_problems as field
from embook.studies.hybrid_problems import SEED
from embook.studies.hybrid_run import Path, follow, hybrid
from embook.study.noise_range import noise_range
from emlib.algorithms import ECG, EM, LBFGS, Algorithm, Switch, after
from emlib.data import Data
from emlib.models import GaussianMixture
from emlib.numerics import Array

__all__ = ["BUDGET", "GRID", "HEIGHTS", "LEVELS", "RADIUS", "RIVALS", "SEED", "Drawn", "algorithm", "along", "cell",
           "drawn", "gap", "keys", "points", "run"]

RADIUS, BUDGET = 1.5, 150
LEVELS = (0.0, 0.1, 0.2, 0.25, 0.3, 0.35, 0.4, 0.5)
RIVALS: dict[str, Algorithm] = {"EM": EM(), "conjugate gradients": ECG(),
                                "L-BFGS after EM": Switch(EM(), LBFGS(), after(5))}
GRID = tuple(range(1, BUDGET, 3))  # E-steps at which the gap is noted
HEIGHTS = ("end", *(f"at_{k:03d}" for k in GRID))
ENDS = ("end",)
FLOOR = 1e-4  # nats
CLOSE = 0.01  # nats from the end: how near counts as nearly there


def keys() -> list[dict[str, Any]]:
    """Return one cell for each rival and level."""
    return [{"method": name} for name in (*RIVALS, *(f"level {level}" for level in LEVELS))]


def cell(method: str) -> dict[str, Any]:
    """Return the E-steps to within 0.01 nats of the run's own end, that end, and log-likelihoods along the grid."""
    path = run(algorithm(method))
    heights = {name: round(float(value), 6) for name, value in zip(HEIGHTS[1:], along(path), strict=True)}
    return {"nearly": path.reaches(path.end - CLOSE), "end": round(path.end, 6), **heights}


@cache
def points(radius: float) -> tuple[Any, Data]:
    """Return model and data: five normals round a circle of this radius."""
    model = GaussianMixture(5, 2, "full")
    return model, model.as_data(field.ring_points(radius, 200, np.random.default_rng([field.SEED, 3])))


def run(method: Algorithm, radius: float = RADIUS, seed: int = SEED, budget: int = BUDGET) -> Path:
    """Follow a method from the start of this seed."""
    model, data = points(radius)
    return follow(model, data, method, model.start(data, np.random.default_rng([seed, 2])), budget)


def along(path: Path, grid: Sequence[int] = GRID) -> Array:
    """Return the log-likelihood after so many E-steps, nats."""
    heights: Array = path.loglik[np.maximum(np.searchsorted(path.n_estep, grid, side="right") - 1, 0)]
    return heights


def gap(end: float, heights: Array) -> Array:
    """Return log10 of the distance to an end in nats, 1e-4 at least."""
    gaps: Array = np.log10(np.maximum(end - heights, FLOOR))
    return gaps


@dataclass(frozen=True, eq=False)
class Drawn:
    """A path as the page shows it.

    Attributes
    ----------
    curve : ndarray, shape (n, 2)
        E-steps, and log10 of the gap to the end in nats.
    outline : ndarray, shape (2 n, 2)
        Of the range over a table and its noisy copies; the curve itself where no range is stored.
    nearly, end : tuple of two numbers
        Least and largest number of E-steps to within 0.01 nats of the end; lowest and highest end, nats.
    parts_at : int or None
        E-steps after which the copies differ by more than a thousandth of a nat.
    """

    curve: Array
    outline: Array
    nearly: tuple[int, int]
    end: tuple[float, float]
    parts_at: int | None


def drawn(method: str, radius: float, seed: int, budget: int) -> Drawn:
    """Return the stored path of a rival or a level with its range; for other settings than the study's, compute it."""
    if (radius, seed, budget) == (RADIUS, SEED, BUDGET) and {"method": method} in keys():
        heights, end, nearly = (noise_range("hybrid_paths", name, method=method) for name in ("at_", "end", "nearly"))
        level, place = float(end.stored[0]), heights.parts_at(1e-3)
        x, middle, low, high = GRID, *(gap(level, values) for values in (heights.stored, heights.high, heights.low))
        return Drawn(np.column_stack([x, middle]), outline(x, low, high), (int(nearly.low[0]), int(nearly.high[0])),
                     (float(end.low[0]), float(end.high[0])), None if place is None else GRID[place])
    path, grid = run(algorithm(method), radius, seed, budget), tuple(range(1, budget, 3))
    curve, count = np.column_stack([grid, gap(path.end, along(path, grid))]), path.reaches(path.end - CLOSE)
    return Drawn(curve, outline(grid, curve[:, 1], curve[:, 1]), (count, count), (path.end, path.end), None)


def algorithm(method: str) -> Algorithm:
    """Return the algorithm that a name of the study stands for: a rival, or "level 0.2"."""
    return RIVALS[method] if method in RIVALS else hybrid(float(method.removeprefix("level ")))
