"""Endings of fit's default and of EM on small hidden chains, from the same random starts.

Two or more sequences of 10 to 110 steps, of symbols or of counts, from a random chain of two or three states: the
best probabilities are often zero. A pair ends *below* where the default's log-likelihood is lower than EM's by more
than `MUCH` nats, *above* where it is higher by as much: both are optima. *Failed* is a run that did not converge.
Nothing is timed.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import numpy as np

import emlib
from benchmarks.tables import Scale, Table
from emlib.algorithms import EM
from emlib.data import Data
from emlib.kernels import dispatch
from emlib.models import CategoricalHMM, PoissonHMM

MUCH = 0.1  # nats
PAIRS = {"small": 4, "quick": 30, "full": 300}
WORKERS = 2  # endings do not depend on what else runs


def problem(seed: int) -> tuple[Any, Data, Any]:
    """Return a model, sequences drawn from a random chain, and a random start."""
    rng = np.random.default_rng(seed)
    count, lengths = int(rng.integers(2, 4)), [int(n) for n in rng.integers(10, 111, rng.integers(2, 6))]
    chain = {"initial": rng.dirichlet(np.ones(count)), "transition": rng.dirichlet(np.ones(count), count)}
    model: Any = PoissonHMM(count)
    if seed % 2 == 0:
        kinds = int(rng.integers(3, 6))
        model, own = CategoricalHMM(count, kinds), {"emission": rng.dirichlet(0.5 * np.ones(kinds), count)}
    else:
        own = {"rates": 15 * rng.uniform(0, 1, count) ** 2}
    data = model.as_data(model.sample(model.params(**chain, **own), lengths, rng))
    return model, data, model.start(data, rng)


def pair(seed: int) -> tuple[float, bool, bool]:
    """Return by how many nats the default ends above EM, and whether EM and the default failed."""
    dispatch.CHAIN_COST = 0.0  # thousands of E-steps: the compiled loops serve however short the sequences
    model, data, start = problem(seed)
    runs = [emlib.fit(model, data, start=start, algorithm=algorithm) for algorithm in (EM(), None)]
    return runs[1].loglik - runs[0].loglik, not runs[0].success, not runs[1].success


def usable(count: int) -> Iterator[int]:
    """Yield the first seeds whose data a fit takes: all counts may be zero."""
    seed, found = 0, 0
    while found < count:
        try:
            problem(seed)
        except ValueError:
            pass
        else:
            found += 1
            yield seed
        seed += 1


def tables(scale: Scale) -> list[Table]:
    """Return how the pairs end, symbols and counts apart."""
    seeds = np.array(list(usable(PAIRS[scale])))
    with ProcessPoolExecutor(WORKERS) as pool:
        found = np.array(list(pool.map(pair, seeds.tolist())))
    rows = [[name, *summary(found[seeds % 2 == kind])] for kind, name in enumerate(("symbols", "counts"))]
    columns = ["chain", "pairs", "below", "above", "lowest, nats", "EM failed", "default failed"]
    return [Table("endings", "The default against EM on small chains", columns, rows)]


def summary(found: Any) -> list[float | int]:
    """Return the counts of one row; `found` has shape (pairs, 3)."""
    gaps, failed = found[:, 0], found[:, 1:].sum(axis=0)
    return [len(gaps), int((gaps < -MUCH).sum()), int((gaps > MUCH).sum()), float(gaps.min()), *map(int, failed)]
