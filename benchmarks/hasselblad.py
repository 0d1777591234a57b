"""E-steps to the optimum of Hasselblad's death notices, two Poisson components, from common random starts.

EM's rate here is 0.9957: one slow direction. Each algorithm runs from the same starts with the default `tol`.
*Near* is the first evaluation within 1e-7 nats of the best optimum known, a yardstick that no stopping rule bends;
*stop* is the whole run. SciPy stops by rules of its own, tighter than `tol`.
Percentiles are over the starts that reached the optimum; the last column says how many did.
"""

from __future__ import annotations

from benchmarks.runs import run, spread
from benchmarks.tables import Scale, Table, Value
from emlib import datasets
from emlib.algorithms import EM, LBFGS, SQUAREM, Anderson, QuasiNewtonEM, SciPy, Switch, after
from emlib.algorithms.base import Algorithm
from emlib.fitting.default import default_algorithm
from emlib.models import PoissonMixture

MODEL = PoissonMixture(n_components=2)
BEST = -1989.9458598829642  # the optimum, whose digits tests/book/test_certify.py proves
NEAR, SAME = 1e-7, 1e-6  # nats: close enough to count as there; the same optimum
BUDGET = 20_000
STARTS = {"small": 2, "quick": 20, "full": 200}
ALGORITHMS: dict[str, Algorithm] = {
    "EM": EM(),
    "fit's default": default_algorithm(MODEL),
    "SQUAREM": SQUAREM(),
    "Anderson": Anderson(),
    "Anderson, standard": Anderson(coordinates="standard"),
    "QuasiNewtonEM": QuasiNewtonEM(),
    "5 EM, then LBFGS": Switch(EM(), LBFGS(), after(5)),
    "scipy L-BFGS-B": SciPy("L-BFGS-B"),
}


def costs(name: str, starts: int) -> list[Value]:
    """Return the row of one algorithm: E-steps near the optimum and at the stop, and the share that came there."""
    data = MODEL.as_data(*datasets.hasselblad())
    runs = [run(MODEL, data, ALGORITHMS[name], seed, BUDGET) for seed in range(starts)]
    there = [one for one in runs if one.loglik > BEST - SAME]
    near = spread([one.cost_to(BEST - NEAR) for one in there])
    stop = spread([one.n_estep for one in there])
    return [name, *near, *stop, 100 * len(there) / starts]


def tables(scale: Scale) -> list[Table]:
    """Return the table."""
    starts = STARTS[scale]
    columns = ["algorithm", "near: median", "near: 90 %", "stop: median", "stop: 90 %", "% at the optimum"]
    title = f"Hasselblad's counts, two Poisson components: E-steps from {starts} starts"
    return [Table("hasselblad", title, columns, [costs(name, starts) for name in ALGORITHMS])]
