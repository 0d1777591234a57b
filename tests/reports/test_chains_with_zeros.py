"""Chains with probabilities of zero: symbols that never occur, and zeros in a start."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import emlib
from emlib.algorithms import EM, SQUAREM, Adaptive
from emlib.models import CategoricalHMM, GaussianHMM, PoissonHMM
from tests import tolerances as tol
from tests.reports import by_hand

HIGH = np.arange(200) // 20 % 2 == 1
SYMBOLS = np.where(HIGH, 2 - np.minimum(np.random.default_rng(0).geometric(0.7, 200) - 1, 2),
                   np.minimum(np.random.default_rng(1).geometric(0.7, 200) - 1, 2))
PAIR = [SYMBOLS[:100], SYMBOLS[100:]]
MOVES = [[0.9, 0.1], [0.2, 0.8]]


@pytest.mark.parametrize("algorithm", [None, EM()], ids=["default", "EM"])
def test_symbols_that_never_occur_change_nothing(algorithm: Any) -> None:
    """The maximum is that of the smaller alphabet, and it takes about as long to find."""
    start = {"initial": [0.5, 0.5], "transition": MOVES}
    small = emlib.fit(CategoricalHMM(2, 3), PAIR, algorithm=algorithm,
                      start=start | {"emission": [[0.5, 0.3, 0.2], [0.2, 0.3, 0.5]]})
    wide = emlib.fit(CategoricalHMM(2, 6), PAIR, algorithm=algorithm,
                     start=start | {"emission": [[0.4, 0.24, 0.16, 0.1, 0.05, 0.05],
                                                 [0.16, 0.24, 0.4, 0.1, 0.05, 0.05]]})
    assert wide.success
    assert wide.loglik == pytest.approx(small.loglik, abs=tol.SAME_OPTIMUM)
    assert wide.n_estep <= 2 * small.n_estep
    assert (wide.params.emission[:, 3:] == 0).all()
    assert "symbols that never occur: 3, 4, 5" in wide.message


def test_from_random_starts() -> None:
    for seed in range(3):
        result = emlib.fit(CategoricalHMM(2, 6), PAIR, rng=seed)
        assert result.success
        assert (result.params.emission[:, 3:] == 0).all()
        assert result.n_estep < 1000


def test_what_is_impossible_is_said_to_be() -> None:
    model = CategoricalHMM(2, 6)
    result = emlib.fit(model, PAIR, rng=0)
    for method in (model.posterior, model.predict, model.viterbi):
        with pytest.raises(ValueError, match=r"^data\[0\]: impossible under these parameters"):
            method(result.params, [0, 5, 5])
    assert np.isneginf(model.score_samples(result.params, [0, 5, 5]))


def test_a_symbol_of_weight_zero_is_there_all_the_same() -> None:
    """Sequences of weight zero count nothing, but may hold symbols of their own: nothing becomes not-a-number."""
    model, odd = CategoricalHMM(2, 4), [*PAIR, np.array([3, 3, 0])]
    start = {"initial": [0.5, 0.5], "transition": MOVES, "emission": [[0.4, 0.3, 0.2, 0.1], [0.2, 0.3, 0.4, 0.1]]}
    found = [emlib.fit(model, *given, start=start).loglik for given in ((odd,), (PAIR,))]
    weighted = emlib.fit(model, odd, sample_weight=[1, 1, 0], start=start)
    assert np.isfinite(weighted.loglik)
    assert weighted.loglik == pytest.approx(found[1], abs=tol.SAME_OPTIMUM)
    assert found[0] < found[1]


def test_very_small_probabilities_in_a_posterior() -> None:
    """The neighbour: what is possible, however unlikely, has a posterior that adds up to one."""
    model = CategoricalHMM(2, 3)
    emission = np.array([[1 - 1e-60, 1e-60 / 2, 1e-60 / 2], [1 - 1e-65, 1e-65 / 2, 1e-65 / 2]])
    params = model.params(initial=[0.5, 0.5], transition=MOVES, emission=emission)
    rows = [2, 2, 2, 2]
    states = model.posterior(params, rows)
    scaled = emission[:, rows].T * 1e60  # so that the sum over paths does not underflow
    np.testing.assert_allclose(states, by_hand.over_paths([0.5, 0.5], MOVES, scaled)[1], rtol=tol.TWO_CODES)


@pytest.mark.parametrize("algorithm", [None, EM()], ids=["default", "EM"])
def test_zeros_of_a_start_are_kept(algorithm: Any) -> None:
    """A left-to-right chain given by its start alone; plain Baum-Welch keeps the zeros, and so does the fit."""
    model = CategoricalHMM(3, 2)
    rng = np.random.default_rng(5)
    sequences = [np.r_[rng.random(6) < 0.1, rng.random(6) < 0.5, rng.random(8) < 0.9].astype(int) for _ in range(12)]
    start = {"initial": [1, 0, 0], "transition": [[0.5, 0.5, 0], [0, 0.5, 0.5], [0, 0, 1]],
             "emission": [[0.7, 0.3], [0.5, 0.5], [0.3, 0.7]]}
    needed, _, transition, _ = by_hand.baum_welch("symbols", sequences, *start.values(), 50)
    result = emlib.fit(model, sequences, start=start, algorithm=algorithm)
    assert result.success
    assert result.loglik >= needed - tol.SAME_OPTIMUM
    assert (result.params.transition[np.array(start["transition"]) == 0] == 0).all()
    assert result.params.initial.tolist() == [1, 0, 0]
    assert (transition[np.array(start["transition"]) == 0] == 0).all()
    assert "kept at zero: initial (zero at the start), transition (zero at the start)" in result.message


def test_zeros_of_a_start_in_the_other_chains() -> None:
    start = {"initial": [1, 0], "transition": [[0.9, 0.1], [0, 1]]}
    counts = np.r_[np.random.default_rng(0).poisson(2, 30), np.random.default_rng(1).poisson(9, 30)]
    poisson = emlib.fit(PoissonHMM(2), counts, start=start | {"rates": [1.0, 5.0]})
    normal = emlib.fit(GaussianHMM(2, 1), counts, start=start | {"means": [[1], [5]], "covariances": [[[2]], [[2]]]})
    for result in (poisson, normal):
        assert result.success
        assert result.params.transition[1].tolist() == [0, 1]


def test_a_row_that_is_sure_may_be_written_with_its_one() -> None:
    """[0, 0, 1] beside rows with NaN says what [0, 0, nan] says."""
    nan = np.nan
    by_one, by_nan = ({"transition": [[nan, nan, 0], [0, nan, nan], [0, 0, last]]} for last in (1.0, nan))
    data = [np.array([0, 1, 1, 0, 1]), np.array([1, 1, 0, 0, 1])] * 5
    found = [emlib.fit(CategoricalHMM(3, 2, fixed=fixed), data, rng=0).loglik for fixed in (by_one, by_nan)]
    assert found[0] == found[1]
    with pytest.raises(ValueError, match=r"fixed: transition mixes NaN.*with NaN for the rest of their rows"):
        CategoricalHMM(3, 2, fixed={"transition": [[nan, nan, 0.2], [0, nan, nan], [0, 0, 1]]})


@pytest.mark.parametrize("algorithm", [EM(), SQUAREM(), Adaptive(), None])
def test_by_every_way_to_the_optimum(algorithm: Any) -> None:
    """In standard coordinates EM makes the symbol impossible at once, and its sequence with it."""
    model, odd = CategoricalHMM(2, 4), [*PAIR, np.array([3, 3, 0])]
    found = emlib.fit(model, odd, sample_weight=[1, 1, 0], algorithm=algorithm, rng=0)
    assert found.success
    assert (found.params.emission[:, 3] < 1e-9).all()
