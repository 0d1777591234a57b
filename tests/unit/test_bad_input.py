"""Data, parameters and settings without a meaning: each error names the argument, what was found and the remedy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import emlib
from emlib.models import (
    FactorAnalysis,
    GaussianHMM,
    GaussianMixture,
    GaussianWithMissing,
    LinearDynamicalSystem,
    Linkage,
    PoissonMixture,
    RegressionMixture,
    StudentT,
    SymmetricMixture,
)

ROWS = np.random.default_rng(0).standard_normal((30, 2))
COUNTS = np.array([0, 1, 2, 3, 4, 5, 2, 1])
LINKAGE = [125, 18, 20, 34]


def changed(value: Any, index: Any, entry: Any) -> Any:
    array = np.array(value, dtype=float)
    array[index] = entry
    return array


def gaussian(**settings: Any) -> GaussianMixture:
    return GaussianMixture(**{"n_components": 2, "n_features": 2, **settings})


DATA = [
    (gaussian(), ROWS[:, 0], None, r"data: shape \(30,\) found, \(n, 2\) needed"),
    (gaussian(), ROWS[None], None, r"data: shape \(1, 30, 2\) found, \(n, 2\) needed"),
    (gaussian(), ROWS[:, :1], None,
     r"data: 1 column found, the model has n_features=2; give rows of 2 columns, or a model with n_features=1$"),
    (SymmetricMixture(1), ROWS, None, r"data: 2 columns found, the model has n_features=1; give rows of 1 column, or"),
    (gaussian(), changed(ROWS, (4, 1), np.nan), None, r"data: entry \[4, 1\] is nan; remove or impute it"),
    (gaussian(), changed(ROWS, (5, 0), np.inf), None, r"data: entry \[5, 0\] is inf; remove or impute it"),
    (gaussian(), changed(ROWS, (5, 0), -np.inf), None, r"data: entry \[5, 0\] is -inf"),
    (gaussian(), np.empty((0, 2)), None, r"data: empty, shape \(0, 2\); at least one unit is needed"),
    (gaussian(), [], None, r"data: empty, shape \(0,\); at least one unit"),
    (gaussian(n_components=5), ROWS[:4], None, r"data: 4 units found, fewer than the 5 components; give more data"),
    (gaussian(n_components=1), ROWS[:1], None,
     r"data: 1 unit found, fewer than the 2 rows that a covariance needs; give more rows"),
    (gaussian(), changed(ROWS, (slice(None), 1), 3.0), None, r"data: column 1 is constant; .* drop it"),
    (gaussian(), changed(ROWS, (slice(None), 1), 2 * ROWS[:, 0] - 1), None,
     r"data: the columns are linearly dependent .*; drop a column"),
    (gaussian(covariance_type="tied"), changed(ROWS, (slice(None), 1), 2 * ROWS[:, 0]), None,
     r"linearly dependent .*use covariance_type='diag'"),
    (gaussian(), [["a", "b"]], None, r"data: cannot be read as numbers .*; give an array of floats"),
    (gaussian(), np.array([["1", "2"], ["3", "4"]]), None, r"data: cannot be read as numbers \(text"),
    (gaussian(), [[object(), 1]], None, r"data: cannot be read as numbers"),
    (gaussian(), {"a": 1}, None, r"data: cannot be read as numbers"),
    (gaussian(), [[1, 2], [3]], None, r"data: cannot be read as numbers"),
    (gaussian(), ROWS + 1j, None, r"data: cannot be read as numbers \(complex"),
    (gaussian(), None, None, r"data: "),
    (gaussian(), ROWS, np.ones(29), r"sample_weight: shape \(29,\) found, \(30,\) needed, one weight per unit"),
    (gaussian(), ROWS, np.ones((30, 1)), r"sample_weight: shape \(30, 1\) found, \(30,\) needed"),
    (gaussian(), ROWS, changed(np.ones(30), 7, -1), r"sample_weight: entry \[7\] is -1; weights cannot be negative"),
    (gaussian(), ROWS, np.zeros(30), r"sample_weight: all weights are zero; nothing was observed"),
    (gaussian(), ROWS, changed(np.ones(30), 7, np.nan), r"sample_weight: entry \[7\] is nan"),
    (gaussian(), ROWS, ["a"] * 30, r"sample_weight: cannot be read as numbers"),
    (gaussian(n_components=3), ROWS, changed(np.zeros(30), slice(2), 1.0), r"data: 2 units found, fewer than the 3"),
    (PoissonMixture(2), COUNTS[:, None], None, r"data: shape \(8, 1\) found, a flat array of counts \(n,\) needed"),
    (PoissonMixture(2), changed(COUNTS, 3, 1.5), None, r"data: entry \[3\] is 1.5; counts are whole numbers"),
    (PoissonMixture(2), changed(COUNTS, 3, -1), None, r"data: entry \[3\] is -1; counts cannot be negative"),
    (PoissonMixture(2), changed(COUNTS, 3, np.nan), None, r"data: entry \[3\] is nan; remove or impute it"),
    (PoissonMixture(3), COUNTS[:2], None, r"data: 2 units found, fewer than the 3 components"),
    (PoissonMixture(2), np.zeros(5), None, r"data: every count is zero; the rates have no interior estimate"),
    (PoissonMixture(2), [], None, r"data: empty"),
    (PoissonMixture(2), ["x", "y"], None, r"data: cannot be read as numbers"),
    (Linkage(), LINKAGE[:3], None, r"data: shape \(3,\) found; linkage data are four counts, shape \(4,\)"),
    (Linkage(), [0, 0, 0, 0], None, r"data: all four counts are zero; nothing was observed"),
    (Linkage(), [125, 18, 20, -34], None, r"data: entry \[3\] is -34; counts cannot be negative"),
    (Linkage(), [125, 18, 20.5, 34], None, r"data: entry \[2\] is 20.5; counts are whole numbers"),
    (SymmetricMixture(2), ROWS[:, :1], None, r"data: 1 column found, the model has n_features=2"),
    (SymmetricMixture(2), changed(ROWS, (0, 0), np.nan), None, r"data: entry \[0, 0\] is nan"),
]


@pytest.mark.parametrize(("model", "raw", "weight", "text"), DATA)
def test_bad_data_are_refused(model: Any, raw: Any, weight: Any, text: str) -> None:
    """By `as_data`, by `fit` and by `Problem`, with the same words."""
    for call in (lambda: model.as_data(raw, weight), lambda: emlib.fit(model, raw, sample_weight=weight, rng=0),
                 lambda: emlib.Problem(model, raw, sample_weight=weight)):
        with pytest.raises(ValueError, match=text):
            call()


GOOD = {"weights": [0.5, 0.5], "means": [[0.0, 0.0], [1.0, 1.0]], "covariances": [np.eye(2)] * 2}
PARAMS = [
    ({"weights": [0.5, 0.6]}, r"weights: the row adds up to 1.1, not to 1; divide by the sum"),
    ({"weights": [1.5, -0.5]}, r"weights: entry \[1\] is -0.5; probabilities cannot be negative"),
    ({"weights": [1.0]}, r"weights: shape \(1,\) found, \(2,\) needed"),
    ({"weights": ["a", "b"]}, r"weights: cannot be read as numbers"),
    ({"means": [[0.0, np.nan], [1.0, 1.0]]}, r"means: entry \[0, 1\] is nan; parameters must be finite"),
    ({"means": np.zeros((3, 2))}, r"means: shape \(3, 2\) found, \(2, 2\) needed"),
    ({"covariances": [np.eye(2), -np.eye(2)]}, r"covariances: matrix 1 is not positive definite \(smallest .* -1\)"),
    ({"covariances": [np.eye(2), [[1, 0.5], [0, 1]]]}, r"covariances: matrix 1 is not symmetric; give"),
    ({"covariances": np.ones((2, 2))}, r"covariances: shape \(2, 2\) found, \(2, 2, 2\) needed"),
]


@pytest.mark.parametrize(("fields", "text"), PARAMS)
def test_bad_parameters_are_refused(fields: dict[str, Any], text: str) -> None:
    model = gaussian()
    for call in (lambda: model.params(**{**GOOD, **fields}),
                 lambda: emlib.fit(model, ROWS, start={**GOOD, **fields}, rng=0)):
        with pytest.raises(ValueError, match=text):
            call()


SIZES = {1e-200: "small .*underflows", 1e-100: "small .*underflows", 1e100: "large .*overflows",
         1e200: "large .*overflows"}


@pytest.mark.parametrize("model", [gaussian(), gaussian(covariance_type="diag"), StudentT(2, 4.0), GaussianHMM(2, 2),
                                   GaussianWithMissing(2), FactorAnalysis(2, 1), LinearDynamicalSystem(1, 2)], ids=repr)
@pytest.mark.parametrize("size", SIZES)
def test_units_in_which_a_variance_is_lost_are_refused(model: Any, size: float) -> None:
    """They vary: it is not said that they are constant, or that the model's own arrays have infinite entries."""
    other = ROWS * [1.0, size]
    with pytest.raises(ValueError, match=f"^data: column 1 has numbers so {SIZES[size]}; give it in other units"):
        emlib.fit(model, other, rng=0)
    with pytest.raises(ValueError, match="column 1 is constant"):
        emlib.fit(model, changed(ROWS, (slice(None), 1), 3.0), rng=0)
    assert np.isfinite(emlib.fit(model, ROWS * [1.0, size**0.1], rng=0, max_estep=5).loglik)


@pytest.mark.parametrize("size", SIZES)
def test_regressions_in_such_units_are_refused(size: float) -> None:
    model, response = RegressionMixture(2, 2), np.abs(ROWS[:, 0]) + ROWS[:, 1] ** 2
    with pytest.raises(ValueError, match=f"^X: column 0 has numbers so {SIZES[size]}; give it in other units"):
        emlib.fit(model, (ROWS * [size, 1.0], response), rng=0)
    with pytest.raises(ValueError, match=f"^y: the response has numbers so {SIZES[size]}; give it in other units"):
        emlib.fit(model, (ROWS, response * size), rng=0)


def test_an_unknown_field_of_a_start_is_named() -> None:
    """Beside those that there are, any of which may be left out."""
    for given in ({"rate": [1.0, 2.0]}, {"weights": [0.5, 0.5], "rates": [1.0, 2.0], "rate": 1.0}):
        with pytest.raises(TypeError, match=r"^start: PoissonMixture has no field 'rate'; give .* of weights, rates$"):
            emlib.fit(PoissonMixture(2), COUNTS, start=given, rng=0)
    assert emlib.fit(PoissonMixture(2), COUNTS, start={"rates": [1.0, 4.0]}, rng=0).success


def test_missing_and_unknown_fields_are_refused() -> None:
    model = gaussian()
    with pytest.raises(TypeError, match=r"expected the fields \['weights', 'means', 'covariances'\], got \['means'\]"):
        model.params(means=GOOD["means"])
    with pytest.raises(TypeError, match=r"got \['covariances', 'means', 'rates', 'weights'\]"):
        model.params(**GOOD, rates=[1.0])
    with pytest.raises(TypeError, match=r"start: tuple found; give model.params\(weights, means, covariances\)"):
        emlib.fit(model, ROWS, start=(1, 2), rng=0)


SETTINGS = [
    (lambda: GaussianMixture(0, 2), r"n_components: 0 found; a positive integer is needed"),
    (lambda: GaussianMixture(2.0, 2), r"n_components: 2.0 found"),
    (lambda: GaussianMixture(True, 2), r"n_components: True found"),
    (lambda: GaussianMixture(2, -1), r"n_features: -1 found"),
    (lambda: GaussianMixture(2, 2, "round"), r"covariance_type: 'round' is unknown; choose one of \('full', 'tied'"),
    (lambda: PoissonMixture("2"), r"n_components: '2' found"),
    (lambda: SymmetricMixture(2, -1.0), r"variance: -1.0 found; a known variance is positive"),
    (lambda: SymmetricMixture(2, (1.0,)), r"variance: shape \(1,\) found; give one number, or one for each of the 2"),
]


@pytest.mark.parametrize(("make", "text"), SETTINGS)
def test_bad_settings_are_refused(make: Any, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        make()


def test_weights_are_given_once() -> None:
    data = gaussian().as_data(ROWS, np.ones(30))
    with pytest.raises(ValueError, match="sample_weight: the data already carry their weights; give the weights once"):
        emlib.fit(gaussian(), data, sample_weight=np.ones(30), rng=0)


def test_fewer_distinct_rows_than_components_are_named() -> None:
    rows = np.repeat([[0.0, 1.0], [2.0, 0.0], [1.0, 3.0]], 5, axis=0)
    with pytest.raises(ValueError, match="data: only 3 distinct rows found, fewer than the 4 components"):
        emlib.fit(gaussian(n_components=4), rows, rng=0)


@pytest.mark.parametrize("size", [0, -3])
def test_a_chunk_holds_a_unit(size: int) -> None:
    with pytest.raises(ValueError, match=f"size: {size} found; a chunk holds at least one unit"):
        list(gaussian().as_data(ROWS).chunks(size))


def test_good_input_of_other_kinds_is_read() -> None:
    """The control: lists, whole numbers and a flat column are data, too."""
    assert len(gaussian().as_data(ROWS.tolist())) == 30
    assert len(GaussianMixture(2, 1).as_data([1, 2, 4, 8])) == 4
    assert gaussian().params(**GOOD).weights.sum() == 1
    assert PoissonMixture(2).as_data(COUNTS.astype(np.uint8)).n_units == 8
