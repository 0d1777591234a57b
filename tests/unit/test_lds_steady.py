"""Constant gains in long sequences against the filter and the smoother that compute each step anew."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from emlib.data import Data
from emlib.model import Expectation
from emlib.models import LinearDynamicalSystem
from emlib.models.lds import moments, steady, steady_moments
from tests.tolerances import COMPILED, IDENTITY

LENGTH = steady.LONG + 37


def system(k: int, d: int, speed: float, stretch: float = 1.0) -> tuple[Any, Any]:
    """A model whose state turns and shrinks by `speed`; the units of the states differ by up to `stretch`."""
    rng = np.random.default_rng([k, d])
    model = LinearDynamicalSystem(k, d)
    units = np.diag(np.geomspace(1.0, stretch, k))
    turn, root = speed * np.linalg.qr(rng.normal(size=(k, k)))[0], rng.normal(size=(d, d))
    back = np.linalg.inv(units)
    return model, model.params(
        initial_mean=units @ rng.normal(size=k), initial_covariance=units @ (2.0 * np.eye(k) + 0.5) @ units,
        transition=units @ turn @ back, transition_covariance=0.1 * units @ units,
        observation=rng.normal(size=(d, k)) @ back, observation_covariance=root @ root.T + 0.2 * np.eye(d))


def step(model: Any, params: Any, data: Data, fast: bool) -> Expectation:
    """The E-step by one of the two ways; the fast one must not have turned back."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(moments, "compiled_kalman", lambda lengths: False)
        patch.setattr(moments, "run_filter", None) if fast else patch.setattr(steady, "LONG", 10**9)
        return model.e_step(params, data)


def misses(fast: Expectation, plain: Expectation) -> dict[str, float]:
    """How far each part of the two is apart, on its own scale."""
    found = {"loglik": abs(fast.loglik - plain.loglik) / plain.magnitude,
             "entropy": abs(fast.entropy - plain.entropy) / abs(plain.entropy)}
    for key, theirs in plain.stats.parts.items():
        ours = fast.stats[key]
        response = np.sqrt(np.einsum("kii->ki", theirs.see))[:, :, None]
        design = np.sqrt(np.einsum("kii->ki", theirs.sxx))[:, None, :]
        scales = {"counts": theirs.counts, "see": response * np.swapaxes(response, 1, 2), "sex": response * design,
                  "sxx": np.swapaxes(design, 1, 2) * design}
        found |= {f"{key}.{name}": float((np.abs(getattr(ours, name) - getattr(theirs, name)) / scale).max())
                  for name, scale in scales.items()}
    return found


@pytest.mark.parametrize(("k", "d", "speed", "stretch"), [(1, 1, 0.9, 1.0), (4, 4, 0.95, 1.0), (3, 2, 0.5, 1e5),
                                                          (2, 5, 1.0, 1.0)])
def test_both_ways_agree(k: int, d: int, speed: float, stretch: float) -> None:
    model, params = system(k, d, speed, stretch)
    data = Data([model.sample(params, LENGTH, np.random.default_rng(1))])
    apart = misses(step(model, params, data, True), step(model, params, data, False))
    assert max(apart.values()) < COMPILED, apart


def test_both_ways_agree_for_weighted_sequences_of_several_lengths() -> None:
    model, params = system(2, 3, 0.9)
    units = model.sample(params, [LENGTH, 3, LENGTH, LENGTH + 100], np.random.default_rng(2))
    data = Data(units, np.array([1.0, 0.5, 2.0, 1.5]))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(moments, "compiled_kalman", lambda lengths: False)
        fast = model.e_step(params, data)
        patch.setattr(steady, "LONG", 10**9)
        plain = model.e_step(params, data)
    apart = misses(fast, plain)
    assert max(apart.values()) < COMPILED, apart


def test_a_constant_gain_from_too_early_on_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    model, params = system(4, 4, 0.95)
    data = Data([model.sample(params, LENGTH, np.random.default_rng(1))])
    plain = step(model, params, data, False)
    monkeypatch.setattr(steady, "STILL", 1e-6)
    monkeypatch.setattr(steady, "LEFT", 1e-5)
    assert max(misses(step(model, params, data, True), plain).values()) > COMPILED


def test_what_stands_still_slowly_is_not_taken_to_stand_still() -> None:
    """A local level with little noise: a step changes the precision by less than rounding long before the end."""
    old, new = np.array([[1.0]]), np.array([[1.0 + 0.9 * steady.STILL]])
    assert steady._stands(old, new, np.array([[0.9]]))
    assert not steady._stands(old, new, np.array([[0.99999]]))
    assert not steady._stands(old, new, np.array([[1.0]]))
    slow = LinearDynamicalSystem(1, 1).params(
        initial_mean=[0.0], initial_covariance=[[1.0]], transition=[[1.0]], transition_covariance=[[1e-12]],
        observation=[[1.0]], observation_covariance=[[1.0]])
    assert steady.precisions(slow, LENGTH) is None


@pytest.mark.parametrize("change", ["short", "missing"])
def test_short_or_incomplete_sequences_are_left_to_the_plain_filter(change: str) -> None:
    model, params = system(2, 2, 0.9)
    rows = model.sample(params, LENGTH, np.random.default_rng(3))[None]
    assert steady_moments.gather(params, rows, np.ones(1)) is not None
    if change == "missing":
        rows[0, 1500, 1] = np.nan
    assert steady_moments.gather(params, rows[:, :100] if change == "short" else rows, np.ones(1)) is None


def test_a_matrix_that_is_no_covariance_is_left_to_the_plain_filter() -> None:
    model, params = system(2, 2, 0.9)
    rows = model.sample(params, LENGTH, np.random.default_rng(3))[None]
    bad = model.params(**{name: getattr(params, name) for name in vars(params)})
    object.__setattr__(bad, "observation_covariance", -np.eye(2))
    assert steady_moments.gather(bad, rows, np.ones(1)) is None


@pytest.mark.parametrize("length", [1, 31, 32, 33, 1024, 1025, 2000])
def test_the_recursion_by_blocks_is_the_recursion(length: int) -> None:
    rng = np.random.default_rng(length)
    matrix, driven = 0.9 * np.linalg.qr(rng.normal(size=(3, 3)))[0], rng.normal(size=(2, length, 3))
    expected = driven.copy()
    for t in range(1, length):
        expected[:, t] += expected[:, t - 1] @ matrix.T
    assert np.abs(steady.run(matrix, driven) - expected).max() < IDENTITY
    if length > 1:
        assert np.abs(steady.run(matrix.T, driven) - expected).max() > 0.01
