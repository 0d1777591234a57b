"""A problem passes over each count once, whatever number of rows it stands for; where data are cut is left alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import emlib
from emlib.algorithms import EM
from emlib.data import Data
from emlib.models import NegativeBinomialMixture, PoissonMixture
from tests import tolerances as tol

COUNTS = np.random.default_rng(0).poisson(np.repeat([2.0, 9.0], 30_000)).astype(float)


def looked_at(model: Any, monkeypatch: pytest.MonkeyPatch, **options: Any) -> list[int]:
    """How many units the calls of one E-step get."""
    seen: list[int] = []
    honest = type(model)._expectation

    def watched(self: Any, params: Any, prepared: Any, data: Data) -> Any:
        seen.append(len(data))
        return honest(self, params, prepared, data)

    with monkeypatch.context() as patched:
        patched.setattr(type(model), "_expectation", watched)
        problem = emlib.Problem(model, COUNTS, **options)
        problem.evaluate(model.space.pack(model.start(problem.data, np.random.default_rng(1))))
    return seen


@pytest.mark.parametrize("model", [PoissonMixture(2), NegativeBinomialMixture(2)], ids=lambda m: type(m).__name__)
def test_a_problem_passes_over_a_table(model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert looked_at(model, monkeypatch) == [len(np.unique(COUNTS))]
    assert sum(looked_at(model, monkeypatch, chunk_size=20_000)) == len(COUNTS)


@pytest.mark.parametrize("weights", [None, np.random.default_rng(2).integers(0, 3, len(COUNTS)).astype(float)])
@pytest.mark.parametrize("model", [PoissonMixture(2), NegativeBinomialMixture(2)], ids=lambda m: type(m).__name__)
def test_the_sums_are_those_of_the_rows(model: Any, weights: Any) -> None:
    whole = emlib.Problem(model, COUNTS, sample_weight=weights)
    cut = emlib.Problem(model, COUNTS, sample_weight=weights, chunk_size=7_000)
    x = model.space.pack(model.start(whole.data, np.random.default_rng(1)))
    for problem in (whole, cut):
        assert problem.data.n_units == (len(COUNTS) if weights is None else weights.sum())
    here, there = whole.evaluate(x), cut.evaluate(x)
    assert here.loglik == pytest.approx(there.loglik, rel=tol.REORDERED)
    assert here.entropy == pytest.approx(there.entropy, rel=tol.REORDERED)
    scale = np.abs(cut.hessian(x)).max()
    assert np.abs(whole.hessian(x) - cut.hessian(x)).max() < tol.TWO_CODES * scale
    other = emlib.Problem(model, COUNTS + 1, sample_weight=weights)
    assert abs(other.loglik(x) - there.loglik) > tol.CONTROL * abs(there.loglik)


def test_what_is_rare_or_large_stays_as_it_is() -> None:
    """A table up to the largest count would be longer than the data."""
    rows = np.array([3.0, 1e9, 7.0])
    result = emlib.fit(PoissonMixture(1), rows, algorithm=EM())
    assert result.params.rates[0] == pytest.approx(rows.mean())
