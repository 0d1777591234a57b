"""The best optimum found of each problem of the race: what a run must reach, and how ill-conditioned it is there.

The highest of twelve runs from the race's own starts by L-BFGS in the metric of EM, each to within 1e-11 nats of its
end; rounded to seven decimals, a tenth of the finest precision asked for. The condition number is that of the Hessian
there, in free coordinates, over the directions in which the distribution changes.
"""

from __future__ import annotations

from typing import Any

import numpy as np

import emlib
from embook.studies import race_field
from embook.studies.race_field import SEED
from emlib.algorithms import EM, LBFGS, Switch, after

__all__ = ["HEIGHTS", "SEED", "cell", "keys"]

N_STARTS = 12
HEIGHTS = ("goal",)
FLAT = 1e-7  # of the largest curvature: less is rounding, in a direction such as a rotation of factors


def keys() -> list[dict[str, Any]]:
    """Return one cell a problem."""
    return [{"problem": name} for name in race_field.PROBLEMS]


def cell(problem: str) -> dict[str, Any]:
    """Return the highest log-likelihood, nats, how many runs came within 1e-6 of it, and the condition number."""
    model, data = race_field.problem(problem)
    runs = [emlib.fit(model, data, start=race_field.start(problem, index), tol=1e-11,
                      algorithm=Switch(EM(), LBFGS(), after(5))) for index in range(N_STARTS)]
    ends = [run.loglik if run.success else -np.inf for run in runs]
    at_goal = emlib.Problem(model, data)
    curvatures = np.linalg.eigvalsh(-at_goal.hessian(model.space.pack(runs[int(np.argmax(ends))].params)))
    curvatures = curvatures[curvatures > FLAT * curvatures.max()]
    return {"goal": round(max(ends), 7), "n_reached": sum(end > max(ends) - 1e-6 for end in ends),
            "condition": float(f"{curvatures.max() / curvatures.min():.3g}")}
