"""The normal distribution with missing entries: closed forms, Murray's saddle, imputation, errors."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

import emlib
from emlib import Status
from emlib import diagnostics as dx
from emlib.algorithms import EM
from emlib.models import GaussianWithMissing
from emlib.models import partial as law
from tests.tolerances import CONTROL, IDENTITY, RESCALED, ROUTES, SAME_OPTIMUM, TWO_CODES

NAN = np.nan
# Murray (1977), in the discussion of Dempster, Laird & Rubin
MURRAY = np.array([[1, 1], [1, -1], [-1, 1], [-1, -1], [2, NAN], [2, NAN], [-2, NAN], [-2, NAN],
                   [NAN, 2], [NAN, 2], [NAN, -2], [NAN, -2]])
MIX = np.array([[1.0, 0.5, 0.2], [0.0, 1.0, 0.3], [0.0, 0.0, 0.7]])


def _rows(n: int = 50, share: float = 0.3) -> np.ndarray:
    rng = np.random.default_rng(2)
    rows = rng.standard_normal((n, 3)) @ MIX + [0.0, 5.0, -2.0]
    rows[rng.random(rows.shape) < share] = NAN
    return rows[~np.isnan(rows).all(axis=1)]


def _by_hand(mean: np.ndarray, noise: np.ndarray, rows: np.ndarray) -> tuple[float, float]:
    """Log-likelihood and entropy, row by row, by determinants and inverses."""
    loglik = entropy = 0.0
    for row in rows:
        seen = ~np.isnan(row)
        inside, residual = noise[np.ix_(seen, seen)], (row - mean)[seen]
        loglik -= 0.5 * (np.linalg.slogdet(2 * np.pi * inside)[1] + residual @ np.linalg.inv(inside) @ residual)
        whole, part = np.linalg.slogdet(2 * np.pi * np.e * noise)[1], np.linalg.slogdet(2 * np.pi * np.e * inside)[1]
        entropy += 0.5 * (whole - part)
    return float(loglik), float(entropy)


def test_e_step_by_hand() -> None:
    model, rows = GaussianWithMissing(3), _rows()
    params = model.start(model.as_data(rows), np.random.default_rng(0))
    found = model.e_step(params, model.as_data(rows))
    loglik, entropy = _by_hand(params.mean, params.covariance, rows)
    assert found.loglik == pytest.approx(loglik, rel=TWO_CODES)
    assert found.entropy == pytest.approx(entropy, rel=TWO_CODES)
    assert abs(found.loglik - _by_hand(params.mean, params.covariance, np.nan_to_num(rows))[0]) > CONTROL


def test_columns_never_seen_together_are_named() -> None:
    """The likelihood does not depend on their covariance, and one row with both ends that."""
    model, apart = GaussianWithMissing(3), np.random.default_rng(0).standard_normal((60, 3)) @ MIX
    apart[:30, 0], apart[30:, 1] = NAN, NAN
    runs = [emlib.fit(model, apart, rng=seed) for seed in range(2)]
    for run in runs:
        assert run.success
        assert "; not identified: covariance[1, 0], of columns that no row shows together" in run.message
    assert runs[0].loglik == pytest.approx(runs[1].loglik, abs=SAME_OPTIMUM)
    assert abs(runs[0].params.covariance[1, 0] - runs[1].params.covariance[1, 0]) > CONTROL
    moved = runs[0].params.covariance + 0.01 * np.array([[0, 1, 0], [1, 0, 0], [0, 0, 0]])
    there = model.params(mean=runs[0].params.mean, covariance=moved)
    assert model.loglik(there, apart) == pytest.approx(runs[0].loglik, rel=TWO_CODES)
    joined = np.vstack([apart, [0.5, -0.5, 0.0]])
    assert "not identified" not in emlib.fit(model, joined, rng=0).message
    assert model.loglik(there, joined) != pytest.approx(model.loglik(runs[0].params, joined), rel=TWO_CODES)
    unseen = emlib.fit(model, joined, sample_weight=np.r_[np.ones(60), 0.0], rng=0)
    assert "not identified: covariance[1, 0]" in unseen.message
    held = GaussianWithMissing(3, fixed={"covariance": moved})
    assert "not identified" not in emlib.fit(held, apart, rng=0).message


def test_many_columns_never_seen_together_are_counted() -> None:
    rows = np.full((40, 4), NAN)
    for column in range(4):
        rows[10 * column:10 * column + 10, column] = np.arange(10.0)
    said = r"not identified: covariance\[1, 0\], covariance\[2, 0\], covariance\[2, 1\] and 3 more, of columns"
    assert re.search(said, emlib.fit(GaussianWithMissing(4), rows, rng=0).message)
    pieces = emlib.Chunks([rows[:25], rows[25:]])
    assert re.search(said, emlib.fit(GaussianWithMissing(4), pieces, rng=0).message)


def test_complete_rows_need_one_step() -> None:
    model, rows = GaussianWithMissing(3), np.random.default_rng(1).standard_normal((20, 3)) @ MIX
    data = model.as_data(rows)
    step = model.m_step(model.e_step(model.start(data, np.random.default_rng(0)), data).stats)
    assert np.abs(step.mean - rows.mean(axis=0)).max() < IDENTITY
    assert np.abs(step.covariance - np.cov(rows.T, ddof=0)).max() < 10 * IDENTITY


def _monotone_pattern() -> tuple[np.ndarray, np.ndarray]:
    """Rows whose second column is missing in the second half, and their estimates by a regression (Anderson 1957)."""
    rng = np.random.default_rng(6)
    first = rng.standard_normal(40)
    second = np.where(np.arange(40) < 25, 1.0 + 2.0 * first + rng.standard_normal(40), NAN)
    slope, level = np.polyfit(first[:25], second[:25], 1)
    noise = np.mean((second[:25] - level - slope * first[:25]) ** 2)
    spread = first.var()
    covariance = [[spread, slope * spread], [slope * spread, noise + slope**2 * spread]]
    return np.column_stack([first, second]), np.array(covariance)


class OneImputation(GaussianWithMissing):
    """The common mistake: fill in conditional means and forget that they are uncertain."""

    def e_step(self, params: Any, data: Any) -> Any:
        return super().e_step(params, self.as_data(self.impute(params, data), data.weights))


@pytest.mark.parametrize(("kind", "right"), [(GaussianWithMissing, True), (OneImputation, False)])
def test_a_monotone_pattern_has_a_closed_form(kind: type, right: bool) -> None:
    rows, expected = _monotone_pattern()
    problem = emlib.Problem(kind(2), rows, "standard")
    x = problem.model.space.pack(problem.model.start(problem.data, np.random.default_rng(0)), "standard")
    for _ in range(200):
        x = problem.em_map(x)
    gap = np.abs(problem.model.space.unpack(x, "standard").covariance - expected).max()
    assert bool(gap < TWO_CODES) is right
    assert right or gap > CONTROL


def test_murray_has_two_maxima() -> None:
    model = GaussianWithMissing(2)
    for sign in (1.0, -1.0):
        start = {"mean": [0.1, 0.0], "covariance": [[2.0, sign], [sign, 2.0]]}
        found = emlib.fit(model, MURRAY, start=start, tol=1e-14)
        assert found.status is Status.CONVERGED
        assert np.abs(found.params.mean).max() < ROUTES
        expected = 8 / 3 * np.array([[1.0, sign / 2], [sign / 2, 1.0]])
        assert np.abs(found.params.covariance - expected).max() < ROUTES
        assert found.loglik == pytest.approx(_by_hand(np.zeros(2), expected, MURRAY)[0], rel=IDENTITY)


@pytest.mark.parametrize("algorithm", [None, EM()])
def test_murray_has_a_saddle_without_correlation(algorithm: Any) -> None:
    model = GaussianWithMissing(2)
    start = {"mean": [0.0, 0.0], "covariance": [[2.0, 0.0], [0.0, 3.0]]}
    problem = emlib.Problem(model, MURRAY)
    found = emlib.solve(problem, algorithm or EM(), model.space.pack(model.params(**start)), tol=1e-12)
    assert found.status is Status.SADDLE
    assert not found.success
    assert np.abs(found.params.covariance - 2.5 * np.eye(2)).max() < SAME_OPTIMUM
    assert dx.information(model, MURRAY, model.params(mean=[0.0, 0.0], covariance=2.5 * np.eye(2))).n_uphill == 1


def test_imputed_rows() -> None:
    model, rows = GaussianWithMissing(3), _rows()
    params = model.params(mean=[0.3, 5.0, -1.0], covariance=MIX.T @ MIX)
    means, covariances = model.posterior(params, rows)
    filled, seen = model.impute(params, rows), ~np.isnan(rows)
    assert np.array_equal(filled, means)
    assert np.array_equal(filled[seen], rows[seen])
    for row, kept, mean, spread in zip(rows, seen, means, covariances, strict=True):
        precision = np.linalg.inv(params.covariance)[np.ix_(~kept, ~kept)]
        cross = np.linalg.inv(params.covariance)[np.ix_(~kept, kept)]
        expected = params.mean[~kept] - np.linalg.solve(precision, cross @ (row - params.mean)[kept])
        assert np.abs(mean[~kept] - expected).max(initial=0.0) < TWO_CODES
        assert np.abs(spread[np.ix_(~kept, ~kept)] @ precision - np.eye((~kept).sum())).max(initial=0.0) < TWO_CODES
    assert not np.any(covariances[:, :, :] * seen[:, :, None])


@pytest.mark.parametrize("method", ["oakes", "score", "sem"])
def test_information_by_four_routes(method: str) -> None:
    model, rows = GaussianWithMissing(3), _rows()
    params = emlib.fit(model, rows, rng=0, tol=1e-16).params
    louis, other = dx.information(model, rows, params), dx.information(model, rows, params, method=method)
    scale = np.abs(louis.complete).max()
    assert np.abs(louis.missing - other.missing).max() < ROUTES * scale
    assert np.abs(0.9 * louis.missing - other.missing).max() > CONTROL * scale


def test_two_columns_never_seen_together_leave_one_direction_open() -> None:
    rows = _rows(share=0.0)
    rows[:25, 1], rows[25:, 2] = NAN, NAN
    model = GaussianWithMissing(3)
    found = dx.information(model, rows, emlib.fit(model, rows, rng=0).params)
    assert found.n_unidentified == 1
    assert found.unidentified_entries == ["covariance[1, 2]", "covariance[2, 1]"]
    rows[0, 1] = 5.0  # one row with all three
    assert dx.information(model, rows, emlib.fit(model, rows, rng=0).params).n_unidentified == 0


@pytest.mark.parametrize(("scale", "shift"), [(1e-8, 0.0), (1e8, 0.0), (1.0, 1e6)])
def test_units_do_not_matter(scale: float, shift: float) -> None:
    model, rows = GaussianWithMissing(3), _rows()
    base, moved = emlib.fit(model, rows, rng=0), emlib.fit(model, scale * rows + shift, rng=0)
    assert moved.status is Status.CONVERGED
    assert np.abs((moved.params.mean - shift) / scale - base.params.mean).max() < RESCALED
    assert np.abs(moved.params.covariance / scale**2 - base.params.covariance).max() < RESCALED


def test_a_known_mean_is_held() -> None:
    model, rows = GaussianWithMissing(3, fixed={"mean": [0.0, 5.0, -2.0]}), _rows()
    found = emlib.fit(model, rows, rng=0)
    assert found.success
    assert found.params.mean.tolist() == [0.0, 5.0, -2.0]
    assert found.loglik < emlib.fit(GaussianWithMissing(3), rows, rng=0).loglik - CONTROL


def test_dependent_columns_collapse() -> None:
    rows = np.array([[1.0, 2.0], [2.0, 4.0], [3.0, NAN], [5.0, NAN]])
    model = GaussianWithMissing(2)
    found = emlib.fit(model, rows, rng=0)
    assert found.status is Status.DEGENERATE
    collapsed = model.params(mean=[1.0, 2.0], covariance=np.array([[1.0, 2.0], [2.0, 4.0]]) + 1e-11 * np.eye(2))
    text = model.degenerate(collapsed, model.as_data(rows))
    assert text is not None
    assert text.startswith("covariance: collapsed, its smallest eigenvalue is ")


def test_simulated_rows_have_the_moments() -> None:
    model = GaussianWithMissing(3)
    params = model.params(mean=[0.0, 5.0, -2.0], covariance=MIX.T @ MIX)
    rows = model.sample(params, 20_000, np.random.default_rng(0))
    errors = 5 / np.sqrt(len(rows))  # five standard errors of a mean, and of a covariance to within a factor of 1.5
    assert np.abs(rows.mean(axis=0) - params.mean).max() < errors * np.sqrt(np.diag(params.covariance).max())
    assert np.abs(np.cov(rows.T) - params.covariance).max() < 1.5 * errors * np.diag(params.covariance).max()
    assert np.abs(np.cov(rows.T) - np.eye(3)).max() > 0.1


BAD = [
    ([[1.0, NAN], [2.0, NAN]], r"data: column 1 has no seen entry; drop it"),
    ([[1.0, 3.0], [2.0, 3.0], [4.0, NAN]], r"data: column 1 is constant where it is seen; .* drop it"),
    ([[1.0, 3.0], [2.0, np.inf]], r"data: entry \[1, 1\] is inf; write nan where a value is missing"),
    ([[1.0, 3.0, 2.0]], r"data: 3 columns found, the model has n_features=2"),
    ([], r"data: empty"),
    ([["a", "b"]], r"data: cannot be read as numbers"),
]


@pytest.mark.parametrize(("raw", "text"), BAD)
def test_bad_data_are_refused(raw: Any, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        emlib.fit(GaussianWithMissing(2), raw, rng=0)


def test_weights_of_zero_hide_a_row() -> None:
    with pytest.raises(ValueError, match="data: column 1 is constant where it is seen"):
        GaussianWithMissing(2).as_data([[1.0, 3.0], [2.0, 3.0], [4.0, 5.0]], [1.0, 1.0, 0.0])


def test_laws_of_partly_seen_vectors() -> None:
    noise = MIX.T @ MIX
    none, both = law.partial(noise, np.zeros(3, dtype=bool)), law.partial(noise, np.ones(3, dtype=bool))
    assert np.array_equal(none.left, noise)
    assert both.entropy == 0.0
    assert not both.left.any()
    assert both.log_det == pytest.approx(np.linalg.slogdet(noise)[1])
