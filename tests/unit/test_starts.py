"""Several starts in processes of their own: the bits of one process, and errors that come home."""

from __future__ import annotations

import os
import re
import signal
import threading
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import emlib
from emlib import datasets
from emlib.algorithms import EM
from emlib.fitting import starts
from emlib.models import GaussianMixture, PoissonMixture

MODEL = GaussianMixture(2, 2)


def fitted(n_workers: int, **options: Any) -> emlib.Result:
    return emlib.fit(MODEL, datasets.old_faithful(), n_starts=3, rng=5, n_workers=n_workers, **options)


def test_two_processes_give_the_bits_of_one() -> None:
    alone, shared = fitted(1), fitted(2)
    assert np.array_equal(alone.x, shared.x)
    assert alone.message == shared.message
    assert (alone.loglik, alone.n_estep, alone.seed) == (shared.loglik, shared.n_estep, shared.seed)
    assert shared.data is not None
    assert "rate" in str(shared.summary())  # the data are back beside the result
    assert not np.array_equal(alone.x, fitted(1, tol=1e-2).x)  # the comparison can fail


def test_the_runs_are_made_in_other_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    class Noted(ProcessPoolExecutor):
        def __init__(self, workers: int, **options: Any) -> None:
            seen.append(workers)
            super().__init__(workers, **options)

    monkeypatch.setattr(starts, "ProcessPoolExecutor", Noted)
    fitted(8)
    fitted(1)
    assert seen == [3]  # never more processes than starts, and none for one worker


def test_each_start_keeps_a_checkpoint_of_its_own(tmp_path: Path) -> None:
    shared = fitted(2, checkpoint=tmp_path / "run.npz")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run-0.npz", "run-1.npz", "run-2.npz"]
    assert np.array_equal(fitted(1, checkpoint=tmp_path / "run.npz").x, shared.x)


@pytest.mark.parametrize("options", [{"callback": print}, {"progress": True}])
def test_what_stays_in_one_process_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="n_workers: 2 found beside a callback or progress"):
        fitted(2, **options)
    with pytest.raises(ValueError, match="n_workers: 0 found; a positive integer"):
        fitted(0)


class Failing(EM):
    """An algorithm whose first step ends in an error."""

    def step(self, problem: Any, state: Any) -> Any:
        raise RuntimeError("no step today")


def test_an_error_in_a_process_is_raised_here() -> None:
    with pytest.raises(RuntimeError, match="no step today"):
        fitted(2, algorithm=Failing())


class Moody(PoissonMixture):
    """A model whose start fails on some draws."""

    share = 0.5

    def start(self, data: Any, rng: np.random.Generator) -> Any:
        drawn = super().start(data, rng)
        if rng.random() < self.share:
            raise FloatingPointError("no start here")
        return drawn


class Hopeless(Moody):
    share = 1.1


COUNTS = [0, 1, 2, 3, 4, 5, 2, 1, 9, 12, 10]
LEFT_OUT = r"best of (\d) starts .*; (\d) more ended with an error, the first with FloatingPointError: no start here"


@pytest.mark.parametrize("seed", range(4))
def test_a_start_that_raises_is_left_out(seed: int) -> None:
    """Whichever it is, the first one included; with two processes the same."""
    alone = emlib.fit(Moody(2), COUNTS, n_starts=8, rng=seed)
    assert alone.success
    found = re.search(LEFT_OUT, alone.message)
    assert found is not None
    assert int(found[1]) + int(found[2]) == 8
    assert emlib.fit(Moody(2), COUNTS, n_starts=8, rng=seed, n_workers=2).message == alone.message
    assert "more ended" not in emlib.fit(PoissonMixture(2), COUNTS, n_starts=8, rng=seed).message


@pytest.mark.parametrize("options", [{}, {"n_starts": 3}, {"n_starts": 3, "n_workers": 2}])
def test_where_no_start_can_be_drawn_the_first_error_is_raised(options: dict[str, Any]) -> None:
    with pytest.raises(FloatingPointError, match="no start here"):
        emlib.fit(Hopeless(2), COUNTS, rng=0, **options)


def test_beside_a_given_start_no_other_is_needed() -> None:
    given = {"weights": [0.5, 0.5], "rates": [1.0, 9.0]}
    found = emlib.fit(Hopeless(2), COUNTS, start=given, n_starts=3, rng=0)
    assert found.success
    assert "best of 1 start (1 converged" in found.message
    assert "2 more ended with an error" in found.message
    with pytest.raises(ValueError, match=r"^rates: "):  # a given one without a meaning is raised, not left out
        emlib.fit(PoissonMixture(2), COUNTS, start=given | {"rates": [1.0, np.nan]}, n_starts=3, rng=0)


class Hurried(ProcessPoolExecutor):
    """Processes whose user loses patience a second after the first run was handed out."""

    timer: threading.Timer | None = None

    def submit(self, *given: Any, **options: Any) -> Any:
        if self.timer is None:
            self.timer = threading.Timer(1.0, interrupt)
            self.timer.start()
        return super().submit(*given, **options)


def interrupt() -> None:
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    os.kill(os.getpid(), signal.SIGINT)


@pytest.mark.parametrize("told", ["this thread", "another thread"])
def test_an_interruption_gives_what_there_is(told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Which thread of a process receives a signal is the system's choice; here it may be the timer's alone."""
    monkeypatch.setattr(starts, "ProcessPoolExecutor", Hurried)
    counts, seen = datasets.hasselblad()
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background has it ignored
    before = signal.pthread_sigmask(signal.SIG_BLOCK if told == "another thread" else signal.SIG_UNBLOCK,
                                    {signal.SIGINT})
    try:
        found = emlib.fit(PoissonMixture(2), counts, sample_weight=seen, n_starts=400, rng=1, n_workers=2,
                          algorithm=EM(), tol=1e-300, max_estep=3000)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        signal.signal(signal.SIGINT, handler)
    assert np.isfinite(found.loglik)
    assert "best of 400 starts" not in found.message


class Refused(ProcessPoolExecutor):
    def submit(self, *given: Any, **options: Any) -> Any:
        raise KeyboardInterrupt


def test_an_interruption_before_any_run_goes_on_to_the_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(starts, "ProcessPoolExecutor", Refused)
    with pytest.raises(KeyboardInterrupt):
        fitted(2)
