"""The compiled filter and smoother of dynamical systems against NumPy's, and when they serve."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from emlib.data import Data
from emlib.kernels import choice, kalman
from emlib.kernels.kalman_filter import STILL, stands
from emlib.model import Expectation
from emlib.models import LinearDynamicalSystem
from emlib.models.lds import kalman_pass, moments, steady
from tests.tolerances import COMPILED
from tests.unit.test_lds_steady import misses, system

LENGTHS = [300, 1, 30, 120, 2, 30]
WEIGHTS = np.array([1.0, 2.0, 0.5, 1.0, 1.0, 3.0])
SYSTEMS = [(1, 1, 0.9, 1.0), (4, 4, 0.95, 1.0), (3, 2, 0.5, 1e5), (2, 5, 1.0, 1.0)]


def step(model: Any, params: Any, data: Data, fast: bool) -> Expectation:
    """The E-step by one of the two ways; the fast one must not have turned back."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(moments, "compiled_kalman", lambda lengths: fast)
        patch.setattr(steady, "LONG", 10**9)
        if fast:
            patch.setattr(moments, "summary", None)
        return model.e_step(params, data)


def drawn(model: Any, params: Any, share: float) -> Data:
    """Weighted sequences of which a share of the entries is missing, and some rows wholly."""
    rng = np.random.default_rng(1)
    units = model.sample(params, LENGTHS, rng)
    for rows in units:
        rows[rng.random(rows.shape) < share] = np.nan
        rows[5:15] = np.nan if share > 0.1 and len(rows) > 20 else rows[5:15]
    return Data(units, WEIGHTS)


@pytest.mark.parametrize("share", [0.0, 0.02, 0.3])
@pytest.mark.parametrize(("k", "d", "speed", "stretch"), SYSTEMS)
def test_both_ways_agree(k: int, d: int, speed: float, stretch: float, share: float) -> None:
    model, params = system(k, d, speed, stretch)
    data = drawn(model, params, share)
    fast, plain = step(model, params, data, True), step(model, params, data, False)
    apart = misses(fast, plain)
    assert max(apart.values()) < COMPILED, apart
    assert fast.n_units == plain.n_units
    assert abs(fast.magnitude - plain.magnitude) < COMPILED * plain.magnitude


def test_many_features_and_patterns() -> None:
    """More features than an integer has bits."""
    model, params = system(2, 65, 0.9)
    units = model.sample(params, [8, 8], np.random.default_rng(2))
    units[0][2:5, 3:] = np.nan
    units[1][1, 64] = np.nan
    wide = step(model, params, Data(units), True)
    assert max(misses(wide, step(model, params, Data(units), False)).values()) < COMPILED


def test_what_stands_still_slowly_is_not_taken_to_stand_still() -> None:
    """A local level with little noise: a step changes the precision by less than rounding long before the end."""
    model = LinearDynamicalSystem(1, 1)
    params = model.params(initial_mean=[0.0], initial_covariance=[[1.0]], transition=[[1.0]],
                          transition_covariance=[[1e-8]], observation=[[1.0]], observation_covariance=[[1.0]])
    data = Data([model.sample(params, 3000, np.random.default_rng(3))])
    apart = misses(step(model, params, data, True), step(model, params, data, False))
    assert max(apart.values()) < COMPILED, apart
    old, room = np.ones((1, 1)), np.empty((4, 1, 1))
    new = old * (1 + 0.9 * STILL)
    assert [stands(old, new, np.array([[rate]]), room) for rate in (0.9, 0.99999, 1.0)] == [True, False, False]
    assert not stands(old, old * (1 + 3 * STILL), np.array([[0.9]]), room)


@pytest.mark.parametrize("what", ["observation", "transition"])
def test_what_is_nearly_singular_is_left_to_numpy(what: str) -> None:
    """Two outputs, or two states, that differ by a billionth."""
    model, params = system(2, 2, 0.9)
    near = np.array([[1.0, 1.0], [1.0, 1.0 + 1e-9]])
    fields = {name: np.array(value) for name, value in vars(params).items()}
    fields |= {"observation": np.ones((2, 2)) if what == "observation" else fields["observation"],
               f"{what}_covariance": near, "initial_covariance": near,
               "transition": 0.5 * np.eye(2) if what == "transition" else fields["transition"]}
    wrong = model.params(**fields)
    units = model.sample(params, [40], np.random.default_rng(4))
    assert kalman_pass.run(params, units, np.ones(1)) is not None
    assert kalman_pass.run(wrong, units, np.ones(1)) is None
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(moments, "compiled_kalman", lambda lengths: True)
        turned = model.e_step(wrong, Data(units))
    assert turned.loglik == step(model, wrong, Data(units), False).loglik


@pytest.mark.parametrize("name", ["initial_covariance", "transition_covariance", "observation_covariance"])
def test_a_matrix_that_is_no_covariance_is_left_to_numpy(name: str) -> None:
    model, params = system(2, 2, 0.9)
    units = model.sample(params, [40], np.random.default_rng(5))
    bad = model.params(**vars(params))
    for value in (-np.eye(2), np.full((2, 2), np.nan)):
        object.__setattr__(bad, name, value)
        assert kalman_pass.run(bad, units, np.ones(1)) is None


@pytest.mark.parametrize("place", range(6, 12))
def test_a_wrong_ninth_digit_is_caught(place: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """One parameter of the six after the other."""
    right = kalman.smooth

    def wrong(*given: Any) -> Any:
        changed = list(given)
        changed[place] = changed[place] * (1 + 1e-9)
        return right(*changed)

    model, params = system(2, 3, 0.9)
    data = drawn(model, params, 0.02)
    monkeypatch.setattr(kalman, "smooth", wrong)
    assert max(misses(step(model, params, data, True), step(model, params, data, False)).values()) > COMPILED


def test_short_sequences_are_left_to_numpy(monkeypatch: pytest.MonkeyPatch) -> None:
    """A rule of the lengths alone: nobody waits for a compiler where NumPy takes twenty milliseconds."""
    assert not choice.compiled_kalman(np.array([100]))
    assert not choice.compiled_kalman(np.full(60, 5))
    assert choice.compiled_kalman(np.array([1000]))
    assert choice.compiled_kalman(np.full(100, 50))
    monkeypatch.setattr(choice, "numba_is_there", lambda: False)
    assert not choice.compiled_kalman(np.array([10**6]))
