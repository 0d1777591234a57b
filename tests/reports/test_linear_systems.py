"""Linear dynamical systems as other packages' users ask for them: offsets, known entries, independent noise."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.linalg import block_diag
from scipy.stats import multivariate_normal

import emlib
from emlib.diagnostics import information
from emlib.kernels import dispatch
from emlib.models import LinearDynamicalSystem
from tests import tolerances as tol

nan = np.nan
TRUTH: dict[str, Any] = {
    "initial_mean": [0.3, -1], "initial_covariance": [[1, 0.2], [0.2, 0.8]], "transition": [[0.8, 0.2], [-0.1, 0.6]],
    "transition_covariance": [[0.3, 0.05], [0.05, 0.2]], "observation": [[1, 0], [0.5, 1], [0.2, -1]],
    "observation_covariance": np.diag([0.5, 0.4, 0.3]) + 0.05,
    "transition_offset": [0.5, -0.2], "observation_offset": [3.0, -4, 10]}
FULL = LinearDynamicalSystem(2, 3, offsets=True)


def joint(params: Any, steps: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return the states' mean, their covariance with the observations, and these' mean and covariance, written out."""
    move, side = params.transition, len(params.initial_mean)
    means, spread = [params.initial_mean], params.initial_covariance
    blocks: list[list[np.ndarray]] = [[spread]]
    for _ in range(steps - 1):
        means.append(move @ means[-1] + params.transition_offset)
        rows = [move @ block for block in blocks[-1]]
        blocks.append([*rows, rows[-1] @ move.T + params.transition_covariance])
    states = np.zeros((steps * side,) * 2)
    for late, row in enumerate(blocks):
        for early, block in enumerate(row):
            states[late * side:(late + 1) * side, early * side:(early + 1) * side] = block
            states[early * side:(early + 1) * side, late * side:(late + 1) * side] = block.T
    look = block_diag(*[params.observation] * steps)
    seen = look @ np.concatenate(means) + np.tile(params.observation_offset, steps)
    noise = block_diag(*[params.observation_covariance] * steps)
    return np.concatenate(means), states @ look.T, seen, look @ states @ look.T + noise


@pytest.mark.parametrize("compiled", [False, True])
def test_offsets_in_both_equations(compiled: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """pykalman's offsets: the log-likelihood, the smoothed states and the forecasts are those of the joint normal."""
    monkeypatch.setattr(dispatch, "CHAIN_COST", 0.0 if compiled else np.inf)
    params = FULL.params(**TRUTH)
    rows, states = FULL.sample(params, 7, np.random.default_rng(0), with_latent=True)
    assert states.shape == (7, 2)
    hidden, cross, seen, spread = joint(params, 7)
    found = emlib.Problem(FULL, rows).expectation(params)
    assert found.loglik == pytest.approx(multivariate_normal(seen, spread).logpdf(rows.ravel()), rel=tol.TWO_CODES)
    needed = hidden + cross @ np.linalg.solve(spread, rows.ravel() - seen)
    np.testing.assert_allclose(FULL.posterior(params, rows)[0].ravel(), needed, rtol=tol.TWO_CODES, atol=tol.TWO_CODES)
    np.testing.assert_allclose(FULL.predict(params, rows)[0][0], seen[:3], rtol=tol.TWO_CODES)
    far = FULL.predict(params, np.vstack([rows[:1], np.full((6, 3), nan)]))[0][-1]
    first = np.linalg.solve(spread[:3, :3], rows[0] - seen[:3])
    np.testing.assert_allclose(far, seen[-3:] + spread[-3:, :3] @ first, rtol=tol.TWO_CODES)


DATA = FULL.sample(FULL.params(**TRUTH), [30, 25, 40, 33, 28, 30, 31, 32, 20], np.random.default_rng(1))
DATA[0][3], DATA[1][4, 1] = nan, nan
DIAGONAL = np.where(np.eye(3, dtype=bool), nan, 0.0)
KNOWN: dict[str, dict[str, Any]] = {
    "nothing": {}, "an offset": {"transition_offset": [0.5, -0.2]},
    "entries": {"transition": [[nan, 0.2], [nan, nan]], "observation": [[1, 0], [nan, 1], [nan, nan]],
                "observation_offset": [3, nan, nan]},
    "independence": {"transition": [[nan, 0.2], [nan, nan]], "observation": [[1, 0], [nan, 1], [nan, nan]],
                     "observation_covariance": DIAGONAL},
    "noise": {"observation": [[1, 0], [nan, 1], [nan, nan]], "observation_covariance": TRUTH["observation_covariance"]}}


def inside(model: LinearDynamicalSystem) -> Any:
    """Return the truth with what the model holds put in."""
    fields = dict(TRUTH)
    if "observation_covariance" in (model.fixed or {}):
        fields["observation_covariance"] = np.diag([0.5, 0.4, 0.3])
        fields |= model.space.held
    return model.params(**fields)


@pytest.mark.parametrize("fixed", KNOWN.values(), ids=KNOWN)
def test_gradient_and_m_step(fixed: dict[str, Any]) -> None:
    """The gradient is that of the log-likelihood; the M-step keeps what is known and maximises over the rest."""
    model = LinearDynamicalSystem(2, 3, offsets=True, fixed=fixed)
    problem, params = emlib.Problem(model, DATA), inside(model)
    x = model.space.pack(params)
    differences = [(problem.loglik(x + step) - problem.loglik(x - step)) / 2e-6 for step in 1e-6 * np.eye(len(x))]
    here = problem.evaluate(x)
    np.testing.assert_allclose(here.gradient, differences, atol=tol.DIFFERENCES * np.abs(here.gradient).max() * 10)
    best = problem.m_step(here).params
    slope = model.space.pullback(best, model.q_gradient(best, here.stats))
    assert np.abs(slope).max() < tol.M_STATIONARY * len(DATA)
    for name, value in fixed.items():
        known = ~np.isnan(np.asarray(value, dtype=float))
        np.testing.assert_array_equal(getattr(best, name)[known], np.asarray(value, dtype=float)[known])


@pytest.mark.parametrize("fixed", KNOWN.values(), ids=KNOWN)
def test_em_never_falls_and_the_fit_converges(fixed: dict[str, Any]) -> None:
    model = LinearDynamicalSystem(2, 3, offsets=True, fixed=fixed)
    by_em = emlib.fit(model, DATA, start=inside(model), algorithm=emlib.algorithms.EM(), max_estep=40)
    assert (np.diff(by_em.trace.loglik) > -tol.FALL * np.abs(by_em.loglik)).all()
    result = emlib.fit(model, DATA, start=inside(model), max_estep=600)
    assert result.success, result.message
    assert result.loglik >= by_em.loglik - tol.SAME_OPTIMUM


def test_nan_stands_for_what_is_estimated() -> None:
    """Users of pykalman (pykalman/pykalman#115) write a structure that way, here a local linear trend."""
    fixed = {"transition": [[1, 1], [0, 1]], "observation": [[1, 0]], "transition_covariance": [[nan, 0], [0, nan]],
             "initial_mean": [0, 0], "initial_covariance": 1e2 * np.eye(2)}
    model = LinearDynamicalSystem(2, 1, fixed=fixed)
    rng = np.random.default_rng(2)
    rows = np.cumsum(np.cumsum(0.3 * rng.normal(size=150)) + rng.normal(size=150)) + 2 * rng.normal(size=150)
    result = emlib.fit(model, rows, rng=0)
    assert result.success
    spread = result.params.transition_covariance
    assert spread[0, 1] == spread[1, 0] == 0
    assert (np.diag(spread) > 0).all()
    assert model.n_parameters == 3


def test_independent_noise_is_the_maximum_over_diagonal_covariances() -> None:
    """pykalman/pykalman#46 asks for a diagonal observation covariance: no diagonal one is better."""
    model = LinearDynamicalSystem(2, 3, offsets=True, fixed=KNOWN["independence"])
    result = emlib.fit(model, DATA, start=inside(model), max_estep=600)
    free = emlib.fit(LinearDynamicalSystem(2, 3, offsets=True), DATA, start=result.params, max_estep=600)
    assert free.loglik >= result.loglik - tol.SAME_OPTIMUM
    for index in range(3):
        for factor in (0.9, 1.1):
            noise = result.params.observation_covariance.copy()
            noise[index, index] *= factor
            other = model.params(**{**vars(result.params), "observation_covariance": noise})
            assert emlib.Problem(model, DATA).expectation(other).loglik < result.loglik


def test_shifts_of_the_state_are_not_identified() -> None:
    """With both offsets estimated z -> z + s changes nothing; one that is held settles it."""
    counts = {True: 4 + 2, False: 4}
    for both, needed in counts.items():
        fixed = {} if both else {"transition_offset": [0.5, -0.2]}
        assert LinearDynamicalSystem(2, 3, offsets=True, fixed=fixed).n_invariant == needed
    one = LinearDynamicalSystem(1, 2, offsets=True, fixed={"observation": [[1.0], [nan]]})
    assert one.n_invariant == 1
    rows = [each[:, :2] for each in DATA]
    result = emlib.fit(one, rows, rng=0, tol=1e-10)
    assert information(result.model, rows, result.params).n_unidentified == 1


@pytest.mark.parametrize(("fixed", "message"), [
    ({"observation_covariance": [[nan, 0.1, 0], [0.1, nan, 0], [0, 0, nan]]}, r"observation_covariance has NaN.*zeros"),
    ({"transition": [[np.inf, nan], [nan, nan]]}, r"transition has entry \[0, 0\] inf"),
    ({"transition_offset": [0, 0, 0]}, r"transition_offset: shape \(3,\) found, \(2,\) needed")])
def test_what_cannot_be_held_is_refused(fixed: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        LinearDynamicalSystem(2, 3, offsets=True, fixed=fixed)


def test_offsets_without_the_setting_are_refused() -> None:
    with pytest.raises(ValueError, match=r"^fixed: 'observation_offset' is no field"):
        LinearDynamicalSystem(2, 3, fixed={"observation_offset": [0, 0, 0]})
    with pytest.raises(ValueError, match=r"^offsets: \[0, 0\] found; True or False is needed, known values go into"):
        LinearDynamicalSystem(2, 3, offsets=[0, 0])  # type: ignore[arg-type]
