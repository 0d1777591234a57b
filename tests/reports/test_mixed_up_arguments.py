"""Arguments in the wrong place or of the wrong kind: what is unambiguous is taken, the rest is refused by name."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.sparse

import emlib
from emlib.models import (
    FactorAnalysis,
    GaussianHMM,
    GaussianMixture,
    GaussianWithMissing,
    PoissonHMM,
    PoissonMixture,
)

MOVES = [[0.9, 0.1], [0.1, 0.9]]
ROWS = np.random.default_rng(0).normal(size=(30, 2)) + np.repeat([[0.0, 0], [3, 3]], 15, axis=0)
CHAIN_PARAMS = GaussianHMM(2, 1).params(initial=[0.5, 0.5], transition=MOVES, means=[[0], [3]],
                                        covariances=[[[1.0]], [[1.0]]])


# Parameters of another model, or in another wrapping


@pytest.mark.parametrize("kind", ["full", "tied", "diag", "spherical"])
def test_parameters_of_fewer_features_do_not_spread(kind: str) -> None:
    noise = {"full": np.ones((2, 1, 1)), "tied": np.ones((1, 1)), "diag": np.ones((2, 1)), "spherical": np.ones(2)}
    narrow = GaussianMixture(2, 1, kind).params(weights=[0.5, 0.5], means=[[0], [1]], covariances=noise[kind])
    wide = GaussianMixture(2, 2, kind)
    for method in (wide.posterior, wide.predict, wide.score_samples):
        with pytest.raises(ValueError, match=r"^params: means has shape \(2, 1\), the model needs \(2, 2\)"):
            method(narrow, ROWS)


def test_nor_in_chains_and_factor_models() -> None:
    with pytest.raises(ValueError, match=r"^params: means has shape \(2, 1\), the model needs \(2, 2\)"):
        GaussianHMM(2, 2).predict(CHAIN_PARAMS, ROWS)
    narrow = FactorAnalysis(2, 1).params(mean=[0, 0], loadings=[[1], [1]], noise_variance=[1, 1])
    with pytest.raises(ValueError, match=r"^params: mean has shape \(2,\), the model needs \(3,\)"):
        FactorAnalysis(3, 1).transform(narrow, np.ones((2, 3)))


def test_parameters_of_another_number_of_components() -> None:
    two = GaussianMixture(2, 2).params(weights=[0.5, 0.5], means=[[0, 0], [1, 1]], covariances=[np.eye(2)] * 2)
    with pytest.raises(ValueError, match=r"^params: weights has shape \(2,\), the model needs \(3,\)"):
        GaussianMixture(3, 2).posterior(two, ROWS)


def test_a_result_stands_for_its_parameters() -> None:
    model = GaussianMixture(2, 2)
    result = emlib.fit(model, ROWS, rng=0)
    np.testing.assert_array_equal(model.posterior(result, ROWS), model.posterior(result.params, ROWS))
    again = emlib.fit(model, ROWS, start=result)
    assert again.loglik == emlib.fit(model, ROWS, start=result.params).loglik
    found = [emlib.diagnostics.information(model, ROWS, given).rate for given in (result, result.params)]
    assert found[0] == found[1]
    chain = emlib.fit(PoissonHMM(2), [0, 1, 0, 9, 8, 9, 0, 1, 0, 9, 9], rng=0)
    np.testing.assert_array_equal(chain.model.viterbi(chain, [0, 9])[0], chain.model.viterbi(chain.params, [0, 9])[0])


def test_a_mapping_of_fields_stands_for_parameters() -> None:
    model, fields = GaussianMixture(2, 2), {"weights": [0.5, 0.5], "means": [[0, 0], [3, 3]]}
    fields["covariances"] = [np.eye(2)] * 2
    np.testing.assert_array_equal(model.posterior(fields, ROWS), model.posterior(model.params(**fields), ROWS))
    with pytest.raises(ValueError, match=r"weights: .*adds up to 1\.1"):
        model.posterior(fields | {"weights": [0.5, 0.6]}, ROWS)


@pytest.mark.parametrize("wrong", [None, 3, ROWS, "params", GaussianMixture(2, 2)],
                         ids=["None", "number", "array", "text", "model"])
def test_what_is_no_parameters_is_refused_by_name(wrong: Any) -> None:
    with pytest.raises(TypeError, match=r"^params: \w+ found; give model\.params\(weights, means, covariances\)"):
        GaussianMixture(2, 2).posterior(wrong, ROWS)


def test_parameters_of_another_model_are_refused_by_name() -> None:
    foreign = GaussianWithMissing(2).params(mean=[0, 0], covariance=np.eye(2))
    with pytest.raises(TypeError, match=r"^params: GaussianWithMissingParams found; give model\.params\(weights, rat"):
        PoissonMixture(2).posterior(foreign, [1, 2])


def test_parameters_and_data_in_each_other_s_place() -> None:
    model = GaussianMixture(2, 2)
    params = model.params(weights=[0.5, 0.5], means=[[0, 0], [3, 3]], covariances=[np.eye(2)] * 2)
    with pytest.raises(TypeError, match=r"^params: ndarray found"):
        model.posterior(ROWS, params)


# Arguments of fit


@pytest.mark.parametrize("call", [lambda: emlib.fit(ROWS, GaussianMixture(2, 2)),
                                  lambda: emlib.fit(GaussianMixture, ROWS),
                                  lambda: emlib.Problem(ROWS, GaussianMixture(2, 2)),
                                  lambda: emlib.fit("GaussianMixture", ROWS)],
                         ids=["swapped", "class", "swapped in Problem", "text"])
def test_what_is_no_model_is_refused_by_name(call: Any) -> None:
    with pytest.raises(TypeError, match=r"^model: .* found; give a model with its settings.*first"):
        call()


@pytest.mark.parametrize("seed", [-1, "a", 1.5, True, [1, -2]])
def test_a_seed_that_is_none_is_refused_by_name(seed: Any) -> None:
    with pytest.raises((TypeError, ValueError), match=r"^rng: .* found; "):
        emlib.fit(GaussianMixture(2, 2), ROWS, rng=seed)


@pytest.mark.parametrize("seed", [0, np.int64(3), np.random.default_rng(0), [1, 2], np.random.SeedSequence(1)])
def test_seeds_of_all_kinds(seed: Any) -> None:
    assert emlib.fit(GaussianMixture(2, 2, "tied"), ROWS, rng=seed).success


def test_a_legacy_generator_is_refused_by_name() -> None:
    with pytest.raises(TypeError, match=r"^rng: RandomState found; .*default_rng"):
        emlib.fit(GaussianMixture(2, 2), ROWS, rng=np.random.RandomState(0))


@pytest.mark.parametrize("make", [scipy.sparse.csr_matrix, scipy.sparse.csr_array, scipy.sparse.coo_array])
def test_sparse_matrices_are_refused_with_a_remedy(make: Any) -> None:
    with pytest.raises(ValueError, match=r"^data: .*sparse.*toarray\(\)"):
        emlib.fit(GaussianMixture(2, 2), make(ROWS), rng=0)
    with pytest.raises(ValueError, match=r"^data: .*sparse.*toarray\(\)"):
        emlib.fit(GaussianHMM(2, 2), make(ROWS), rng=0)
