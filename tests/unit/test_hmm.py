"""Hidden Markov models beyond the contract: long and lost chains, structure, decoding, reading, several sequences."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from scipy.special import logsumexp

import emlib
from emlib.algorithms import EM
from emlib.models import CategoricalHMM
from emlib.models.hmm import chain
from tests.tolerances import CONTROL, IDENTITY, PEER, SAME_OPTIMUM, TWO_CODES

MODEL = CategoricalHMM(2, 3)
TRUTH = {"initial": [0.3, 0.7], "transition": [[0.9, 0.1], [0.2, 0.8]], "emission": [[0.7, 0.2, 0.1], [0.1, 0.3, 0.6]]}
PARAMS = MODEL.params(**TRUTH)
SEQUENCES = MODEL.sample(PARAMS, [4, 1, 6, 4], np.random.default_rng(0))


def scaled_forward(initial: Any, transition: Any, density: Any) -> float:
    """The log-likelihood by the textbook's scaled recursion, in probabilities throughout."""
    predicted, total = np.asarray(initial), 0.0
    for row in density:
        joint = predicted * row
        total += np.log(joint.sum())
        predicted = joint / joint.sum() @ transition
    return float(total)


def enumerated(params: Any, unit: Any) -> tuple[np.ndarray, np.ndarray]:
    """All paths and their log-probabilities together with the data."""
    paths = np.array(list(itertools.product(range(2), repeat=len(unit))))
    moves = params.transition[paths[:, :-1], paths[:, 1:]].prod(axis=1)
    return paths, np.log(params.initial[paths[:, 0]] * moves * params.emission[paths, unit].prod(axis=1))


def test_smoothed_states_and_moves_are_sums_over_paths() -> None:
    counts, found = np.zeros((2, 2)), MODEL.posterior(PARAMS, SEQUENCES)
    for unit, states in zip(SEQUENCES, found, strict=True):
        paths, values = enumerated(PARAMS, unit)
        shares = np.exp(values - logsumexp(values))
        assert np.abs(states[:, 1] - shares @ paths).max() < IDENTITY
        for t in range(len(unit) - 1):
            np.add.at(counts, (paths[:, t], paths[:, t + 1]), shares)
    moves = MODEL.e_step(PARAMS, MODEL.as_data(SEQUENCES)).stats["transition"]
    assert np.abs(moves - counts).max() < IDENTITY
    assert np.abs(moves.T - counts).max() > CONTROL


def test_a_long_sequence_does_not_underflow() -> None:
    unit = MODEL.sample(PARAMS, 20_000, np.random.default_rng(1))
    found = MODEL.e_step(PARAMS, MODEL.as_data(unit))
    density = PARAMS.emission.T[unit]
    assert found.loglik == pytest.approx(scaled_forward(PARAMS.initial, PARAMS.transition, density), rel=TWO_CODES)
    assert found.loglik < -10_000  # exp of it is zero
    assert MODEL.q_value(PARAMS, found.stats) + found.entropy == pytest.approx(found.loglik, rel=IDENTITY)
    assert found.stats["transition"].sum() == pytest.approx(len(unit) - 1, rel=IDENTITY)


def test_a_hypothesis_that_is_lost_for_long_can_win() -> None:
    """Two states that never change: 1000 symbols speak for one, the next 2000 for the other."""
    model = CategoricalHMM(2, 2)
    params = model.params(initial=[0.5, 0.5], transition=np.eye(2), emission=[[0.9, 0.1], [0.1, 0.9]])
    unit = np.repeat([0, 1], [1000, 2000])
    found = model.e_step(params, model.as_data(unit))
    each = np.array([1000 * np.log(0.9) + 2000 * np.log(0.1), 1000 * np.log(0.1) + 2000 * np.log(0.9)])
    assert found.loglik == pytest.approx(logsumexp(each) - np.log(2), rel=IDENTITY)
    assert found.stats["initial"].tolist() == [0.0, 1.0]
    assert scaled_forward([0.5, 0.5], np.eye(2), params.emission.T[unit]) < found.loglik - 100  # the state is lost
    even = model.e_step(params, model.as_data(np.repeat([0, 1], 1000)))
    assert even.entropy == pytest.approx(np.log(2), rel=TWO_CODES)
    assert even.stats["transition"].diagonal() == pytest.approx([999.5, 999.5], rel=TWO_CODES)


def log_space_em(params: Any, units: list[np.ndarray], steps: int) -> list[float]:
    """Baum and Welch's algorithm in logarithms, entry by entry: a second code for several sequences."""
    initial, transition, emission = params.initial, params.transition, params.emission
    trace = []
    for _ in range(steps):
        first, moves, seen, total = np.zeros(2), np.zeros((2, 2)), np.zeros((2, 3)), 0.0
        for unit in units:
            forward = [np.log(initial * emission[:, unit[0]])]
            for y in unit[1:]:
                forward.append(logsumexp(forward[-1][:, None] + np.log(transition), axis=0) + np.log(emission[:, y]))
            backward = [np.zeros(2)]
            for y in unit[:0:-1]:
                backward.insert(0, logsumexp(np.log(transition) + np.log(emission[:, y]) + backward[0], axis=1))
            loglik = logsumexp(forward[-1])
            states = np.exp(np.array(forward) + np.array(backward) - loglik)
            for t, y in enumerate(unit[1:]):
                ahead = np.log(transition) + np.log(emission[:, y]) + backward[t + 1]
                moves += np.exp(forward[t][:, None] + ahead - loglik)
            first, total = first + states[0], total + loglik
            np.add.at(seen.T, unit, states)
        trace.append(float(total))
        initial, transition, emission = [x / x.sum(axis=-1, keepdims=True) for x in (first, moves, seen)]
    return trace


def test_em_takes_the_same_steps_as_a_second_code() -> None:
    units = MODEL.sample(PARAMS, [30, 1, 20, 30, 7], np.random.default_rng(2))
    start = MODEL.start(MODEL.as_data(units), np.random.default_rng(3))
    problem = emlib.Problem(MODEL, units, "standard")
    x, ours = MODEL.space.pack(start, "standard"), []
    for _ in range(12):
        ours.append(problem.loglik(x))
        x = problem.em_map(x)
    assert ours == pytest.approx(log_space_em(start, units, 12), rel=PEER)
    joined = log_space_em(start, [np.concatenate(units)], 12)  # a move from the end of one sequence to the next
    assert abs(joined[-1] - ours[-1]) > CONTROL


def test_zeros_are_structure() -> None:
    start = {"initial": [1, 0], "transition": [[0.9, 0.1], [0, 1]], "emission": [[0.5, 0.5, 0], [0.1, 0.3, 0.6]]}
    units = MODEL.sample(MODEL.params(**start), [20] * 10, np.random.default_rng(4))
    problem = emlib.Problem(MODEL, units, "standard")
    x = MODEL.space.pack(MODEL.params(**start), "standard")
    for _ in range(20):
        x = problem.em_map(x)
    moved = MODEL.space.unpack(x, "standard")
    assert moved.initial[1] == moved.transition[1, 0] == moved.emission[0, 2] == 0.0
    assert moved.transition[0, 1] != 0.1
    with pytest.raises(ValueError, match=r"initial: entry \[1\] is zero, where the softmax coordinate is infinite"):
        MODEL.space.pack(moved, "free")


def test_announced_zeros_have_no_coordinate() -> None:
    """A chain that only moves on: Newton-like steps in free coordinates and EM find the same maximum given the zero."""
    model = CategoricalHMM(2, 3, fixed={"initial": [1, 0], "transition": [[np.nan, np.nan], [0, np.nan]]})
    truth = TRUTH | {"initial": [1, 0], "transition": [[0.9, 0.1], [0, 1]]}
    units = model.sample(model.params(**truth), [12] * 30, np.random.default_rng(4))
    result, by_em = emlib.fit(model, units, rng=0), emlib.fit(model, units, rng=0, algorithm=EM())
    assert result.success, result.message
    assert by_em.success, by_em.message
    assert result.params.transition[1].tolist() == [0.0, 1.0]
    assert by_em.loglik == pytest.approx(result.loglik, abs=SAME_OPTIMUM)
    assert emlib.fit(MODEL, units, rng=0).loglik > result.loglik + CONTROL


@pytest.mark.parametrize(("change", "text"), [
    ({"initial": [1, 0], "transition": [[1, 0], [0, 1]]}, "state 1 is never visited, so that it has no estimate"),
    ({"initial": [1, 0], "transition": [[1, 0], [0.5, 0.5]]}, "state 1 is never visited"),
])
def test_a_state_without_an_estimate_is_named(change: dict[str, Any], text: str) -> None:
    result = emlib.fit(MODEL, SEQUENCES, start=TRUTH | change, algorithm=EM(), rng=0)
    assert result.status is emlib.Status.DEGENERATE
    assert text in result.message
    assert all(np.isfinite(value).all() for value in vars(result.params).values())


def test_a_state_that_is_never_left_is_named() -> None:
    """The last of the three states of a chain that only moves on is reached at the end of each sequence."""
    model = CategoricalHMM(3, 3)
    start = {"initial": [1, 0, 0], "transition": [[0, 1, 0], [0, 0, 1], [0, 0, 1]], "emission": np.full((3, 3), 1 / 3)}
    result = emlib.fit(model, [np.array([0, 1, 2])] * 3, start=start, algorithm=EM(), rng=0)
    assert result.status is emlib.Status.DEGENERATE
    assert "state 2 is never left, so that its row has no estimate" in result.message


def test_viterbi_finds_the_best_of_all_paths() -> None:
    paths, values = MODEL.viterbi(PARAMS, SEQUENCES)
    for path, value, unit in zip(paths, values, SEQUENCES, strict=True):
        every, logs = enumerated(PARAMS, unit)
        assert value == pytest.approx(logs.max(), rel=IDENTITY)
        assert path.tolist() == every[logs.argmax()].tolist()
    flat = MODEL.params(initial=[0.5, 0.5], transition=np.full((2, 2), 0.5), emission=np.full((2, 3), 1 / 3))
    assert MODEL.viterbi(flat, SEQUENCES[2])[0].tolist() == [0] * 6  # all paths tie


def test_impossible_data_have_no_states() -> None:
    params = MODEL.params(initial=[1, 0], transition=np.eye(2), emission=[[1, 0, 0], [0, 0.5, 0.5]])
    assert MODEL.e_step(params, MODEL.as_data(np.array([0, 1, 0]))).loglik == -np.inf
    for call in (MODEL.posterior, MODEL.predict, MODEL.viterbi):
        with pytest.raises(ValueError, match=r"data\[1\]: impossible under these parameters"):
            call(params, [[0, 0], [0, 1, 0]])


def test_draws_follow_the_chain() -> None:
    unit = MODEL.sample(PARAMS, 20_000, np.random.default_rng(5))
    again = MODEL.sample(PARAMS, 20_000, np.random.default_rng(5))
    assert np.array_equal(unit, again)
    shares = np.bincount(unit) / len(unit)
    expected = np.array([2 / 3, 1 / 3]) @ PARAMS.emission  # the stationary law of the chain is (2/3, 1/3)
    assert np.abs(shares - expected).max() < 0.02  # about five standard errors of a chain with correlation 0.7
    assert np.abs(shares - PARAMS.initial @ PARAMS.emission).max() > 0.1
    certain = MODEL.params(initial=[0, 1], transition=[[1, 0], [1, 0]], emission=[[0, 1, 0], [0, 0, 1]])
    assert MODEL.sample(certain, 5, np.random.default_rng(6)).tolist() == [2, 1, 1, 1, 1]
    with pytest.raises(ValueError, match="lengths: 0 found; a sequence has at least one observation"):
        MODEL.sample(PARAMS, [3, 0], np.random.default_rng(7))


def test_the_first_state_of_a_single_chain_is_estimated() -> None:
    """Its estimate ends at a vertex, by EM and in free coordinates; held uniform it costs up to log 2."""
    unit = MODEL.sample(PARAMS, 200, np.random.default_rng(8))
    result = emlib.fit(CategoricalHMM(2, 3, fixed={"initial": [0.5, 0.5]}), unit, rng=0)
    assert result.success, result.message
    sure = emlib.fit(MODEL, unit, rng=0, algorithm=EM())
    assert sure.success, sure.message
    assert sure.params.initial.max() > 1 - TWO_CODES
    assert 0 < sure.loglik - result.loglik < np.log(2) + CONTROL
    near = emlib.fit(MODEL, unit, rng=0)  # free coordinates have no vertex: probabilities so small that squares vanish
    assert near.loglik == pytest.approx(sure.loglik, abs=SAME_OPTIMUM)
    assert MODEL.held_by_default(MODEL.as_data(unit)) == ()


def test_equal_states_are_nudged_apart() -> None:
    start = TRUTH | {"emission": [[0.4, 0.3, 0.3]] * 2}
    result = emlib.fit(MODEL, MODEL.sample(PARAMS, [40] * 10, np.random.default_rng(9)), start=start, rng=0)
    assert result.success, result.message
    assert "states 0 and 1 started equal" in result.message
    assert np.ptp(result.params.emission, axis=0).max() > 0.1


def test_one_state_is_no_chain() -> None:
    """K = 1: independent symbols, no entropy, nothing to hold."""
    model = CategoricalHMM(1, 3)
    result = emlib.fit(model, SEQUENCES, rng=0)
    unit = np.concatenate(SEQUENCES)
    shares = np.bincount(unit, minlength=3) / len(unit)
    assert result.success, result.message
    assert result.params.emission[0] == pytest.approx(shares, abs=1e-4)
    assert chain.smooth(np.ones(1), np.ones((1, 1)), np.zeros((1, 4, 1))).entropy == 0.0
