"""Models of tens of thousands of parameters: no matrix over all entries is ever formed."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
import scipy

import emlib
from emlib.algorithms import EM, SQUAREM, Adaptive, Switch, after
from emlib.fitting.default import default_algorithm
from emlib.models import GaussianMixture
from emlib.space import ParameterSpace

MIB = 2**20
MOST = 100  # MiB: the parameters, their statistics and the basis of one matrix, a few times over
WIDE = GaussianMixture(10, 40)
ROWS = np.random.default_rng(0).normal(size=(60, 40)) + np.repeat(np.eye(40)[:10], 6, axis=0)


def test_the_sparse_basis_is_the_dense_one(monkeypatch: pytest.MonkeyPatch) -> None:
    here = GaussianMixture(3, 2, fixed={"means": np.zeros((3, 2))}).space
    dense = here.tangent_map()
    assert isinstance(dense, np.ndarray)
    monkeypatch.setattr("emlib.space.DENSE_BASIS", 0)
    assert scipy.sparse.issparse(here.tangent_map())
    assert np.array_equal(here.tangent_map().toarray(), dense)


def added(steps: int) -> float:
    """Return the MiB by which the peak rises in so many EM steps, from a start that is made before."""
    data = WIDE.as_data(ROWS)
    start = WIDE.start(data, np.random.default_rng(0))
    tracemalloc.start()
    try:
        emlib.fit(WIDE, data, start=start, algorithm=EM(), max_estep=steps)
        return tracemalloc.get_traced_memory()[1] / MIB
    finally:
        tracemalloc.stop()


def test_em_forms_no_matrix_over_all_entries(monkeypatch: pytest.MonkeyPatch) -> None:
    assert WIDE.space.size("standard") * WIDE.space.size("free") * 8 / MIB > 1000
    assert added(2) < MOST
    plain = ParameterSpace.tangent_map
    monkeypatch.setattr(ParameterSpace, "tangent_map", lambda self: (np.ones(MOST * MIB // 8), plain(self))[1])
    assert added(2) > MOST


def test_the_default_for_many_parameters_needs_no_matrix() -> None:
    leaping = Switch(EM(), SQUAREM(coordinates="free"), after(10))
    chosen = [default_algorithm(GaussianMixture(k, d)) for k, d in ((2, 2), (5, 10), (10, 40))]
    assert chosen == [Adaptive(), leaping, leaping]
