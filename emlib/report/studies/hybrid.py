"""The hybrid and its rivals: twenty problems, seven methods, fifty common starts, counted in E-steps."""

from __future__ import annotations

from typing import Any

import numpy as np

from emlib.models import GaussianMixture
from emlib.report.studies import hybrid_problems as field
from emlib.report.studies.hybrid_problems import PROBLEMS, SEED
from emlib.report.studies.hybrid_run import LEVEL, METHODS, Path, follow, missing_share, normalised_entropy

__all__ = ["N_STARTS", "PAIRS", "SEED", "cell", "keys"]

N_STARTS = 50
PAIRS = (("ecg", "em"), ("entropy", "em"), ("share", "em"), ("modern", "em"), ("lbfgs", "em"), ("adaptive", "em"),
         ("entropy", "ecg"), ("share", "ecg"), ("lbfgs", "ecg"), ("lbfgs", "entropy"), ("adaptive", "entropy"),
         ("share", "entropy"), ("lbfgs", "share"), ("lbfgs", "modern"), ("adaptive", "lbfgs"))
NONE = -1  # in place of a count of the entropy's hybrid where there is no entropy


def keys() -> list[dict[str, Any]]:
    """Return one cell for each problem and start."""
    return [{"problem": name, "start": index} for name in PROBLEMS for index in range(N_STARTS)]


def cell(problem: str, start: int) -> dict[str, Any]:
    """Return, for each method, E-steps to its own end and how far the end lies below the best; the pairs' counts.

    `a_to_b` is the number of E-steps that a needs to the lower of the ends of a and b, within 1e-4 nats; `entropy` and
    `rate` are the normalised entropy at EM's end and the share of missing information along its last move.
    """
    (model, data), paths = field.problem(problem), runs(problem, start)
    best, last = max(path.end for path in paths.values()), paths["em"]
    known = field.discrete(problem)
    found: dict[str, Any] = {
        "entropy": round(normalised_entropy(model, data, last.last[1].params), 3) if known else float(NONE),
        "rate": round(missing_share(model, data, last), 4)}
    for name in METHODS:
        path = paths.get(name)
        found[f"{name}_steps"] = NONE if path is None else path.reaches(path.end)
        found[f"{name}_below"] = float(NONE) if path is None else round(best - path.end, 3)
    for a, b in PAIRS:
        found[f"{a}_to_{b}"], found[f"{b}_to_{a}"] = both(paths.get(a), paths.get(b))
    return found


def runs(problem: str, start: int) -> dict[str, Path]:
    """Return the path of each method that can work; the entropy's hybrid is EM itself if EM never meets the level."""
    (model, data), budget, first = field.problem(problem), field.PROBLEMS[problem][1], field.start(problem, start)
    chosen = {name: algorithm for name, algorithm in METHODS.items() if name != "entropy"}
    paths = {name: follow(model, data, algorithm, first, budget) for name, algorithm in chosen.items()}
    if field.discrete(problem):
        paths["entropy"] = paths["em"] if _never_meets(model, data, paths["em"]) else follow(
            model, data, METHODS["entropy"], first, budget)
    return paths


def _never_meets(model: Any, data: Any, path: Path) -> bool:
    """Whether the normalised entropy of a mixture stays below the level all along a path."""
    return isinstance(model, GaussianMixture) and bool(
        (path.entropy < LEVEL * data.n_units * np.log(model.n_components)).all())


def both(a: Path | None, b: Path | None) -> tuple[int, int]:
    """Return the E-steps that two runs need to the lower of their ends."""
    if a is None or b is None:
        return NONE, NONE
    level = min(a.end, b.end)
    return a.reaches(level), b.reaches(level)
