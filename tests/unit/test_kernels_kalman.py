"""The compiled filter and smoother of dynamical systems against NumPy's, and when they serve."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from emlib.data import Data
from emlib.kernels import dispatch, kalman, kalman_patterns
from emlib.kernels.kalman_arguments import System
from emlib.kernels.kalman_convergence import STEP_CHANGE, has_converged
from emlib.model import Expectation
from emlib.models import LinearDynamicalSystem
from emlib.models.lds import compiled_kalman, e_step
from tests.tolerances import COMPILED, TWO_CODES

LENGTHS = [300, 1, 30, 120, 2, 30]
WEIGHTS = np.array([1.0, 2.0, 0.5, 1.0, 1.0, 3.0])
SYSTEMS = [(1, 1, 0.9, 1.0), (4, 4, 0.95, 1.0), (3, 2, 0.5, 1e5), (2, 5, 1.0, 1.0), (6, 3, 0.9, 1.0)]


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
        patch.setattr(e_step, "use_compiled_kalman", lambda lengths: fast)
        if fast:
            patch.setattr(e_step, "summarise_by_numpy", None)
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


@pytest.mark.parametrize(("k", "d", "speed", "stretch"), SYSTEMS)
def test_both_ways_agree_along_a_sequence_whose_covariances_converge(k: int, d: int, speed: float,
                                                                      stretch: float) -> None:
    model, params = system(k, d, speed, stretch)
    data = Data([model.sample(params, 2000, np.random.default_rng(1))])
    apart = misses(step(model, params, data, True), step(model, params, data, False))
    assert max(apart.values()) < COMPILED, apart


def test_many_features_and_patterns() -> None:
    """More features than an integer has bits."""
    model, params = system(2, 65, 0.9)
    units = model.sample(params, [8, 8], np.random.default_rng(2))
    units[0][2:5, 3:] = np.nan
    units[1][1, 64] = np.nan
    wide = step(model, params, Data(units), True)
    assert max(misses(wide, step(model, params, Data(units), False)).values()) < COMPILED


def test_more_patterns_than_are_remembered() -> None:
    model, params = system(2, 65, 0.9)
    rows = model.sample(params, 300, np.random.default_rng(2))
    rows[np.random.default_rng(3).random(rows.shape) < 0.2] = np.nan
    assert len(np.unique(np.isnan(rows), axis=0)) > kalman_patterns.ENTRIES // 65**2
    many = step(model, params, Data([rows]), True)
    assert max(misses(many, step(model, params, Data([rows]), False)).values()) < COMPILED


def test_what_converges_slowly_is_not_taken_to_have_converged() -> None:
    """A local level with little noise: a step changes the precision by less than rounding long before the end."""
    model = LinearDynamicalSystem(1, 1)
    params = model.params(initial_mean=[0.0], initial_covariance=[[1.0]], transition=[[1.0]],
                          transition_covariance=[[1e-8]], observation=[[1.0]], observation_covariance=[[1.0]])
    data = Data([model.sample(params, 3000, np.random.default_rng(3))])
    apart = misses(step(model, params, data, True), step(model, params, data, False))
    assert max(apart.values()) < COMPILED, apart
    old, room = np.ones((1, 1)), np.empty((4, 1, 1))
    new = old * (1 + 0.9 * STEP_CHANGE)
    found = [has_converged(old, new, np.array([[rate]]), 1, room) for rate in (0.9, 0.99999, 1.0)]
    assert found == [True, False, False]
    assert not has_converged(old, old * (1 + 3 * STEP_CHANGE), np.array([[0.9]]), 1, room)


def test_a_vague_prior_is_no_reason_to_leave_the_compiled_filter() -> None:
    """Two outputs whose covariance is nearly singular as long as nothing is known of the one state."""
    model, params = system(1, 2, 0.9)
    vague = model.params(**{**vars(params), "initial_covariance": [[1e5]]})
    data = Data(model.sample(params, [40], np.random.default_rng(4)))
    apart = misses(step(model, vague, data, True), step(model, vague, data, False))
    assert max(apart.values()) < TWO_CODES, apart


@pytest.mark.parametrize("what", ["observation", "transition"])
def test_what_is_nearly_singular_is_left_to_numpy(what: str) -> None:
    """Two outputs, or two states, that differ by less than a billionth."""
    model, params = system(2, 2, 0.9)
    near = np.array([[1.0, 1.0], [1.0, 1.0 + 1e-11]])
    fields = {name: np.array(value) for name, value in vars(params).items()}
    fields |= {"observation": np.ones((2, 2)) if what == "observation" else fields["observation"],
               f"{what}_covariance": near, "initial_covariance": near,
               "transition": 0.5 * np.eye(2) if what == "transition" else fields["transition"]}
    wrong = model.params(**fields)
    units = model.sample(params, [40], np.random.default_rng(4))
    assert compiled_kalman.summarise(params, units, np.ones(1)) is not None
    assert compiled_kalman.summarise(wrong, units, np.ones(1)) is None
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(e_step, "use_compiled_kalman", lambda lengths: True)
        turned = model.e_step(wrong, Data(units))
    assert turned.loglik == step(model, wrong, Data(units), False).loglik


@pytest.mark.parametrize("name", ["initial_covariance", "transition_covariance", "observation_covariance"])
def test_a_matrix_that_is_no_covariance_is_left_to_numpy(name: str) -> None:
    model, params = system(2, 2, 0.9)
    units = model.sample(params, [40], np.random.default_rng(5))
    bad = model.params(**vars(params))
    for value in (-np.eye(2), np.full((2, 2), np.nan)):
        object.__setattr__(bad, name, value)
        assert compiled_kalman.summarise(bad, units, np.ones(1)) is None


@pytest.mark.parametrize("part", System._fields)
def test_a_wrong_ninth_digit_is_caught(part: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """One parameter after the other."""
    right = kalman.smooth

    def wrong(series: Any, patterns: Any, system: Any, sums: Any) -> Any:
        return right(series, patterns, system._replace(**{part: getattr(system, part) * (1 + 1e-9)}), sums)

    model, params = system(2, 3, 0.9)
    if part == "transition_offset":
        model = LinearDynamicalSystem(2, 3, offsets=True)
        params = model.params(**vars(params), transition_offset=[3.0, -2.0], observation_offset=[1.0, 0.0, 5.0])
    data = drawn(model, params, 0.02)
    monkeypatch.setattr(kalman, "smooth", wrong)
    assert max(misses(step(model, params, data, True), step(model, params, data, False)).values()) > COMPILED


def test_short_sequences_are_left_to_numpy(monkeypatch: pytest.MonkeyPatch) -> None:
    """A rule of the lengths alone: nobody waits for a compiler where NumPy takes twenty milliseconds."""
    assert not dispatch.use_compiled_kalman(np.array([100]))
    assert not dispatch.use_compiled_kalman(np.full(60, 5))
    assert dispatch.use_compiled_kalman(np.array([1000]))
    assert dispatch.use_compiled_kalman(np.full(100, 50))
    monkeypatch.setattr(dispatch, "numba_is_installed", lambda: False)
    assert not dispatch.use_compiled_kalman(np.array([10**6]))
