"""Paths on the ring of radius 1.5: log-likelihoods along EM, its rivals, and the hybrid at eight levels."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from embook.explorables import outline
from embook.format import number
from embook.studies import hybrid_problems as field
from embook.studies.hybrid_problems import SEED
from embook.studies.hybrid_run import NEAR, Path, follow, hybrid
from embook.study import store
from embook.study.noise_range import noise_range
from emlib.algorithms import ECG, EM, LBFGS, Algorithm, Switch, after
from emlib.data import Data
from emlib.models import GaussianMixture
from emlib.numerics import Array

__all__ = ["BUDGET", "GRID", "HEIGHTS", "LEVELS", "RADIUS", "RIVALS", "SEED", "Drawn", "algorithm", "along",
           "best_end", "cell", "drawn", "gap", "keys", "points", "run"]

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
    grid, heights, low, high : ndarray, shape (n,)
        E-steps; the log-likelihood after so many, and its range over all runs, nats.
    nearly, end : tuple of two numbers
        Least and largest number of E-steps to within 0.01 nats of a run's own end; lowest and highest end, nats.
    parts_at : int or None
        Number of E-steps on the grid by which the runs differ by more than a thousandth of a nat.
    n_runs : int
        The stored run and its noisy copies, or the one that was computed.
    """

    grid: Array
    heights: Array
    low: Array
    high: Array
    nearly: tuple[int, int]
    end: tuple[float, float]
    parts_at: int | None
    n_runs: int

    def curve(self, best: float) -> Array:
        """Return E-steps and log10 of the distance below an end, shape (n, 2)."""
        return np.column_stack([self.grid, gap(best, self.heights)])

    def outline(self, best: float) -> Array:
        """Return the outline of the range of that distance, shape (2 n, 2)."""
        return outline(self.grid, gap(best, self.high), gap(best, self.low))

    def said(self, best: float) -> str:
        """Return in words the E-steps that the runs need to within 0.01 nats of an end, or how far short they stop."""
        if self.end[0] < best - NEAR:
            return f"{_span(*(number(best - end, 2) for end in self.end[::-1]))} nats short"
        return f"{_span(*map(str, self.nearly))} E-steps"


def best_end(paths: Iterable[Drawn]) -> float:
    """Return the highest end of several paths."""
    return max(path.end[1] for path in paths)


def drawn(method: str, radius: float, seed: int, budget: int) -> Drawn:
    """Return the stored path of a rival or a level with its range; for other settings than the study's, compute it."""
    if (radius, seed, budget) == (RADIUS, SEED, BUDGET) and {"method": method} in keys():
        heights, end, nearly = (noise_range("hybrid_paths", name, method=method) for name in ("at_", "end", "nearly"))
        place, n_runs = heights.parts_at(1e-3), 1 + len(store.copies("hybrid_paths"))
        return Drawn(np.array(GRID), heights.stored, heights.low, heights.high,
                     (int(nearly.low[0]), int(nearly.high[0])), (float(end.low[0]), float(end.high[0])),
                     None if place is None else GRID[place], n_runs)
    path, grid = run(algorithm(method), radius, seed, budget), tuple(range(1, budget, 3))
    loglik, count = along(path, grid), path.reaches(path.end - CLOSE)
    return Drawn(np.array(grid), loglik, loglik, loglik, (count, count), (path.end, path.end), None, 1)


def _span(low: str, high: str) -> str:
    return low if low == high else f"{low} to {high}"


def algorithm(method: str) -> Algorithm:
    """Return the algorithm that a name of the study stands for: a rival, or "level 0.2"."""
    return RIVALS[method] if method in RIVALS else hybrid(float(method.removeprefix("level ")))
