"""Memory: a data set is never held a second time, however large it is, and never loaded whole from a file."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import emlib
from emlib.algorithms import EM
from emlib.data import validate
from emlib.data.rows import NormalRows
from emlib.models import BernoulliMixture, GaussianMixture, PoissonMixture, gaussian_mixture
from emlib.models import missing_information as scores
from emlib.numerics import tree_sum

N, SIDE = 150_000, 8
LIMIT = 4.0  # MiB beside the data; a copy of the rows takes 9.2, a table of three components' scores 154
MODEL = GaussianMixture(3, SIDE)


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> np.ndarray:
    """Rows in a file, mapped into memory."""
    rng = np.random.default_rng(0)
    path = tmp_path_factory.mktemp("rows") / "rows.npy"
    np.save(path, rng.standard_normal((N, SIDE)) + 3.0 * rng.integers(0, 3, (N, 1)))
    mapped: np.ndarray = np.load(path, mmap_mode="r")
    return mapped


def peak(work: Callable[[], Any]) -> float:
    """MiB that Python and NumPy have allocated at most at one time."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1] / 2**20
    finally:
        tracemalloc.stop()


def few_steps(model: Any, data: Any, **options: Any) -> Any:
    return emlib.fit(model, data, rng=0, algorithm=EM(), max_estep=3, **options)


@pytest.mark.parametrize("n_threads", [1, pytest.param(2, marks=pytest.mark.extras)])  # the second case needs Numba
def test_a_fit_takes_little_beside_the_rows(rows: np.ndarray, n_threads: int) -> None:
    few_steps(MODEL, rows[:9000])  # what is loaded and compiled at first use is not counted
    assert peak(lambda: few_steps(MODEL, rows, n_threads=n_threads)) < LIMIT


@pytest.mark.parametrize("n_threads", [1, 2])
def test_without_numba_each_thread_takes_little(rows: np.ndarray, n_threads: int,
                                                monkeypatch: pytest.MonkeyPatch) -> None:
    """NumPy needs arrays as long as a chunk for each thread."""
    monkeypatch.setattr("emlib.kernels.dispatch.numba_is_installed", lambda: False)
    few_steps(MODEL, rows[:9000])
    assert peak(lambda: few_steps(MODEL, rows, n_threads=n_threads)) < n_threads * LIMIT


@pytest.mark.parametrize("model", [PoissonMixture(2), BernoulliMixture(2, SIDE)], ids=repr)
def test_other_mixtures_take_little_too(model: Any) -> None:
    drawn = np.random.default_rng(1).poisson(0.8, (N, SIDE)).astype(float)
    data = drawn.ravel() if isinstance(model, PoissonMixture) else (drawn > 0).astype(float)
    few_steps(model, data[:9000])
    assert peak(lambda: few_steps(model, data)) < LIMIT + 2


class CopiedRows(NormalRows):
    """Reads the rows into memory."""

    def units(self, raw: Any, name: str = "data") -> Any:
        return np.array(super().units(raw, name))


class Copies(GaussianMixture):
    """Has its rows copied."""

    @property
    def reader(self) -> CopiedRows:
        return CopiedRows(self.n_features, self.n_components, self.covariance_type)


class Whitens(GaussianMixture):
    """Starts from all rows, not from a sample of them."""

    def start(self, data: Any, rng: Any) -> Any:
        return super().start(replace(data, units=np.asarray(ROWS[0])), rng)


ROWS: list[np.ndarray] = []


@pytest.mark.parametrize("kind", [Copies, Whitens])
def test_a_copy_would_be_seen(kind: type, rows: np.ndarray) -> None:
    ROWS[:] = [rows]
    assert peak(lambda: few_steps(kind(3, SIDE), rows)) > LIMIT


def test_louis_matrix_takes_little(rows: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    data = MODEL.as_data(rows[:20_000])
    params = MODEL.start(data.sample(), np.random.default_rng(0))
    emlib.Problem(MODEL, data).missing_information(params)  # by now Numba, and what it compiles, are in memory
    assert peak(lambda: emlib.Problem(MODEL, data).missing_information(params)) < 14
    monkeypatch.setattr(gaussian_mixture, "use_compiled_scores", lambda *sizes: False)  # by NumPy, piece by piece
    small = emlib.Problem(MODEL, data).missing_information(params)
    assert peak(lambda: emlib.Problem(MODEL, data).missing_information(params)) < 14
    monkeypatch.setattr(scores, "ENTRIES", 1 << 40)  # the table of all scores of a chunk at once
    assert peak(lambda: emlib.Problem(MODEL, data).missing_information(params)) > 20
    np.testing.assert_allclose(small, emlib.Problem(MODEL, data).missing_information(params), rtol=1e-9, atol=1e-6)


class Term:
    """A term of a sum that knows how many there are at a time."""

    alive = most = 0

    def __init__(self) -> None:
        Term.alive += 1
        Term.most = max(Term.most, Term.alive)

    def __add__(self, other: Term) -> Term:
        return Term()

    def __del__(self) -> None:
        Term.alive -= 1


def at_a_time(adding: Callable[[Any], Any]) -> int:
    Term.most = 0
    adding(Term() for _ in range(1000))
    return Term.most


def test_a_sum_holds_few_of_its_terms() -> None:
    assert at_a_time(tree_sum) <= 14
    assert at_a_time(lambda terms: tree_sum(list(terms))) >= 1000


def test_a_large_array_is_used_as_it_is_and_a_small_one_copied(tmp_path: Path) -> None:
    large = np.random.default_rng(0).standard_normal((70_000, SIDE))
    assert large.nbytes > validate.COPIED
    read = partial(validate.as_matrix, n_features=SIDE)
    assert np.shares_memory(read(large), large)
    assert not np.shares_memory(read(large[:100]), large)
    assert not np.shares_memory(read(large.astype(np.float32)), large)
    np.save(tmp_path / "few.npy", large[:100])
    mapped = np.load(tmp_path / "few.npy", mmap_mode="r")
    assert np.shares_memory(read(mapped), mapped)


def test_the_first_bad_entry_is_found_in_any_piece() -> None:
    large = np.zeros((40_000, 3))
    large[33_333, 1] = np.nan
    with pytest.raises(ValueError, match=r"data: entry \[33333, 1\] is nan"):
        validate.as_matrix(large, 3)
    counts = np.zeros(200_000)
    counts[150_001] = 0.5
    with pytest.raises(ValueError, match=r"data: entry \[150001\] is 0.5; counts are whole numbers"):
        validate.as_counts(counts)
