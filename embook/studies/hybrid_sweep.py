"""The level of the hybrid's switch from 0 to 1: two problems, twenty common starts, counted in E-steps."""

from __future__ import annotations

from typing import Any

from embook.studies import hybrid_problems as field
from embook.studies.hybrid_problems import SEED
from embook.studies.hybrid_run import follow, hybrid

__all__ = ["HEIGHTS", "LEVELS", "N_STARTS", "SEED", "cell", "keys"]

LEVELS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0)
N_STARTS = 20
HEIGHTS = ENDS = ("end",)
NAMES = ("ring 1.5", "HMM aliased")


def keys() -> list[dict[str, Any]]:
    """Return one cell for each problem, level and start, start by start."""
    return [{"problem": name, "level": level, "start": index}
            for index in range(N_STARTS) for name in NAMES for level in LEVELS]


def cell(problem: str, level: float, start: int) -> dict[str, Any]:
    """Return the E-steps to within 1e-4 nats of the run's own end, and the height of that end."""
    (model, data), budget = field.problem(problem), field.PROBLEMS[problem][1]
    path = follow(model, data, hybrid(level), field.start(problem, start), budget)
    return {"steps": path.reaches(path.end), "end": round(path.end, 6)}
