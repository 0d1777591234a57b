"""Hidden Markov model with normal observations, diagonal covariances: one EM iteration beside hmmlearn's.

Both run in one process on the same rows from the same start; hmmlearn (extra ``bench``) by its faster, scaled
recursions. Times are the slope in CPU time between few and many iterations; memory is what the peak rises by during
two E-steps in a fresh process. Without hmmlearn only our own times are shown.
"""

from __future__ import annotations

import logging
from importlib.util import find_spec
from typing import Any

import numpy as np

import emlib
from benchmarks.tables import Scale, Table, Value
from benchmarks.timing import peak_memory, slope
from emlib.algorithms import EM
from emlib.models import GaussianHMM
from emlib.numerics import Array

# T, d, K and the larger number of iterations
SIZES: dict[Scale, list[tuple[int, int, int, int]]] = {
    "small": [(2_000, 2, 3, 8)],
    "quick": [(100_000, 2, 5, 5)],
    "full": [(100_000, 2, 5, 13), (100_000, 2, 10, 9), (100_000, 2, 50, 5)],
}


def chain(length: int, d: int, k: int) -> tuple[GaussianHMM, Array, Any]:
    """Return a model, rows of a chain that stays nine times of ten, and a start near the truth."""
    rng = np.random.default_rng(0)
    model = GaussianHMM(k, d, "diag")
    stay = 0.9 * np.eye(k) + 0.1 * rng.dirichlet(np.ones(k), k)
    means = 3.0 * rng.standard_normal((k, d))
    truth = model.params(initial=np.full(k, 1 / k), transition=stay, means=means, covariances=np.ones((k, d)))
    start = model.params(initial=np.full(k, 1 / k), transition=0.8 * np.eye(k) + 0.2 / k,
                         means=means + 0.5 * rng.standard_normal((k, d)), covariances=np.full((k, d), 2.0))
    return model, model.sample(truth, length, rng), start


def ours(model: GaussianHMM, rows: Array, start: Any, steps: int) -> None:
    """Run EM for a number of E-steps."""
    emlib.fit(model, rows, start=start, algorithm=EM(), tol=1e-300, max_estep=steps)


def theirs(model: GaussianHMM, rows: Array, start: Any, steps: int) -> dict[str, Array]:
    """Run hmmlearn for a number of iterations, without priors; return what it found."""
    from hmmlearn import hmm

    logging.getLogger("hmmlearn").setLevel(logging.ERROR)
    kind = model.covariance_type
    peer = hmm.GaussianHMM(model.n_states, kind, n_iter=steps, tol=-np.inf, init_params="", covars_prior=0.0,
                           means_weight=0, min_covar=0, implementation="scaling")
    peer.startprob_, peer.transmat_ = start.initial, start.transition
    peer.means_, peer.covars_ = start.means.copy(), start.covariances.copy()
    peer.fit(rows)
    spread = peer.covars_ if kind == "full" else np.diagonal(peer.covars_, axis1=1, axis2=2)
    return {"initial": peer.startprob_, "transition": peer.transmat_, "means": peer.means_, "covariances": spread}


BEFORE = """
from benchmarks.hmm import {who} as work, chain
work(*chain(2_000, {d}, {k}), 2)
case = chain({length}, {d}, {k})
"""


def memory(who: str, length: int, d: int, k: int) -> float:
    """Return the MiB by which the peak rises in two E-steps."""
    return peak_memory(BEFORE.format(who=who, length=length, d=d, k=k), "work(*case, 2)")


def iteration(length: int, d: int, k: int, many: int) -> list[Value]:
    """Return the row of one size."""
    case = chain(length, d, k)
    here = slope(lambda steps: ours(*case, steps), 2, many)
    row: list[Value] = [length, d, k, None, 1e3 * here, None, None, memory("ours", length, d, k)]
    if find_spec("hmmlearn") is not None:
        there = slope(lambda steps: theirs(*case, steps), 1, max(2, many // 4))
        row[3], row[5], row[6] = 1e3 * there, there / here, memory("theirs", length, d, k)
    return row


def tables(scale: Scale) -> list[Table]:
    """Return the table."""
    columns = ["T", "d", "K", "hmmlearn: ms", "emlib: ms", "hmmlearn / emlib", "hmmlearn: MiB", "emlib: MiB"]
    title = "Hidden Markov model, normal, diagonal: one EM iteration, CPU time and extra peak memory"
    return [Table("hmm", title, columns, [iteration(*size) for size in SIZES[scale]])]
