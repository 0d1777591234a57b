"""New data, few or flat: what is asked of training data is not asked of data that parameters are applied to."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.special import logsumexp
from scipy.stats import bernoulli, multivariate_normal, multivariate_t, poisson

import emlib
from emlib.models import (
    PPCA,
    BernoulliMixture,
    CategoricalHMM,
    FactorAnalysis,
    GaussianHMM,
    GaussianMixture,
    GaussianWithMissing,
    LinearDynamicalSystem,
    PoissonHMM,
    PoissonMixture,
    StudentT,
)
from tests import tolerances as tol
from tests.reports import by_hand

EYES = [np.eye(2), 2 * np.eye(2)]
NORMALS = GaussianMixture(2, 2).params(weights=[0.3, 0.7], means=[[0, 0], [3, 1]], covariances=EYES)
MOVES = [[0.9, 0.1], [0.2, 0.8]]


@pytest.mark.parametrize("rows", [[[0.5, 1.0]], [[1.0, 1.0]] * 3, [[1.0, 2.0], [2.0, 4.0]]],
                         ids=["one row", "equal rows", "rows on a line"])
def test_a_normal_mixture_scores_any_rows(rows: Any) -> None:
    model, needed = GaussianMixture(2, 2), by_hand.normal_mixture(np.array(rows), [0.3, 0.7], NORMALS.means, EYES)
    np.testing.assert_allclose(model.score_samples(NORMALS, rows), needed, rtol=tol.TWO_CODES)
    assert model.loglik(NORMALS, rows) == pytest.approx(needed.sum(), rel=tol.TWO_CODES)
    assert model.posterior(NORMALS, rows).shape == (len(rows), 2)
    assert model.predict(NORMALS, rows).shape == (len(rows),)


def test_weights_count_in_the_total() -> None:
    rows, weights = [[0.5, 1.0], [2.0, 0.0]], [3.0, 0.0]
    model = GaussianMixture(2, 2)
    scores = model.score_samples(NORMALS, rows)
    assert model.loglik(NORMALS, rows, sample_weight=weights) == pytest.approx(3 * scores[0], rel=tol.TWO_CODES)


def test_a_penalty_is_no_part_of_a_score() -> None:
    plain, penalised = (GaussianMixture(2, 2, penalty=m).score_samples(NORMALS, [[0.5, 1.0]]) for m in (None, 0.1))
    np.testing.assert_array_equal(plain, penalised)


def test_counts_that_are_all_zero() -> None:
    model = PoissonMixture(2)
    params = model.params(weights=[0.4, 0.6], rates=[1.0, 3.0])
    needed = np.log(0.4 * poisson(1.0).pmf(0) + 0.6 * poisson(3.0).pmf(0))
    np.testing.assert_allclose(model.score_samples(params, [0, 0]), [needed, needed], rtol=tol.TWO_CODES)
    assert model.loglik(params, [0]) == pytest.approx(needed, rel=tol.TWO_CODES)


@pytest.mark.parametrize("counts", [[0], [0, 0, 0], [5]])
def test_chains_of_counts(counts: list[int]) -> None:
    model = PoissonHMM(2)
    params = model.params(initial=[0.5, 0.5], transition=MOVES, rates=[1.0, 6.0])
    needed, states = by_hand.over_paths([0.5, 0.5], MOVES, by_hand.poisson_mass(counts, [1.0, 6.0]))
    assert model.loglik(params, counts) == pytest.approx(needed, rel=tol.TWO_CODES)
    np.testing.assert_allclose(model.posterior(params, counts), states, rtol=tol.TWO_CODES)
    scores = model.score_samples(params, [np.array(counts)] * 2)
    np.testing.assert_allclose(scores, [needed, needed], rtol=tol.TWO_CODES)


def test_chains_of_symbols_and_normals() -> None:
    symbols, normals = CategoricalHMM(2, 3), GaussianHMM(2, 1)
    emission = np.array([[0.5, 0.3, 0.2], [0.1, 0.1, 0.8]])
    params = symbols.params(initial=[0.5, 0.5], transition=MOVES, emission=emission)
    assert symbols.loglik(params, [2]) == pytest.approx(np.log(0.5 * 0.2 + 0.5 * 0.8), rel=tol.TWO_CODES)
    params = normals.params(initial=[0.5, 0.5], transition=MOVES, means=[[0], [3]], covariances=[[[1]], [[1]]])
    density = np.array([[multivariate_normal(m, 1).pdf(2.0) for m in (0, 3)]] * 2)
    needed, _ = by_hand.over_paths([0.5, 0.5], MOVES, density)
    assert normals.loglik(params, [2.0, 2.0]) == pytest.approx(needed, rel=tol.TWO_CODES)


def test_one_vector_of_bits() -> None:
    model = BernoulliMixture(2, 3)
    probabilities = np.array([[0.1, 0.5, 0.9], [0.8, 0.4, 0.2]])
    params = model.params(weights=[0.5, 0.5], probabilities=probabilities)
    row = np.array([[1, 1, 1]])
    needed = logsumexp(bernoulli(probabilities).logpmf(row).sum(axis=1) + np.log(0.5))
    np.testing.assert_allclose(model.score_samples(params, row), [needed], rtol=tol.TWO_CODES)


@pytest.mark.parametrize("kind", [FactorAnalysis, PPCA])
def test_one_row_of_a_factor_model(kind: Any) -> None:
    model = kind(3, 1)
    noise = 0.5 if kind is PPCA else [0.5, 0.4, 0.3]
    params = model.params(mean=[0, 1, 2], loadings=[[1.0], [0.5], [2.0]], noise_variance=noise)
    needed = multivariate_normal([0, 1, 2], model.covariance(params)).logpdf([0.3, 0.2, 0.1])
    np.testing.assert_allclose(model.score_samples(params, [[0.3, 0.2, 0.1]]), [needed], rtol=tol.TWO_CODES)


def test_one_row_of_a_student_distribution() -> None:
    model = StudentT(2, dof=4.0)
    params = model.params(location=[0, 1], scale=np.eye(2))
    needed = multivariate_t([0, 1], np.eye(2), df=4).logpdf([0.5, 0.5])
    assert model.loglik(params, [[0.5, 0.5]]) == pytest.approx(needed, rel=tol.TWO_CODES)


def test_one_row_with_a_missing_entry() -> None:
    model = GaussianWithMissing(2)
    params = model.params(mean=[1, 2], covariance=[[2, 1], [1, 2]])
    needed = multivariate_normal(1, 2).logpdf(0.5)
    assert model.loglik(params, [[0.5, np.nan]]) == pytest.approx(needed, rel=tol.TWO_CODES)


def test_a_single_step_of_a_linear_system() -> None:
    model = LinearDynamicalSystem(1, 1)
    params = model.params(initial_mean=[1], initial_covariance=[[2]], transition=[[0.5]],
                          transition_covariance=[[1]], observation=[[3]], observation_covariance=[[4]])
    needed = multivariate_normal(3, 9 * 2 + 4).logpdf(2.0)
    assert model.loglik(params, [2.0]) == pytest.approx(needed, rel=tol.TWO_CODES)
    assert model.loglik(params, [[2.0], [2.0]]) != pytest.approx(2 * needed), "two steps of one sequence"


def test_training_still_asks_for_enough() -> None:
    with pytest.raises(ValueError, match="fewer than the 2"):
        emlib.fit(GaussianMixture(2, 2), [[0.5, 1.0]], rng=0)
