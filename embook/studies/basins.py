"""Where EM, L-BFGS and Newton's method end from one start: eighty mixtures of normals drawn by one rule.

Two to five components in one to three dimensions with a common covariance, 150 points, means drawn with a standard
deviation between one and four; each method sets out from the same start, drawn by the model's own rule. Data are
standardised, but for one method that gets them in the units in which they were drawn.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np

import emlib
from emlib.algorithms import EM, LBFGS, Newton, Switch, after
from emlib.data import Data
from emlib.models import GaussianMixture
from emlib.numerics import Array

__all__ = ["ENDS", "HEIGHTS", "METHODS", "SEED", "cell", "keys"]

SEED = 88
N_PROBLEMS = 80
N_POINTS = 150
N_NEWTON = 50  # steps of the plain method
FAR = 1e3  # an unconstrained coordinate of this size is of no mixture of standardised data
HEIGHTS = ENDS = ("end",)
#: Methods that `emlib.fit` runs, and for the plain Newton method the number of EM steps before it.
METHODS: dict[str, Any] = {
    "EM": EM(),
    "L-BFGS": LBFGS(metric="identity"),
    "L-BFGS, raw units": LBFGS(metric="identity"),
    "L-BFGS in the metric of EM": Switch(EM(), LBFGS(), after(5)),
    "Newton, trust region": Newton(),
    "Newton, plain": 0,
    "Newton, plain, after ten EM steps": 10,
}


@lru_cache(maxsize=4)
def mixture(index: int, raw: bool) -> tuple[Any, Data, Any, float]:
    """Return model, data and start of a problem, and the constant that standardising adds to its log-likelihood."""
    rng = np.random.default_rng([SEED, index])
    k, d, spread = int(rng.integers(2, 6)), int(rng.integers(1, 4)), rng.uniform(1.0, 4.0)
    means, weights = spread * rng.standard_normal((k, d)), rng.dirichlet(np.full(k, 5.0))
    rows = means[rng.choice(k, size=N_POINTS, p=weights)] + rng.standard_normal((N_POINTS, d))
    model = GaussianMixture(k, d, "tied")
    centre, scale = rows.mean(axis=0), rows.std(axis=0)
    data = model.as_data((rows - centre) / scale)
    start = model.start(data, rng)
    if not raw:
        return model, data, start, 0.0
    start = replace(start, means=centre + scale * start.means, covariances=np.outer(scale, scale) * start.covariances)
    return model, model.as_data(rows), start, float(N_POINTS * np.log(scale).sum())


def keys() -> list[dict[str, Any]]:
    """Return one cell for each problem and method."""
    return [{"problem": index, "method": name} for index in range(N_PROBLEMS) for name in METHODS]


def cell(problem: int, method: str) -> dict[str, Any]:
    """Return how a run ended and its log-likelihood there, nats (not a number where there is none)."""
    model, data, start, offset = mixture(problem, method.endswith("raw units"))
    algorithm = METHODS[method]
    if isinstance(algorithm, int):
        return newton(emlib.Problem(model, data), start, algorithm)
    run = emlib.fit(model, data, start=start, algorithm=algorithm, tol=1e-5, max_estep=2000)
    return {"status": run.status.name, "end": round(run.loglik + offset, 6)}


def newton(problem: emlib.Problem, params: Any, n_em: int) -> dict[str, Any]:
    """Run Newton's method without a safeguard after some EM steps, until the predicted gain is below 1e-9 nats."""
    for _ in range(n_em):
        params = problem.model.m_step(problem.model.e_step(params, problem.data).stats)
    x = problem.model.space.pack(params)
    for _ in range(N_NEWTON):
        bend, slope = -problem.hessian(x), problem.gradient(x)
        if not solvable(bend) or not solvable(slope):
            return lost("SINGULAR")
        step = np.linalg.solve(bend, slope)
        if abs(slope @ step) < 1e-9:
            status = "CONVERGED" if np.linalg.eigvalsh(bend)[0] > 0 else "SADDLE"
            return {"status": status, "end": round(problem.loglik(x), 6)}
        x = x + step
        if not np.isfinite(x).all() or np.abs(x).max() > FAR or problem.evaluate(x).fault is not None:
            return lost("DIVERGED")
    return lost("MAX_ESTEP")


def solvable(found: Array) -> bool:
    """Return whether a vector is finite, or a matrix finite and of full rank."""
    return bool(np.isfinite(found).all()) and (found.ndim == 1 or np.linalg.matrix_rank(found) == len(found))


def lost(status: str) -> dict[str, Any]:
    """Return the values stored for a run without an end."""
    return {"status": status, "end": np.nan}
