"""Seconds to the optimum: peers follow our EM, a level is found where it is, and what falls short has no ratio."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from benchmarks import seconds, seconds_peers
from benchmarks.seconds import CLOSE, Start, Timed, beside, reached
from benchmarks.seconds_problems import CASES, SEED
from emlib.algorithms import EM
from emlib.models import GaussianMixture
from emlib.result import Status
from tests import tolerances as tol


@pytest.fixture(scope="module")
def start() -> Start:
    model, raw = CASES[0].draw(np.random.default_rng([SEED, 0]))
    return Start(model, raw, model.start(model.as_data(raw), np.random.default_rng(0)))


@pytest.fixture(scope="module")
def found(start: Start) -> tuple[dict[str, list[Timed]], float]:
    return seconds.measured(start, compiled=False)


def test_every_method_comes_close_before_its_run_is_over(found: tuple[dict[str, list[Timed]], float]) -> None:
    runs, height = found
    for each in runs.values():
        assert each[0].end.loglik <= height
        assert 0 < reached(each, height) < max(run.whole for run in each)


def test_a_higher_yardstick_has_no_seconds(found: tuple[dict[str, list[Timed]], float]) -> None:
    runs, height = found
    assert reached(runs["EM"], height + 2 * CLOSE) == "short"
    assert reached(runs["EM"], height + 1) == "elsewhere"
    for status, word in ((Status.MAX_ESTEP, "budget"), (Status.DEGENERATE, "failed")):
        ended = replace(runs["EM"][0], end=replace(runs["EM"][0].end, status=status))
        assert reached([ended], height + 1) == word


def test_the_peer_makes_our_em_iterations_and_its_end_is_checked(
        start: Start, found: tuple[dict[str, list[Timed]], float]) -> None:
    runs, height = found
    em, peer = runs["EM"][0], seconds_peers.peer_of(start.model)
    steps = em.count(height - CLOSE)
    assert peer is not None
    assert steps is not None
    assert isinstance(beside(peer, start, em.end.model, steps, height - CLOSE), float)
    assert beside(peer, start, em.end.model, steps - 5, height - CLOSE) == "short"
    assert beside(peer, start, em.end.model, None, height - CLOSE) == "short"
    assert beside(peer, start, em.end.model, 10**9, height - CLOSE) == "over 60 s"


@pytest.mark.parametrize("place", [place for place, case in enumerate(CASES)
                                   if case.n <= 1000 and not case.name.startswith("factors")])  # these are not EM
def test_peers_take_the_same_steps_as_em(place: int) -> None:
    model, raw = CASES[place].draw(np.random.default_rng([SEED, place]))
    peer = seconds_peers.peer_of(model)
    if peer is None:
        pytest.skip("the peer comes with the extra 'bench'")
    assert peer.count is None
    start = Start(model, raw, model.start(model.as_data(raw), np.random.default_rng([place, 0])))
    ours: Any = start.fit(EM(), max_iter=3).params
    for name, value in peer.run(model, raw, start.params, 3).items():
        np.testing.assert_allclose(value, getattr(ours, name), rtol=tol.TWO_CODES, atol=tol.TWO_CODES)


def test_scikit_factors_are_counted_by_their_own_heights() -> None:
    place = next(place for place, case in enumerate(CASES) if case.name.startswith("factors"))
    model, raw = CASES[place].draw(np.random.default_rng([SEED, place]))
    start = Start(model, raw, model.start(model.as_data(raw), np.random.default_rng([place, 0])))
    best = start.fit(None)
    peer = seconds_peers.peer_of(model)
    assert peer is not None
    assert isinstance(beside(peer, start, best.model, None, best.loglik - CLOSE), float)
    assert beside(peer, start, best.model, None, best.loglik + 1) == "short"


def test_a_peer_that_is_not_there_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seconds_peers, "find_spec", lambda name: None)
    assert seconds_peers.peer_of(GaussianMixture(2, 1)) is None
