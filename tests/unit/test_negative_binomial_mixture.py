"""The negative binomial mixture: its distribution, recovered parameters, and the Poisson limit."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.stats import nbinom, poisson

import emlib
from emlib.algorithms import EM
from emlib.families import negative_binomial
from emlib.models import NegativeBinomialMixture, PoissonMixture
from tests.tolerances import CONTROL, IDENTITY, SAME_OPTIMUM, SIX_DIGITS, TWO_CODES

MODEL = NegativeBinomialMixture(2)
TRUTH = MODEL.params(weights=[0.4, 0.6], means=[3.0, 40.0], dispersion=[0.5, 0.1])
EVEN = np.random.default_rng(0).binomial(20, 0.5, 400)  # counts that vary less than Poisson ones


def table(mean: float, alpha: float, length: int) -> np.ndarray:
    return negative_binomial.log_mass(np.array([mean]), np.array([alpha]), length)[0]


@pytest.mark.parametrize(("mean", "alpha"), [(3.0, 0.5), (40.0, 0.01), (0.2, 30.0)])
def test_masses_are_those_of_scipy(mean: float, alpha: float) -> None:
    expected = nbinom(1 / alpha, 1 / (1 + alpha * mean)).logpmf(np.arange(80))
    assert np.abs(table(mean, alpha, 80) - expected).max() < TWO_CODES
    assert np.abs(table(mean, 1.01 * alpha, 80) - expected).max() > CONTROL


def test_masses_go_over_into_poisson_ones_without_cancellation() -> None:
    expected = poisson(7.0).logpmf(np.arange(40))
    gaps = [np.abs(table(7.0, alpha, 40) - expected).max() for alpha in (1e-4, 1e-8, 1e-14)]
    assert gaps[0] > CONTROL > gaps[1] > gaps[2]
    assert gaps[2] < 40 * IDENTITY


def test_the_dispersion_of_an_m_step_is_the_best() -> None:
    counts = np.bincount(MODEL.sample(TRUTH, 500, np.random.default_rng(1)).astype(int)).astype(float)
    found = negative_binomial.NegativeBinomial().argmax(counts[None])
    mean = float(counts @ np.arange(len(counts)) / counts.sum())
    best = minimize_scalar(lambda a: -counts @ table(mean, np.exp(a), len(counts)), (-3.0, 1.0), tol=1e-10)
    assert found["means"][0] == pytest.approx(mean)
    assert abs(found["dispersion"][0] / np.exp(best.x) - 1) < 10 * SIX_DIGITS
    family, params = negative_binomial.NegativeBinomial(), SimpleNamespace(**found)
    assert abs(family.q_gradient(params, counts[None])["dispersion"][0]) < TWO_CODES * counts.sum()


def test_parameters_are_recovered() -> None:
    rows = MODEL.sample(TRUTH, 20_000, np.random.default_rng(2))
    found = emlib.fit(MODEL, rows, rng=0).params
    order = np.argsort(found.means)
    for name in ("weights", "means", "dispersion"):
        value, true = getattr(found, name)[order], getattr(TRUTH, name)
        assert np.abs(value / true - 1).max() < 0.1, name


def test_counts_that_vary_too_little_end_at_the_poisson_distribution() -> None:
    result = emlib.fit(NegativeBinomialMixture(1), EVEN, rng=0, algorithm=EM())
    assert result.success
    assert abs(result.loglik - emlib.fit(PoissonMixture(1), EVEN, rng=0).loglik) < SAME_OPTIMUM
    assert 0 < result.params.dispersion[0] * result.params.means[0] < 2 * negative_binomial.LEAST


def test_a_held_dispersion_leaves_the_means_free_and_held_means_are_refused() -> None:
    rows = MODEL.sample(TRUTH, 300, np.random.default_rng(3))
    held = NegativeBinomialMixture(2, fixed={"dispersion": [0.5, 0.1]})
    found = emlib.fit(held, rows, rng=0)
    assert found.success
    assert found.params.dispersion.tolist() == [0.5, 0.1]
    with pytest.raises(ValueError, match=r"fixed: \['means'\] given, but \['means', 'dispersion'\] are estimated"):
        emlib.fit(NegativeBinomialMixture(2, fixed={"means": [3.0, 40.0]}), rows, rng=0, algorithm=EM())


@pytest.mark.parametrize(("raw", "text"), [
    ([0, 0, 0], "data: every count is zero; the rates have no interior estimate"),
    ([3], "data: 1 unit found, fewer than the 2 components"),
    ([1, 2.5], r"data: entry \[1\] is 2\.5; counts are whole numbers"),
])
def test_bad_data_are_refused(raw: list[float], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        MODEL.as_data(raw)


def test_equal_components_are_told_apart() -> None:
    alike = MODEL.params(weights=[0.5, 0.5], means=[5.0, 5.0], dispersion=[1.0, 1.0])
    moved, text = MODEL.separate(alike, MODEL.as_data(EVEN), np.random.default_rng(0)) or pytest.fail("left alone")
    assert text == "components 0 and 1 started equal"
    assert moved.means[0] != moved.means[1]
    assert MODEL.separate(TRUTH, MODEL.as_data(EVEN), np.random.default_rng(0)) is None
