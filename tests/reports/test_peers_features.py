"""What peers' own tests ask for: spherical and tied states, precisions, criteria of new data, budgets, starts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.stats import multivariate_normal, norm

import emlib
from emlib.algorithms import EM
from emlib.kernels import dispatch
from emlib.models import (
    PPCA,
    BernoulliMixture,
    CategoricalHMM,
    FactorAnalysis,
    GaussianHMM,
    GaussianMixture,
    PoissonHMM,
    PoissonMixture,
    RegressionMixture,
)
from tests import tolerances as tol
from tests.reports import by_hand

rng = np.random.default_rng(0)
ROWS = rng.normal(size=(80, 2)) + np.repeat([[0.0, 0], [4, 4], [0, 0], [4, 4]], 20, axis=0)
MOVES = [[0.9, 0.1], [0.2, 0.8]]


@pytest.mark.parametrize(("kind", "noise"), [("spherical", [1.0, 2.0]), ("tied", [[1.0, 0.3], [0.3, 2.0]])])
def test_spherical_and_tied_states(kind: str, noise: Any) -> None:
    model = GaussianHMM(2, 2, kind)
    params = model.params(initial=[0.5, 0.5], transition=MOVES, means=[[0, 0], [4, 4]], covariances=noise)
    full = [v * np.eye(2) for v in noise] if kind == "spherical" else [noise, noise]
    density = np.stack([multivariate_normal(m, c).pdf(ROWS) for m, c in zip(params.means, full, strict=True)], axis=1)
    assert model.loglik(params, ROWS) == pytest.approx(by_hand.forward([0.5, 0.5], MOVES, density), rel=tol.TWO_CODES)
    result = emlib.fit(model, ROWS, rng=0)
    assert result.success
    assert result.params.covariances.shape == np.shape(noise)


def test_a_budget_in_iterations() -> None:
    result = emlib.fit(GaussianMixture(2, 2), ROWS, rng=0, max_iter=3)
    assert result.nit == 3
    assert result.stopped_by == "MAX_ITER"


def test_a_start_that_gives_some_fields() -> None:
    """The others are drawn as ever."""
    result = emlib.fit(GaussianMixture(2, 2), ROWS, start={"means": [[0, 0], [4, 4]]}, rng=0)
    assert result.start.means.tolist() == [[0, 0], [4, 4]]
    assert result.success
    with pytest.raises(TypeError, match="start: GaussianMixture has no field 'mean'; give some or all of weights, me"):
        emlib.fit(GaussianMixture(2, 2), ROWS, start={"mean": [[0, 0], [4, 4]]}, rng=0)


def test_criteria_of_new_data() -> None:
    model = GaussianMixture(2, 2)
    result = emlib.fit(model, ROWS, rng=0)
    assert model.aic(result, ROWS) == pytest.approx(result.aic, rel=tol.TWO_CODES)
    assert model.bic(result, ROWS) == pytest.approx(result.bic, rel=tol.TWO_CODES)
    fresh = ROWS[:10]
    scores = by_hand.normal_mixture(fresh, result.params.weights, result.params.means, result.params.covariances)
    assert model.bic(result, fresh) == pytest.approx(11 * np.log(10) - 2 * scores.sum(), rel=tol.TWO_CODES)


@pytest.mark.parametrize("kind", ["full", "tied", "diag", "spherical"])
def test_precisions(kind: str) -> None:
    model = GaussianMixture(2, 2, kind)
    params = emlib.fit(model, ROWS, rng=0).params
    found = model.precisions(params)
    needed = np.linalg.inv(params.covariances) if kind in ("full", "tied") else 1 / params.covariances
    np.testing.assert_allclose(found, needed, rtol=tol.TWO_CODES)


WIDE = rng.normal(size=(60, 2)) @ rng.normal(size=(2, 5)) + rng.normal(size=(60, 5))


def test_no_factor_is_independent_features() -> None:
    model = FactorAnalysis(5, 0)
    result = emlib.fit(model, WIDE, rng=0)
    needed = sum(norm(*norm.fit(column)).logpdf(column).sum() for column in WIDE.T)
    assert result.success
    assert result.loglik == pytest.approx(needed, abs=tol.SAME_OPTIMUM)
    assert model.n_parameters == 10
    assert model.transform(result.params, WIDE).shape == (60, 0)
    np.testing.assert_allclose(result.params.noise_variance, WIDE.var(axis=0), rtol=tol.SIX_DIGITS)


@pytest.mark.parametrize("algorithm", [None, EM()], ids=["default", "EM"])
@pytest.mark.parametrize("count", [5, 4, 3])
def test_as_many_factors_as_features_are_a_free_covariance(count: int, algorithm: Any) -> None:
    """Three factors already give a covariance of five features as many parameters as it has entries."""
    model = FactorAnalysis(5, count)
    result = emlib.fit(model, WIDE, rng=0, algorithm=algorithm)
    spread = np.cov(WIDE.T, ddof=0)
    assert result.success, result.message
    assert result.loglik == pytest.approx(multivariate_normal(WIDE.mean(axis=0), spread).logpdf(WIDE).sum(),
                                          abs=tol.SAME_OPTIMUM)
    assert model.n_parameters == 20


def test_more_factors_than_features_are_refused() -> None:
    for count in (6, -1, 1.5, True):
        with pytest.raises(ValueError, match=r"^n_factors: .*an integer from 0 to n_features=5"):
            FactorAnalysis(5, count)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"^n_factors: 5 found; fewer than"):
        PPCA(5, 5)


RATES = np.array([[1.0, 4, 2], [6, 4, 0.5]])
COUNTS = PoissonHMM(2, 3)


@pytest.mark.parametrize("compiled", [False, True])
def test_several_counts_a_step(compiled: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Independent given the state: densities multiply. EM is Baum and Welch's, one count after the other."""
    monkeypatch.setattr(dispatch, "CHAIN_COST", 0.0 if compiled else np.inf)
    params = COUNTS.params(initial=[0.5, 0.5], transition=MOVES, rates=RATES)
    rows = COUNTS.sample(params, [40, 55], np.random.default_rng(0))
    assert rows[0].shape == (40, 3)
    here = emlib.Problem(COUNTS, rows).expectation(params)
    densities = [np.prod([by_hand.poisson_mass(part[:, j], RATES[:, j]) for j in range(3)], axis=0) for part in rows]
    needed = sum(by_hand.forward([0.5, 0.5], MOVES, density) for density in densities)
    assert here.loglik == pytest.approx(needed, rel=tol.TWO_CODES)
    members = np.concatenate(COUNTS.posterior(params, rows))
    np.testing.assert_allclose(COUNTS.m_step(here.stats).rates,
                               members.T @ np.concatenate(rows) / members.sum(axis=0)[:, None], rtol=tol.TWO_CODES)


def test_a_fit_of_several_counts_a_step() -> None:
    params = COUNTS.params(initial=[0.5, 0.5], transition=MOVES, rates=RATES)
    rows = COUNTS.sample(params, [150, 150, 100], np.random.default_rng(0))
    for algorithm in (None, EM()):
        result = emlib.fit(COUNTS, rows, rng=0, algorithm=algorithm)
        assert result.success
        found = result.params.rates[result.params.rates[:, 0].argsort()]
        np.testing.assert_allclose(found, RATES, atol=1.0)
        assert result.loglik >= emlib.Problem(COUNTS, rows).expectation(params).loglik
    for wrong, message in ((np.ones((9, 2)), "2 columns found"), (-np.ones((9, 3)), r"entry \[0, 0\] is -1"),
                           (np.ones((9, 3)) * [1, 0, 2], "every count of column 1 is zero")):
        with pytest.raises(ValueError, match=message):
            emlib.fit(COUNTS, wrong, rng=0)


def test_samples_with_what_is_latent() -> None:
    """Labels, paths and factors come with the same units that are drawn without them."""
    design = rng.normal(size=(40, 2))
    cases: list[tuple[Any, Any, tuple[int, ...]]] = [
        (GaussianMixture(2, 2), emlib.fit(GaussianMixture(2, 2), ROWS, rng=0).params, (40,)),
        (PoissonMixture(2), PoissonMixture(2).params(weights=[0.5, 0.5], rates=[1, 90]), (40,)),
        (BernoulliMixture(2, 2), BernoulliMixture(2, 2).params(weights=[0.5, 0.5], probabilities=[[0, 0], [1, 1]]),
         (40,)),
        (COUNTS, COUNTS.params(initial=[0.5, 0.5], transition=MOVES, rates=RATES), (40,)),
        (CategoricalHMM(2, 2), CategoricalHMM(2, 2).params(initial=[0.5, 0.5], transition=MOVES, emission=np.eye(2)),
         (40,)),
        (FactorAnalysis(5, 2), emlib.fit(FactorAnalysis(5, 2), WIDE, rng=0).params, (40, 2))]
    for model, params, shape in cases:
        units, latent = model.sample(params, 40, np.random.default_rng(3), with_latent=True)
        assert latent.shape == shape
        np.testing.assert_array_equal(units, model.sample(params, 40, np.random.default_rng(3)))
        if isinstance(model, CategoricalHMM):
            np.testing.assert_array_equal(units, latent)  # each state has a symbol of its own
        if isinstance(model, BernoulliMixture):
            np.testing.assert_array_equal(units[:, 0], latent)
    model, lengths = cases[3][0], [5, 9]
    parts, paths = model.sample(cases[3][1], lengths, np.random.default_rng(3), with_latent=True)
    assert [len(part) for part in parts] == [len(path) for path in paths] == lengths
    lines = RegressionMixture(2, 2)
    given = lines.params(weights=[0.5, 0.5], coefficients=[[0, 9], [0, -9]], noise_variance=[1e-6, 1e-6])
    (_, response), labels = lines.sample(given, 40, np.random.default_rng(3), design, with_latent=True)
    np.testing.assert_array_equal(np.sign(response * design[:, 1]), 1 - 2 * labels)


@pytest.mark.parametrize("unit", [1.0, 1e-6, 1e9])
def test_starts_around_a_start(unit: float) -> None:
    """The further starts lie near the given one, in any units; zeros of a start stay zeros."""
    start = {"weights": [0.5, 0.5], "means": unit * np.array([[0, 1], [3, 3]]),
             "covariances": unit**2 * np.array([np.eye(2)] * 2)}
    seen: list[Any] = []
    result = emlib.fit(GaussianMixture(2, 2), unit * ROWS, start=start, n_starts=4, around=0.3, rng=0, max_iter=1,
                       callback=lambda intermediate_result: seen.append(intermediate_result.start))
    firsts = {id(one): one for one in seen}.values()
    assert len(firsts) == 4
    moves = np.array([np.abs(one.means / unit - [[0, 1], [3, 3]]).max() for one in firsts])
    assert moves.min() == 0
    assert (np.sort(moves)[1:] > 0.01).all()
    assert moves.max() < 3
    assert result.start is not None


def test_zeros_of_a_start_stay_around_it() -> None:
    chains = [np.array([0, 0, 1, 1, 2]), np.array([0, 1, 1, 2, 2])] * 4
    start = {"initial": [1, 0], "transition": [[0.9, 0.1], [0, 1]], "emission": [[0.5, 0.3, 0.2], [0.2, 0.3, 0.5]]}
    result = emlib.fit(CategoricalHMM(2, 3), chains, start=start, n_starts=3, around=0.5, rng=0)
    assert result.success
    assert result.params.transition[1].tolist() == [0, 1]


@pytest.mark.parametrize("options", [{"around": 0.3}, {"around": -1.0, "n_starts": 3}, {"around": "far"},
                                     {"around": 0.3, "n_starts": 3}])
def test_around_what(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"^around: "):
        emlib.fit(GaussianMixture(2, 2), ROWS, **options)


def test_many_counts_a_step_from_a_start_with_zeros() -> None:
    """jmschrei/pomegranate#120: 27 counts a step and a chain that only goes forward; nothing becomes not-a-number."""
    model, draws = PoissonHMM(3, 27), np.random.default_rng(4)
    rates = draws.uniform(0.2, 8, (3, 27))
    forward = [[0.9, 0.1, 0], [0, 0.9, 0.1], [0, 0, 1]]
    params = model.params(initial=[1, 0, 0], transition=forward, rates=rates)
    rows = model.sample(params, [30, 40, 35], draws)
    start = {"initial": [1, 0, 0], "transition": forward, "rates": rates * draws.uniform(0.7, 1.4, rates.shape)}
    result = emlib.fit(model, rows, start=start, max_estep=300)
    assert np.isfinite(result.loglik)
    assert result.loglik >= model.loglik(params, rows)
    assert (result.params.transition[np.array(forward) == 0] == 0).all()
