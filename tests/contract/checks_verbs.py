"""What every model says of units: their log-likelihoods, their most probable labels, and random ones."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests import tolerances as tol
from tests.contract.cases import Case
from tests.contract.checks import close, expect

DRAWS = 600  # random units, whose mean log-likelihood the true parameters make larger than others do
SHIFT = 0.7  # how far those lie, free coordinates
STEPS = 4  # observations of a random sequence


def check_score_samples(case: Case) -> None:
    """The units' log-likelihoods, counted as often as they were seen, add up to that of the E-step."""
    for params in case.points:
        found = case.model.score_samples(params, case.data)
        assert found.shape == (len(case.data),), f"shape {found.shape}"
        total = expect(case, params).loglik - case.model.log_penalty(params, case.data)
        close(_total(case, params, case.data), total, tol.REORDERED, "sum over the units", max(1.0, abs(total)))
        raw = case.model.score_samples(params, case.raw)
        assert np.array_equal(raw, found), "raw data are scored otherwise"


def check_sample(case: Case) -> None:
    """As many units as are asked for, which the model reads; they follow from the seed and from the parameters."""
    params, several = case.points[0], isinstance(case.raw, list)
    asked: Any = [STEPS] * DRAWS if several else DRAWS
    drawn, again = [case.model.sample(params, asked, np.random.default_rng(0)) for _ in range(2)]
    data = case.model.as_data(drawn)
    assert data.n_units == DRAWS, f"{data.n_units} units"
    assert type(drawn) is (type(case.raw) if isinstance(case.raw, list | tuple) else np.ndarray)
    own = _total(case, params, data)
    assert _total(case, params, case.model.as_data(again)) == own, "the seed does not say what is drawn"
    moved = case.model.space.unpack(case.free(params) + SHIFT)
    assert own > _total(case, moved, data), "other parameters explain what was drawn better"


def _total(case: Case, params: Any, data: Any) -> float:
    found = case.model.score_samples(params, data)
    return float(found.sum() if data.weights is None else data.weights @ found)


def check_predict(case: Case) -> None:
    """The most probable label of each unit, or at each time, is the argmax of the posterior, whose rows add up to 1."""
    posterior, found = case.model.posterior(case.points[0], case.raw), case.model.predict(case.points[0], case.raw)
    assert isinstance(found, list) is isinstance(posterior, list) is isinstance(case.raw, list)
    pairs = zip(posterior, found, strict=True) if isinstance(found, list) else [(posterior, found)]
    for shares, labels in pairs:
        assert shares.shape[1] == case.model.n_latent_values, f"shape {shares.shape}"
        close(shares.sum(axis=1), np.ones(len(shares)), tol.IDENTITY, "probabilities")
        assert np.array_equal(labels, shares.argmax(axis=1)), "not the most probable label"
