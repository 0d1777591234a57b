"""The table that a fit leaves: right numbers, right words, nothing that was not earned."""

from __future__ import annotations

import sys
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import emlib
from emlib import datasets
from emlib import diagnostics as dx
from emlib.algorithms import EM
from emlib.models import GaussianMixture, PoissonMixture
from emlib.result import Result

VALUES, DAYS = datasets.hasselblad()
FOUND = emlib.fit(PoissonMixture(2), VALUES, sample_weight=DAYS, rng=0)
ROWS = np.random.default_rng(4).standard_normal((40, 2)) + np.repeat([[0.0, 0.0], [4.0, 1.0]], 20, axis=0)


def line(result: Result, start: str) -> str:
    """The one line of the printed summary that starts like this."""
    return next(text for text in str(result.summary()).splitlines() if text.startswith(start))


def test_criteria_and_counts() -> None:
    assert FOUND.n_parameters == 3
    assert FOUND.aic == pytest.approx(2 * 3 - 2 * FOUND.loglik)
    assert FOUND.bic == pytest.approx(3 * np.log(1096) - 2 * FOUND.loglik)  # 1096 days, not ten kinds of days
    assert emlib.fit(PoissonMixture(1), VALUES, sample_weight=DAYS, rng=0).aic > FOUND.aic


def test_invariant_directions_are_no_parameters() -> None:
    class Turned(PoissonMixture):
        n_invariant = 1

    assert emlib.fit(Turned(2), [0, 1, 5, 7], rng=0).n_parameters == 2


def test_columns_are_the_diagnostics() -> None:
    table, found = FOUND.summary(), dx.information(FOUND.model, FOUND.data, FOUND.params)
    assert table.names == ["weights[0]", "weights[1]", "rates[0]", "rates[1]"]
    assert table.standard_errors is not None
    assert table.missing is not None
    np.testing.assert_array_equal(table.estimates, np.concatenate([FOUND.params.weights, FOUND.params.rates]))
    np.testing.assert_array_equal(table.standard_errors[2:], found.standard_errors["rates"])
    # With weights alone unknown, complete data would give weight (1 - weight) / n.
    share = 1 - FOUND.params.weights.prod() / 1096 / table.standard_errors[0] ** 2
    assert table.missing[0] == pytest.approx(share)
    assert "rate of EM 0.995666: in the slowest direction 99.6% of the information is missing" in str(table)


def test_lines_say_what_was_held_and_what_stopped_the_run() -> None:
    model = GaussianMixture(2, 2, fixed={"weights": [0.5, 0.5]})
    found = emlib.fit(model, ROWS, rng=1)
    table = found.summary()
    assert [name for name in table.names if name.startswith("cov")] == [
        f"covariances[{k}, {i}, {j}]" for k in (0, 1) for i, j in ((0, 0), (1, 0), (1, 1))]
    assert line(found, "held") == "held, not estimated: weights"
    assert line(found, "weights[0]").split() == ["weights[0]", "0.5", "0"]
    assert line(found, "stopped").startswith("stopped: CONVERGED, stationary")
    assert repr(table) == str(table)


def test_a_run_that_did_not_converge_gets_no_standard_errors() -> None:
    found = emlib.fit(PoissonMixture(2), VALUES, sample_weight=DAYS, rng=0, algorithm=EM(), max_estep=5)
    table = found.summary()
    assert table.standard_errors is None
    assert table.missing is None
    assert "no standard errors: the run did not converge (MAX_ESTEP)" in str(table)
    assert "std. error" not in str(table)
    assert "5 E-steps" in str(table)


def test_they_are_not_looked_for_unless_asked() -> None:
    assert "no standard errors: not asked for" in str(FOUND.summary(standard_errors=False))


def test_a_boundary_is_named() -> None:
    counts = np.random.default_rng(2).poisson(3.0, 200)
    model = PoissonMixture(2)
    empty = model.params(weights=[1.0, 0.0], rates=[counts.mean(), 5.0])
    found = replace(emlib.fit(model, counts, rng=0), params=empty, status=emlib.Status.CONVERGED)
    assert line(found, "on the boundary") == "on the boundary, held there: weights[1]"
    assert line(found, "unidentified") == "unidentified (1 direction): rates[1]"


def test_a_point_where_the_information_has_no_meaning_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: Any) -> Any:
        raise ValueError("params: Q is not concave there")

    monkeypatch.setattr("emlib.diagnostics.information", refuse)
    assert "no standard errors: params: Q is not concave there" in str(FOUND.summary())


def test_long_tables_and_lists_are_cut() -> None:
    rows = np.random.default_rng(0).standard_normal((200, 11))
    found = emlib.fit(GaussianMixture(1, 11, fixed={"covariances": [np.eye(11)], "weights": [1.0]}), rows, rng=0)
    text = str(found.summary())
    assert f"... {1 + 11 + 66 - 60} more rows" in text
    assert len(found.summary().names) == 1 + 11 + 66


def test_pandas_gets_the_columns_if_it_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", SimpleNamespace(DataFrame=lambda columns, index: (columns, index)))
    columns, index = FOUND.to_dataframe()
    assert list(columns) == ["estimate", "standard_error", "missing"]
    assert index == FOUND.summary().names
    columns, _ = FOUND.summary(standard_errors=False).to_dataframe()
    assert list(columns) == ["estimate"]


def test_without_pandas_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match="pandas: not installed; install it, or read the summary's columns"):
        FOUND.to_dataframe()
