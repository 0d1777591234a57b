"""Seconds to the optimum: peers follow our EM, a level is found where it is, and what falls short has no ratio."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from benchmarks import seconds, seconds_dynamax, seconds_peers
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
    em, (peer,) = runs["EM"][0], seconds_peers.peers_of(start.model)
    steps = em.count(height - CLOSE)
    assert steps is not None
    assert isinstance(beside(peer, start, em.end.model, steps, height - CLOSE), float)
    assert beside(peer, start, em.end.model, steps - 5, height - CLOSE) == "short"
    assert beside(peer, start, em.end.model, None, height - CLOSE) == "short"
    assert beside(peer, start, em.end.model, 10**9, height - CLOSE) == "over 60 s"


def drawn_start(place: int) -> Start:
    model, raw = CASES[place].draw(np.random.default_rng([SEED, place]))
    return Start(model, raw, model.start(model.as_data(raw), np.random.default_rng([place, 0])))


def are_same(found: Mapping[str, Any], wanted: Any, tolerance: float) -> bool:
    return all(np.allclose(value, getattr(wanted, name), rtol=tolerance, atol=tolerance)
               for name, value in found.items())  # fmt: skip


@pytest.mark.parametrize("place", [place for place, case in enumerate(CASES)
                                   if case.n <= 1000 and not case.name.startswith("factors")])  # these are not EM
def test_peers_take_the_same_steps_as_em(place: int) -> None:
    start = drawn_start(place)
    if not (peers := seconds_peers.peers_of(start.model)):
        pytest.skip("the peers come with the extra 'bench'")
    ours = start.fit(EM(), max_iter=3).params
    for peer in peers:
        assert peer.count is None
        assert are_same(peer.run(start.model, start.raw, start.params, 3), ours, tol.TWO_CODES), peer.name


def test_dynamax_takes_other_steps_where_it_does_not_hold_the_known_fields() -> None:
    pytest.importorskip("dynamax", reason="it comes with the extra 'bench'")
    start = drawn_start(next(place for place, case in enumerate(CASES) if case.name.startswith("dynamics")))
    free = replace(start.model, fixed={})
    ours = start.fit(EM(), max_iter=3).params
    assert not are_same(seconds_dynamax.dynamax(free, start.raw, start.params, 3), ours, 1000 * tol.TWO_CODES)


def test_scikit_factors_are_counted_by_their_own_heights() -> None:
    start = drawn_start(next(place for place, case in enumerate(CASES) if case.name.startswith("factors")))
    best = start.fit(None)
    (peer,) = seconds_peers.peers_of(start.model)
    assert isinstance(beside(peer, start, best.model, None, best.loglik - CLOSE), float)
    assert beside(peer, start, best.model, None, best.loglik + 1) == "short"


def test_a_peer_that_is_not_there_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seconds_peers, "find_spec", lambda name: None)
    assert seconds_peers.peers_of(GaussianMixture(2, 1)) == []
