"""E-steps that take equal units together: tabulated counts, and rows with the same entries missing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from emlib.models import (
    BernoulliMixture,
    GaussianWithMissing,
    NegativeBinomialMixture,
    PoissonMixture,
    missing_patterns,
)
from emlib.models.partial import kinds_of, laws, partial
from emlib.models.tabulated import tabulated
from emlib.numerics import Array, x_log_y
from tests.tolerances import CONTROL, IDENTITY, REORDERED

POISSON = PoissonMixture(2), {"weights": [0.4, 0.6], "rates": [0.0, 4.0]}
BINOMIAL = NegativeBinomialMixture(2), {"weights": [0.4, 0.6], "means": [1.0, 6.0], "dispersion": [0.5, 0.1]}


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(("model", "fields"), [POISSON, BINOMIAL])
def test_counts_may_be_tabulated(model: Any, fields: Any, weighted: bool) -> None:
    rng = np.random.default_rng(0)
    params = model.params(**fields)
    data = model.as_data(model.sample(params, 400, rng), rng.integers(0, 3, 400) if weighted else None)
    table = tabulated(data)
    assert len(table) < 40
    assert table.n_units == data.n_units
    once = model.e_step(params, data)
    alone = [model.e_step(params, data.piece(slice(i, i + 1))) for i in range(len(data))]  # too few for a table
    whole = sum(alone[1:], alone[0])
    assert abs(once.loglik - whole.loglik) < REORDERED * once.magnitude
    assert abs(once.entropy - whole.entropy) < REORDERED * once.magnitude
    for key, part in once.stats.parts.items():
        assert np.abs(part - whole.stats[key]).max() < REORDERED * np.abs(part).max()


def test_large_counts_are_left_as_they_are() -> None:
    data = PoissonMixture(2).as_data([1e9, 3.0, 7.0, 2.0])
    assert tabulated(data) is data


def test_probabilities_of_zero_and_one() -> None:
    model = BernoulliMixture(2, 3)
    params = model.params(weights=[0.5, 0.5], probabilities=[[0.0, 0.3, 1.0], [0.5, 0.2, 0.9]])
    rows = np.array([[a, b, c] for a in (0.0, 1.0) for b in (0.0, 1.0) for c in (0.0, 1.0)])
    ones, p = rows[:, None, :], params.probabilities
    expected = (x_log_y(ones, p) + x_log_y(1 - ones, 1 - p)).sum(axis=2) + np.log(0.5)
    found = model._log_joint(params, model.as_data(rows))
    assert (np.isneginf(found) == np.isneginf(expected)).all()
    possible = np.isfinite(expected)
    assert np.abs(found[possible] - expected[possible]).max() < IDENTITY


def rows_with_gaps(n: int, d: int, part: float) -> tuple[Any, Array]:
    """A model's parameters, and rows of which a part of the entries is missing."""
    rng = np.random.default_rng([n, d])
    model, root = GaussianWithMissing(d), np.eye(d) + 0.3 * rng.standard_normal((d, d))
    params = model.params(mean=np.arange(d, dtype=float), covariance=root @ root.T)
    rows = model.sample(params, n, rng)
    return params, np.where(rng.random(rows.shape) < part, np.nan, rows)


@pytest.mark.parametrize("d", [3, 70])
def test_the_laws_of_all_patterns_are_those_of_each(d: int) -> None:
    params, rows = rows_with_gaps(30, d, 0.4)
    kinds, which = kinds_of(~np.isnan(rows))
    assert (kinds[which] == ~np.isnan(rows)).all()
    found = laws(params.covariance, kinds)
    for g, seen in enumerate(kinds):
        alone = partial(params.covariance, seen)
        pairs = [(found.fill[g][:, seen], alone.fill), (found.left[g], alone.left), (found.entropy[g], alone.entropy),
                 (found.log_det[g], alone.log_det)]
        assert max(float(np.abs(a - b).max(initial=0.0)) for a, b in pairs) < 1e3 * IDENTITY
    wrong = partial(params.covariance, ~kinds[0])
    assert np.abs(found.left[0] - wrong.left).max() > CONTROL


@pytest.mark.parametrize("entries", [missing_patterns.ENTRIES, 40])
def test_many_rows_of_a_pattern_or_few(entries: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each row forty times, by a matrix product for each pattern, or once with a weight of forty, all at once."""
    monkeypatch.setattr(missing_patterns, "ENTRIES", entries)
    model = GaussianWithMissing(3)
    params, rows = rows_with_gaps(50, 3, 0.3)
    few = model.e_step(params, model.as_data(rows, np.full(50, 40.0)))
    many = model.e_step(params, model.as_data(np.repeat(rows, 40, axis=0)))
    assert abs(few.loglik - many.loglik) < REORDERED * few.magnitude
    assert abs(few.entropy - many.entropy) < REORDERED * few.magnitude
    for name in ("counts", "see", "sex"):
        one, other = getattr(few.stats["rows"], name), getattr(many.stats["rows"], name)
        assert np.abs(one - other).max() < REORDERED * np.abs(few.stats["rows"].see).max()


def test_a_row_without_an_entry_says_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    model = GaussianWithMissing(3)
    params, rows = rows_with_gaps(50, 3, 0.3)
    rows[7] = np.nan
    assert model.score_samples(params, rows)[7] == 0.0
    model.e_step(params, model.as_data(rows))
    assert capfd.readouterr() == ("", "")
