"""The optional penalty on covariances: what collapsed converges, and the fit never passes for maximum likelihood."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import emlib
from emlib import diagnostics as dx
from emlib.algorithms import EM, LBFGS
from emlib.data import Data
from emlib.models import GaussianHMM, GaussianMixture, RegressionMixture
from tests import tolerances as tol
from tests.safety.test_collapse import NOISE, SPIKE

MEANS = np.array([[0.0, 0.0], [5.0, 5.0]])
LINE = np.linspace(0.0, 1.0, 12)
RESPONSE = np.where(np.arange(12) % 2, 3.0 * LINE, np.random.default_rng(1).standard_normal(12) - 6.0)
WALK = [np.concatenate([SPIKE[:10], SPIKE[-2:], SPIKE[10:20]]), np.concatenate([SPIKE[-1:], SPIKE[20:30]])]


def mixture(kind: str, scale: float = 1.0) -> tuple[Any, Any, Any]:
    start = {"weights": [0.9, 0.1], "means": scale * MEANS, "covariances": scale**2 * np.asarray(NOISE[kind])}
    return GaussianMixture(2, 2, kind, penalty=0.1), scale * SPIKE, start


def lines(scale: float = 1.0) -> tuple[Any, Any, Any]:
    start = {"weights": [0.5, 0.5], "coefficients": scale * np.array([[0.0, 3.0], [-6.0, 0.0]]),
             "noise_variance": scale**2 * np.array([0.01, 1.0])}
    return RegressionMixture(2, 2, penalty=0.1), (np.column_stack([np.ones(12), LINE]), scale * RESPONSE), start


def chain(scale: float = 1.0) -> tuple[Any, Any, Any]:
    start = {"initial": [0.9, 0.1], "transition": [[0.9, 0.1], [0.5, 0.5]], "means": scale * MEANS,
             "covariances": scale**2 * np.asarray(NOISE["full"])}
    return GaussianHMM(2, 2, penalty=0.1, fixed={}), [scale * rows for rows in WALK], start


SETTINGS = {**{kind: lambda scale=1.0, kind=kind: mixture(kind, scale) for kind in ("full", "diag", "spherical")},
            "lines": lines, "chain": chain}
EVERY = pytest.mark.parametrize("setting", SETTINGS.values(), ids=SETTINGS)


@pytest.mark.parametrize("algorithm", [None, EM(), LBFGS()], ids=repr)
@EVERY
def test_a_collapse_becomes_an_optimum(setting: Any, algorithm: Any) -> None:
    model, data, start = setting()
    bare = emlib.fit(replace(model, penalty=None), data, start=start, algorithm=algorithm)
    assert not bare.success
    assert bare.stopped_by == "DEGENERATE" or isinstance(algorithm, LBFGS)  # whose line search may give up before
    found = emlib.fit(model, data, start=start, algorithm=algorithm)
    assert found.success
    assert found.penalty < 0
    assert abs(found.objective - emlib.fit(model, data, start=start, algorithm=EM()).objective) < tol.SAME_OPTIMUM


@pytest.mark.parametrize("scale", [1e-8, 1e8])
@EVERY
def test_it_follows_the_units(setting: Any, scale: float) -> None:
    here, there = (emlib.fit(model, data, start=start, algorithm=EM()) for model, data, start in
                   (setting(), setting(scale)))
    assert there.n_estep == here.n_estep
    assert abs(there.penalty - here.penalty) < tol.SAME_OPTIMUM
    name = "coefficients" if hasattr(here.params, "coefficients") else "means"
    np.testing.assert_allclose(getattr(there.params, name) / scale, getattr(here.params, name), atol=tol.RESCALED)


@EVERY
def test_it_is_no_maximum_likelihood_and_says_so(setting: Any) -> None:
    model, data, start = setting()
    found = emlib.fit(model, data, start=start, algorithm=EM())
    plain = emlib.Problem(replace(model, penalty=None), data).expectation(found.params)
    assert abs(found.loglik - plain.loglik) <= tol.TWO_CODES * plain.magnitude
    assert found.aic == 2 * found.n_parameters - 2 * found.loglik
    assert found.fun == -found.objective == -(found.loglik + found.penalty)
    assert found.message.endswith("penalised fit, not maximum likelihood")
    assert f"penalised fit (penalty=0.1), not maximum likelihood: what was maximised is {found.objective:.8g}" in str(
        found.summary(standard_errors=False))
    assert np.diff(found.trace.objective).min() >= -tol.FALL * plain.magnitude
    assert found.trace.loglik[-1] == found.loglik


def test_without_a_penalty_nothing_is_said() -> None:
    model, data, start = mixture("tied")
    found = emlib.fit(replace(model, penalty=None), data, start=start)
    assert found.penalty == 0
    assert found.trace.loglik.tolist() == found.trace.objective.tolist()
    assert "penalised" not in found.message + str(found.summary())


def check_identities(model: Any, raw: Any, start: Any) -> None:
    """Q + entropy, Fisher's identity, and pieces that add up to the whole."""
    data, params = model.as_data(raw), model.params(**start)
    whole = model.e_step(params, data)
    assert abs(model.q_value(params, whole.stats) + whole.entropy - whole.loglik) <= tol.IDENTITY * whole.magnitude
    assert dx.fisher_identity_gap(model, data, params) < tol.DIFFERENCES
    pieces = emlib.Problem(model, data, chunk_size=1).expectation(params)
    assert abs(pieces.loglik - whole.loglik) <= tol.REORDERED * whole.magnitude
    top, again = (model.space.pack(model.m_step(found.stats)) for found in (whole, pieces))
    np.testing.assert_allclose(again, top, atol=tol.REORDERED * np.abs(top).max())


@EVERY
def test_the_identities_are_those_of_the_penalised_objective(setting: Any) -> None:
    check_identities(*setting())


@EVERY
def test_a_penalty_that_every_chunk_pays_is_noticed(setting: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Data, "share", 1.0)
    with pytest.raises(AssertionError):
        check_identities(*setting())


@pytest.mark.parametrize("kind", NOISE)
def test_it_is_a_divergence(kind: str) -> None:
    """-m KL(N(0, S) || N(0, Sigma)) of each covariance matrix, written out; the tied one is one matrix."""
    model, rows, start = mixture(kind)
    data = model.as_data(rows)
    spread = data.scale / 2
    noise = {"full": NOISE["full"], "tied": [NOISE["tied"]]}.get(kind, [np.eye(2)] * 2)
    values = [0.5 * (np.trace(spread @ np.linalg.inv(s)) - 2 - np.linalg.slogdet(spread @ np.linalg.inv(s))[1])
              for s in noise]
    assert abs(model.log_penalty(model.params(**start), data) + 0.1 * sum(values)) < tol.IDENTITY * max(values)


def test_the_m_step_counts_units_that_were_never_seen() -> None:
    model, rows, start = mixture("full")
    data, params = model.as_data(rows), model.params(**start)
    bare = replace(model, penalty=None)
    counts = bare.e_step(params, data).stats["weights"][:, None, None]
    best, plain = (m.m_step(m.e_step(params, data).stats) for m in (model, bare))
    spread = data.scale / 2
    np.testing.assert_allclose(best.covariances, (counts * plain.covariances + 0.1 * spread) / (counts + 0.1))
    np.testing.assert_array_equal(best.means, plain.means)


def test_any_responsibilities_bound_the_penalised_objective() -> None:
    model, data, start = mixture("full")
    params = model.params(**start)
    own = model.posterior(params, data)
    assert abs(dx.jensen_gap(model, data, params, own)) < tol.SAME_OPTIMUM
    assert dx.jensen_gap(model, data, params, np.full(own.shape, 0.5)) > 1


def test_of_several_starts_the_highest_objective_is_returned() -> None:
    model, data, _ = mixture("full")
    rng = np.random.default_rng(0)
    runs = [emlib.fit(model, data, start=model.start(model.as_data(data), rng), algorithm=EM()) for _ in range(3)]
    best = emlib.fit(model, data, n_starts=3, rng=0, algorithm=EM())
    assert best.objective == max(run.objective for run in runs if run.success)


def test_mean_coordinates_are_for_maximum_likelihood() -> None:
    model, data, start = mixture("full")
    assert not model.full_family
    with pytest.raises(ValueError, match="coordinates: 'mean' needs a full exp"):
        emlib.fit(model, data, start=start, coordinates="mean", algorithm=EM())


@pytest.mark.parametrize("penalty", [0, -1.0, np.nan, [1.0, 2.0]])
def test_a_penalty_is_a_positive_number(penalty: Any) -> None:
    with pytest.raises(ValueError, match=r"^penalty: "):
        GaussianMixture(2, 2, penalty=penalty)
