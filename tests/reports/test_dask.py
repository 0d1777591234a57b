"""Dask arrays as selections leave them: empty partitions, and weights that are an array in memory."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import emlib
from emlib.models import GaussianMixture
from tests import tolerances as tol

pytestmark = pytest.mark.extras
ROWS = np.random.default_rng(0).normal(size=(300, 2)) + np.repeat([[0.0, 0], [4, 4]], 150, axis=0)
WEIGHTS = np.where(np.arange(300) < 30, 2.0, 1.0)
MODEL = GaussianMixture(2, 2)


@pytest.fixture(scope="module")
def array() -> Iterator[Any]:
    """Return dask.array, with workers in this process."""
    import dask.array
    from distributed import Client

    importlib.import_module("emlib.backends.dask")  # which lets `fit` read such arrays
    with Client(processes=False, n_workers=1, threads_per_worker=1, dashboard_address=None):
        yield dask.array


def test_weights_in_memory_beside_a_dask_array(array: Any) -> None:
    far = array.from_array(ROWS, chunks=(100, 2))
    here = emlib.fit(MODEL, ROWS, sample_weight=WEIGHTS, rng=0)
    there = emlib.fit(MODEL, far, sample_weight=WEIGHTS, rng=0)
    assert there.loglik == pytest.approx(here.loglik, abs=tol.SAME_OPTIMUM)
    with pytest.raises(ValueError, match=r"^sample_weight: shape \(299,\) found, \(300,\) needed"):
        emlib.fit(MODEL, far, sample_weight=WEIGHTS[1:], rng=0)


def test_a_selection_that_leaves_partitions_empty(array: Any) -> None:
    far = array.from_array(ROWS, chunks=(50, 2))
    kept = far[array.from_array(np.arange(300) >= 100, chunks=50)]
    here = emlib.fit(MODEL, ROWS[100:], rng=0)
    assert emlib.fit(MODEL, kept, rng=0).loglik == pytest.approx(here.loglik, abs=tol.SAME_OPTIMUM)


def test_nothing_at_all_is_refused(array: Any) -> None:
    far = array.from_array(ROWS, chunks=(100, 2))
    with pytest.raises(ValueError, match=r"^data: every chunk is empty"):
        emlib.fit(MODEL, far[array.from_array(np.zeros(300, dtype=bool), chunks=100)], rng=0)
