"""The compiled recursions in wide range against NumPy's logarithms, where plain numbers fail."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from emlib.data import Data
from emlib.kernels import hmm_emissions
from emlib.kernels import wide_chain as kernel
from emlib.models import CategoricalHMM, GaussianHMM, PoissonHMM
from emlib.models.hmm import base, chain, compiled_chain, wide_chain
from emlib.numerics import Array
from tests.tolerances import COMPILED, IDENTITY
from tests.unit.test_kernels_hmm import NAMES, WEIGHTS, attempt, case, misses, step

LENGTHS = np.array([300, 1, 5, 700])
BLOCKS = [255, 256, 257, 1, 1000, 2, 512]
NEXT = 0.95 * np.eye(3) + 0.05 * np.roll(np.eye(3), 1, axis=1)
RING = 0.95 * np.eye(4) + 0.05 * np.roll(np.eye(4), 1, axis=1)
MOVES = {"all": np.full((4, 4), 0.1) + 0.6 * np.eye(4), "on to the next": RING, "none": np.eye(4),
         "next, others 1e-60": np.where(RING > 0, RING, 1e-60), "next, others 1e-300": np.where(RING > 0, RING, 1e-300)}


def log_densities(scale: float, impossible: float = 0.0) -> Array:
    """Log-densities of four states that reach down to minus `scale`, some of them impossible."""
    rng = np.random.default_rng(0)
    found = -scale * rng.random((LENGTHS.sum(), 4))
    return np.where(rng.random(found.shape) < impossible, -np.inf, found)


def apart(transition: Array, logs: Array, off: float = 1.0) -> float:
    """The largest relative difference of the two ways, of which one is told of moves that are off by a factor."""
    start = np.array([0.4, 0.3, 0.2, 0.1])
    one = chain.smooth_all(start, transition, logs, LENGTHS)
    other = wide_chain.smooth_all(start, transition * off, logs, LENGTHS)
    sizes = {"loglik": np.abs(logs[np.isfinite(logs)]).sum(), "states": 1.0, "initial": 1.0, "transitions": 700.0,
             "entropy": np.abs(logs[np.isfinite(logs)]).sum()}
    return max(float(np.abs(getattr(one, name) - getattr(other, name)).max() / size) for name, size in sizes.items())


@pytest.mark.parametrize("scale", [1.0, 100.0, 5000.0])
@pytest.mark.parametrize("moves", MOVES)
def test_both_ways_agree(moves: str, scale: float) -> None:
    assert apart(MOVES[moves], log_densities(scale)) < COMPILED


def test_both_ways_agree_with_impossible_rows() -> None:
    assert apart(MOVES["all"], log_densities(100.0, impossible=0.1)) < COMPILED


@pytest.mark.parametrize("moves", ["all", "on to the next"])
def test_a_wrong_ninth_digit_is_caught(moves: str) -> None:
    assert apart(MOVES[moves], log_densities(1.0), off=1 + 1e-8) > COMPILED


def test_an_impossible_sequence_is_told_from_its_neighbours() -> None:
    logs = np.zeros((6, 2))
    logs[3] = -np.inf
    found = wide_chain.smooth_all(np.full(2, 0.5), np.full((2, 2), 0.5), logs, np.array([2, 2, 2]))
    assert np.isneginf(found.loglik).tolist() == [False, True, False]
    assert found.states[[0, 1, 4, 5]].tolist() == [[0.5, 0.5]] * 4


def far_apart(transition: Array) -> tuple[Any, Any, Data]:
    """Four states, a hundred standard deviations from one to the next."""
    model = GaussianHMM(4, 1, "diag")
    params = model.params(initial=np.full(4, 0.25), transition=transition, means=100.0 * np.arange(4.0)[:, None],
                          covariances=np.ones((4, 1)))
    return model, params, Data([model.sample(params, 1500, np.random.default_rng(1))])


def test_states_far_apart_stay_side_by_side_where_every_move_has_a_chance() -> None:
    model, params, data = far_apart(MOVES["all"])
    assert attempt(model, params, data.units[0]) is not None
    assert max(misses(step(model, params, data, True), step(model, params, data, False)).values()) < COMPILED


def test_states_far_apart_with_forbidden_moves_go_through_wide_range() -> None:
    model, params, data = far_apart(RING)
    assert attempt(model, params, data.units[0]) is None
    assert max(misses(step(model, params, data, True), step(model, params, data, False)).values()) < COMPILED


def test_counts_larger_than_the_sequence_is_long() -> None:
    model = PoissonHMM(2)
    params = model.params(initial=[0.5, 0.5], transition=[[0.9, 0.1], [0.2, 0.8]], rates=[1e6, 1.002e6])
    data = Data([model.sample(params, 600, np.random.default_rng(2))], np.array([2.0]))
    assert max(misses(step(model, params, data, True), step(model, params, data, False)).values()) < COMPILED


def test_a_symbol_that_a_state_hardly_emits_is_not_lost() -> None:
    """Its probability is rounded up, which may decide where moves are forbidden: then wide range serves."""
    model = CategoricalHMM(2, 2)
    params = model.params(initial=[0.5, 0.5], transition=[[0.5, 0.5], [0.0, 1.0]], emission=[[1.0, 1e-300], [0.5, 0.5]])
    rows = np.repeat([1, 0], [3, 500])
    assert attempt(model, params, rows) is None
    data = Data([rows])
    assert max(misses(step(model, params, data, True), step(model, params, data, False)).values()) < COMPILED


@pytest.fixture
def in_wide_range(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep chains from going side by side."""
    monkeypatch.setattr(compiled_chain, "run", lambda *given: None)


HOSTILE = {
    "far apart": ("diag 3 2", {"means": 100.0 * np.arange(6.0).reshape(3, 2)}),
    "far apart, on to the next": ("diag 3 2", {"means": 100.0 * np.arange(6.0).reshape(3, 2), "transition": NEXT}),
    "far apart, others 1e-300": ("diag 3 2", {"means": 100.0 * np.arange(6.0).reshape(3, 2),
                                             "transition": np.where(NEXT > 0, NEXT, 1e-300)}),
    "never to move": ("diag 3 2", {"transition": np.eye(3)}),
    "a first state of 1e-300": ("diag 3 2", {"initial": [1.0, 1e-300, 0.0]}),
    "thin": ("diag 3 2", {"covariances": np.array([[1e-12, 1e-12], [1.0, 1.0], [1e6, 1e6]])}),
    "counts a thousand times as large": ("counts", {"rates": [1e3, 5e3, 2e4]}),
    "a count of probability zero": ("counts", {"rates": [0.0, 5.0, 2e4]}),
}


@pytest.mark.usefixtures("in_wide_range")
@pytest.mark.parametrize("name", NAMES)
def test_every_model_may_go_in_wide_range(name: str) -> None:
    """Blocks of several sequences, an odd number of states, weights of zero, rows that products do not serve."""
    model, params = case(name)
    data = model.as_data(model.sample(params, BLOCKS, np.random.default_rng(1)), WEIGHTS)
    apart = misses(step(model, params, data, True), step(model, params, data, False))
    assert max(apart.values()) < IDENTITY, apart


@pytest.mark.usefixtures("in_wide_range")
@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_parameters(name: str) -> None:
    kind, fields = HOSTILE[name]
    model, params = case(kind)
    hostile = model.params(**{**vars(params), **fields})
    data = model.as_data(model.sample(hostile, BLOCKS, np.random.default_rng(1)), WEIGHTS)
    apart = misses(step(model, hostile, data, True), step(model, hostile, data, False))
    assert max(apart.values()) < IDENTITY, apart


@pytest.mark.usefixtures("in_wide_range")
@pytest.mark.parametrize("part", ["gaps", "states", "transition"])
def test_a_wrong_tenth_digit_is_caught(part: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sabotage: densities, probabilities of states or moves that are off by 1e-10."""
    place = (hmm_emissions, "add_moments") if part == "states" else (kernel, "smooth")
    right = getattr(*place)

    def wrong(*given: Any) -> None:
        right(*(one._replace(**{part: getattr(one, part) * (1 + 1e-10)}) if part in getattr(one, "_fields", ()) else one
                for one in given))

    monkeypatch.setattr(*place, wrong)
    model, params = case("diag 3 2")
    data = model.as_data(model.sample(params, BLOCKS, np.random.default_rng(1)), WEIGHTS)
    assert max(misses(step(model, params, data, True), step(model, params, data, False)).values()) > IDENTITY


def test_what_users_ask_for_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    model, params, data = far_apart(RING)
    rows = data.units[0]
    monkeypatch.setattr(base, "use_compiled_chain", lambda *size: False)
    slow = model.posterior(params, rows), model.score_samples(params, rows)
    monkeypatch.setattr(base, "use_compiled_chain", lambda *size: True)
    quick = model.posterior(params, rows), model.score_samples(params, rows)
    assert np.abs(slow[0] - quick[0]).max() < COMPILED
    assert np.abs(slow[1] / quick[1] - 1).max() < COMPILED
