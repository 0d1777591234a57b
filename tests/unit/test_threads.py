"""Chunks over threads: the same bits, the order kept, the caller's settings, the BLAS held back."""

from __future__ import annotations

import threading
import time
from typing import Any

import numpy as np
import pytest

import emlib
from emlib.algorithms import EM
from emlib.evaluation import threads
from emlib.models import GaussianMixture, PoissonMixture

ROWS = np.random.default_rng(0).normal(size=(900, 2)) + 2.0 * np.random.default_rng(1).integers(0, 2, (900, 1))


@pytest.mark.parametrize("n_threads", [2, 3])
def test_the_bits_do_not_depend_on_the_threads(n_threads: int) -> None:
    model = GaussianMixture(2, 2)
    options: dict[str, Any] = {"algorithm": EM(), "rng": 0, "chunk_size": 70, "max_estep": 12}
    one, several = (emlib.fit(model, ROWS, n_threads=n, **options) for n in (1, n_threads))
    assert np.array_equal(one.x, several.x)
    assert one.loglik == several.loglik


def test_other_chunks_give_other_bits() -> None:
    """The negative control: the comparison of bits does see the order of a sum."""
    model = GaussianMixture(2, 2)
    found = [emlib.fit(model, ROWS, algorithm=EM(), rng=0, chunk_size=c, max_estep=12).x for c in (70, 77)]
    assert not np.array_equal(*found)


def test_results_keep_their_order_whichever_is_ready_first() -> None:
    def late(index: int) -> int:
        time.sleep(0.02 * (4 - index))
        return index

    assert list(threads.spread(4)(late, range(4))) == [0, 1, 2, 3]


def test_several_threads_do_the_work() -> None:
    meet = threading.Barrier(2, timeout=20)
    assert sorted(threads.spread(2)(lambda index: meet.wait() + index, [0, 0])) == [0, 1]


def test_one_thread_is_the_builtin_map() -> None:
    assert threads.spread(1) is map
    assert threads.chosen_map(filter, 1) is filter


def test_the_callers_settings_hold_in_the_threads() -> None:
    def settings(_: int) -> str:
        return np.geterr()["over"]

    with np.errstate(over="raise"):
        assert set(threads.spread(2)(settings, range(3))) == {"raise"}
    assert set(threads.spread(2)(settings, range(3))) == {"warn"}


@pytest.mark.extras
def test_the_blas_starts_no_threads_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    import threadpoolctl

    def blas_threads(_: int = 0) -> set[int]:
        return {pool["num_threads"] for pool in threadpoolctl.threadpool_info() if pool["user_api"] == "blas"}

    with threadpoolctl.threadpool_limits(2, user_api="blas"):
        assert set().union(*threads.spread(2)(blas_threads, range(2))) == {1}
        assert blas_threads() == {2}
        monkeypatch.setattr(threads, "_controller", lambda: None)  # as where threadpoolctl is not installed
        assert set().union(*threads.spread(2)(blas_threads, range(2))) == {2}


def test_an_error_in_a_thread_is_raised() -> None:
    def refuse(_: int) -> None:
        raise ValueError("refused")

    with pytest.raises(ValueError, match="refused"):
        list(threads.spread(2)(refuse, range(3)))


def ahead(n_threads: int, look_ahead: int, monkeypatch: pytest.MonkeyPatch) -> int:
    """How many calls are read beyond the result in hand, at most."""
    monkeypatch.setattr(threads, "CHUNKS_AHEAD", look_ahead)
    read = []
    found = threads.spread(n_threads)(lambda index: index, (read.append(i) or i for i in range(200)))
    return max(read[-1] - index for index in found)


def test_chunks_are_read_as_they_are_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert ahead(2, threads.CHUNKS_AHEAD, monkeypatch) <= 2 * threads.CHUNKS_AHEAD


def test_a_map_that_reads_everything_at_once_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    assert ahead(2, 1000, monkeypatch) == 199


@pytest.mark.parametrize(("options", "text"), [
    ({"n_threads": 0}, "n_threads: 0 found; a positive integer is needed"),
    ({"n_threads": 1.5}, "n_threads: 1.5 found; a positive integer is needed"),
    ({"n_threads": 2, "map": lambda *a: map(*a)}, "n_threads: 2 found beside a `map` of your own"),
])
def test_what_has_no_meaning_is_refused(options: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        emlib.Problem(PoissonMixture(2), [1, 2, 3, 4], **options)


def test_without_threadpoolctl_the_blas_does_as_it_likes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "find_spec", lambda name: None)
    assert threads._controller.__wrapped__() is None
