"""Chunks: the bits of data in memory, little memory, and clear words where they cannot be used."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import emlib
from emlib import Chunks
from emlib.algorithms import EM, SGD, IncrementalEM, OnlineEM, Switch, entropy_above
from emlib.models import CategoricalHMM, FactorAnalysis, GaussianMixture, Linkage, PoissonMixture, RegressionMixture
from emlib.result import Result

DRAWN = np.random.default_rng(0)
ROWS = DRAWN.normal(size=(900, 2)) + 3.0 * DRAWN.integers(0, 2, (900, 1))
MANY = DRAWN.normal(size=(20_000, 2)) + 3.0 * DRAWN.integers(0, 2, (20_000, 1))
WEIGHTS = DRAWN.integers(0, 3, 900)
CHAINS = [DRAWN.integers(0, 2, length) for length in DRAWN.integers(2, 30, 60)]
MIXTURE = GaussianMixture(2, 2)


def cut(whole: Any, size: int) -> Chunks:
    """Units in chunks, each read when it is its turn."""
    if isinstance(whole, tuple):
        return Chunks(lambda: (tuple(part[low:low + size] for part in whole) for low in range(0, len(whole[0]), size)))
    return Chunks(lambda: (whole[low:low + size] for low in range(0, len(whole), size)))


def same(one: Result, other: Result) -> None:
    assert one.n_estep == other.n_estep
    assert one.loglik == other.loglik
    assert np.array_equal(one.x, other.x)


FITS = [
    pytest.param(MIXTURE, ROWS, 70, {}, id="default"),
    pytest.param(MIXTURE, ROWS, 70, {"n_threads": 2}, id="threads"),
    pytest.param(GaussianMixture(2, 2, penalty=0.5), ROWS, 70, {}, id="penalty"),
    pytest.param(MIXTURE, MANY, 3000, {"algorithm": EM(), "max_estep": 6}, id="more-than-a-sample"),
    pytest.param(RegressionMixture(2, 1), (ROWS[:, :1], ROWS[:, 1]), 90, {"algorithm": EM(), "max_estep": 9},
                 id="pairs"),
    pytest.param(CategoricalHMM(2, 2), CHAINS, 11, {"algorithm": EM(), "max_estep": 9}, id="sequences"),
    pytest.param(CategoricalHMM(2, 2), CHAINS, 11, {"max_estep": 12, "algorithm": Switch(
        EM(), IncrementalEM(11), when=entropy_above(0.9))}, id="entropy"),
    pytest.param(FactorAnalysis(3, 1), np.column_stack([ROWS, ROWS.sum(axis=1) + DRAWN.normal(size=900)]), 70, {},
                 id="factors"),
]


@pytest.mark.parametrize(("model", "whole", "size", "options"), FITS)
def test_the_bits_are_those_of_data_in_memory(model: Any, whole: Any, size: int, options: dict[str, Any]) -> None:
    found = [emlib.fit(model, data, rng=1, chunk_size=size, **options) for data in (whole, cut(whole, size))]
    same(*found)


def test_other_cuts_give_other_bits() -> None:
    """The negative control: the bits do depend on the places."""
    found = [emlib.fit(MIXTURE, cut(ROWS, size), rng=1, algorithm=EM(), max_estep=12).x for size in (70, 77)]
    assert not np.array_equal(*found)
    np.testing.assert_allclose(*found, rtol=1e-8)


def test_large_chunks_are_cut_further() -> None:
    options: dict[str, Any] = {"rng": 1, "chunk_size": 70, "algorithm": EM(), "max_estep": 5}
    same(emlib.fit(MIXTURE, cut(ROWS, 210), **options), emlib.fit(MIXTURE, ROWS, **options))


def test_weights_come_in_chunks_too() -> None:
    options: dict[str, Any] = {"rng": 1, "chunk_size": 70, "algorithm": EM(), "max_estep": 5}
    streamed = emlib.fit(MIXTURE, cut(ROWS, 70), sample_weight=cut(WEIGHTS, 70), **options)
    same(streamed, emlib.fit(MIXTURE, ROWS, sample_weight=WEIGHTS, **options))
    assert streamed.data.n_units == WEIGHTS.sum()
    none_at_first = np.where(np.arange(900) < 70, 0, WEIGHTS)  # a chunk that counts for nothing
    assert emlib.Problem(MIXTURE, cut(ROWS, 70), sample_weight=cut(none_at_first, 70)).data.n_units < WEIGHTS.sum()


def test_what_comes_after_a_fit_works() -> None:
    result = emlib.fit(PoissonMixture(2), Chunks([[1, 2, 3, 9, 8], [0, 2, 7, 9, 1, 1]]), rng=0)
    assert result.success
    assert "11 observations" in str(result.summary())


def test_a_killed_run_goes_on(tmp_path: Path) -> None:
    path, options = tmp_path / "run", {"rng": 1, "algorithm": EM(), "tol": 1e-6, "chunk_size": 70}
    emlib.fit(MIXTURE, cut(ROWS, 70), checkpoint=path, callback=lambda intermediate_result: True, **options)
    same(emlib.fit(MIXTURE, cut(ROWS, 70), checkpoint=path, **options), emlib.fit(MIXTURE, ROWS, **options))
    changed = ROWS.copy()
    changed[555, 1] += 1e-9
    start = emlib.fit(MIXTURE, ROWS, **options).start
    with pytest.raises(ValueError, match="another data"):
        emlib.fit(MIXTURE, cut(changed, 70), checkpoint=path, start=start, **options)


def generated(count: int) -> Iterator[np.ndarray]:
    for seed in range(count):
        yield np.random.default_rng(seed).standard_normal((10_000, 4)) + 4.0 * (seed % 2)


def peak(read: Callable[[], Any], count: int) -> float:
    """MiB that a fit to so many chunks of 0.3 MiB takes."""
    model = GaussianMixture(2, 4, "diag")
    emlib.fit(model, next(generated(1)), rng=0, algorithm=EM(), max_estep=2)
    tracemalloc.start()
    try:
        emlib.fit(model, Chunks(partial(read, count)), rng=0, algorithm=EM(), max_estep=2)
        return tracemalloc.get_traced_memory()[1] / 2**20
    finally:
        tracemalloc.stop()


def test_one_chunk_is_in_memory_at_a_time() -> None:
    few = peak(generated, 5)
    assert few < 5
    assert peak(generated, 40) < few + 0.5
    assert peak(lambda count: list(generated(count)), 40) > few + 8


def shrinking() -> Callable[[], Iterator[np.ndarray]]:
    """Chunks whose second is one row shorter at each pass."""
    passes: list[int] = []

    def source() -> Iterator[np.ndarray]:
        passes.append(1)
        yield ROWS[:400]
        yield ROWS[400:900 - len(passes)]
    return source


ONCE = iter([ROWS[:400], ROWS[400:]])
BAD = ROWS.copy()
BAD[455, 1] = np.nan
REFUSED = [
    (lambda: ONCE, {}, r"data: 0 chunks found at a later pass, 2 at the first; an iterator can be gone through once"),
    (lambda: iter(()), {}, r"data: no chunk found; an iterator can be gone through once only: give Chunks a function"),
    (shrinking(), {}, r"data: chunk 1 has 49[0-9] units, at the first pass it had 499; chunks must be the same"),
    ([ROWS[:400], BAD[400:]], {}, r"chunk 1 of data: entry \[55, 1\] is nan; remove or impute it"),
    ([ROWS[:0], ROWS[:0]], {}, r"data: every chunk is empty; at least one unit is needed"),
    ([ROWS, ROWS[:, :1]], {}, r"chunk 1 of data: 1 column found, the model has n_features=2"),
    ([ROWS], {"sample_weight": WEIGHTS}, r"sample_weight: ndarray found beside Chunks of data; give Chunks"),
    ([ROWS], {"sample_weight": Chunks([WEIGHTS[:5]])}, r"chunk 0 of sample_weight: shape \(5,\) found, \(900,"),
    ([ROWS, ROWS], {"sample_weight": Chunks([WEIGHTS])}, r"sample_weight: chunk 1 of data and weights is there in one"),
    ([ROWS], {"sample_weight": Chunks([0 * WEIGHTS])}, r"sample_weight: all weights are zero; nothing was observed"),
    ([ROWS], {"algorithm": OnlineEM()}, r"data: Chunks are read in their own order, .* needs data in memory"),
    ([ROWS], {"algorithm": SGD(batch_size=20)}, r"data: Chunks are read in their own order"),
    ([ROWS[:, [0, 0]], ROWS[:, [1, 1]]], {}, r"data: the columns are linearly dependent"),
]


@pytest.mark.parametrize(("source", "options", "text"), REFUSED)
def test_what_cannot_be_read_is_refused(source: Any, options: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        emlib.fit(MIXTURE, Chunks(source), **{"rng": 0, "algorithm": EM(), "max_estep": 3, **options})


@pytest.mark.parametrize("source", [iter([ROWS]), (row for row in ROWS), 3])
def test_an_iterator_is_refused_at_once(source: Any) -> None:
    with pytest.raises(TypeError, match=r"source: .* found; an iterator can be gone through once only"):
        Chunks(source)


def test_a_table_of_counts_does_not_come_in_chunks() -> None:
    with pytest.raises(ValueError, match=r"data: cannot be read as numbers .Chunks found where one array is needed"):
        emlib.fit(Linkage(), Chunks([[125, 18, 20, 34]]), rng=0)
    with pytest.raises(TypeError, match="go through them with a loop"):
        np.asarray(Chunks([ROWS]))
