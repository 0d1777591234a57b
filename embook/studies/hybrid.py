"""The hybrid and its rivals: sixteen problems, six methods, fifty common starts, counted in E-steps."""

from __future__ import annotations

from typing import Any

import numpy as np

from embook.studies import hybrid_problems as field
from embook.studies.hybrid_problems import PROBLEMS, SEED
from embook.studies.hybrid_run import LEVEL, METHODS, Path, follow, gains, missing_share, normalised_entropy
from embook.study import Study
from emlib.models import GaussianMixture

__all__ = ["HEIGHTS", "N_STARTS", "PAIRS", "SEED", "cell", "keys", "with_distances"]

N_STARTS = 50
PAIRS = (("ecg", "em"), ("entropy", "em"), ("share", "em"), ("lbfgs", "em"), ("adaptive", "em"), ("entropy", "ecg"),
         ("share", "ecg"), ("share", "entropy"), ("lbfgs", "ecg"), ("lbfgs", "entropy"), ("lbfgs", "share"),
         ("adaptive", "entropy"), ("adaptive", "lbfgs"))
AFTER = (2, 10, 30)  # EM steps after which the next gains of EM and of conjugate gradients are compared
HORIZON = 10  # E-steps
NONE = -1  # in place of a count, or a height, of the entropy's hybrid where there is no entropy
HEIGHTS = ENDS = tuple(f"{name}_end" for name in METHODS)


def keys() -> list[dict[str, Any]]:
    """Return one cell for each start and problem, start by start: a run cut off has seen all problems."""
    return [{"problem": name, "start": index} for index in range(N_STARTS) for name in PROBLEMS]


def cell(problem: str, start: int) -> dict[str, Any]:
    """Return counts of E-steps, log-likelihoods at the ends, and the gains along EM's path.

    `a_steps` is what method a needs to its own end, `a_end` the log-likelihood there; `a_to_b` is what a needs to the
    lower of the ends of a and b, always within 1e-4 nats. `rate` is the share of missing information along EM's last
    move. For each number k of EM steps follow entropy and share there, and the gains that come next.
    """
    (model, data), paths = field.problem(problem), runs(problem, start)
    em = paths["em"]
    found: dict[str, Any] = {"rate": round(missing_share(model, data, *em.points[-2:]), 4)}
    for name in METHODS:
        path = paths.get(name)
        found[f"{name}_steps"] = NONE if path is None else path.reaches(path.end)
        found[f"{name}_end"] = float(NONE) if path is None else round(path.end, 6)
    for a, b in PAIRS:
        found[f"{a}_to_{b}"], found[f"{b}_to_{a}"] = both(paths.get(a), paths.get(b))
    for k in AFTER:
        found |= {f"{name}_{k}": value for name, value in looks(problem, em, min(k, len(em.points) - 1)).items()}
    return found


def with_distances(table: Study) -> Study:
    """Return the table with columns `a_below`: how far the end of method a lies below the best end from its start."""
    ends = np.array([table[name] for name in HEIGHTS])
    best = np.where(ends == NONE, -np.inf, ends).max(axis=0)
    below = {name.replace("_end", "_below"): np.where(end == NONE, float(NONE), best - end)
             for name, end in zip(HEIGHTS, ends, strict=True)}
    return Study(table.head, table.n_keys, {**table.columns, **below})


def looks(problem: str, em: Path, place: int) -> dict[str, float]:
    """Return entropy, missing share and next gains at a point of EM's path, for models with an entropy."""
    if not field.discrete(problem):
        return dict.fromkeys(("entropy", "share", "em_gain", "ecg_gain"), float(NONE))
    (model, data), here = field.problem(problem), em.points[place]
    entropy = normalised_entropy(model, data, here.params)
    by_em, by_ecg = gains(model, data, em, place, HORIZON)
    return {"entropy": round(entropy, 4), "share": round(missing_share(model, data, em.points[place - 1], here), 4),
            "em_gain": round(by_em, 5), "ecg_gain": round(by_ecg, 5)}


def runs(problem: str, start: int) -> dict[str, Path]:
    """Return the path of each applicable method; the entropy's hybrid is EM itself if EM never meets the level."""
    (model, data), budget, first = field.problem(problem), field.PROBLEMS[problem][1], field.start(problem, start)
    chosen = {name: algorithm for name, algorithm in METHODS.items() if name != "entropy"}
    paths = {name: follow(model, data, algorithm, first, budget) for name, algorithm in chosen.items()}
    if field.discrete(problem):
        paths["entropy"] = paths["em"] if _never_meets(model, data, paths["em"]) else follow(
            model, data, METHODS["entropy"], first, budget)
    return paths


def _never_meets(model: Any, data: Any, path: Path) -> bool:
    """Return whether the normalised entropy of a mixture stays below the level all along a path."""
    return isinstance(model, GaussianMixture) and bool(
        (path.entropy < LEVEL * data.n_units * np.log(model.n_components)).all())


def both(a: Path | None, b: Path | None) -> tuple[int, int]:
    """Return the E-steps that two runs need to the lower of their ends."""
    if a is None or b is None:
        return NONE, NONE
    level = min(a.end, b.end)
    return a.reaches(level), b.reaches(level)
