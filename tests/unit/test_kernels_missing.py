"""The compiled pass over rows with missing entries against NumPy's, and when it serves."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import emlib
from emlib.algorithms import EM
from emlib.data import Data
from emlib.kernels import dispatch, missing_entries
from emlib.model import Expectation
from emlib.models import GaussianWithMissing, gaussian_with_missing
from emlib.numerics import Array
from tests.tolerances import IDENTITY, SAME_OPTIMUM


def step(model: Any, params: Any, data: Data, fast: bool) -> Expectation:
    """The E-step by one of the two ways; the fast one must not have turned back."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gaussian_with_missing, "use_compiled_missing", lambda *size: fast)
        if fast:
            patch.setattr(gaussian_with_missing, "groups", None)
        return model.e_step(params, data)


def misses(fast: Expectation, plain: Expectation) -> dict[str, float]:
    """How far each part of the two is apart, on its own scale."""
    ours, theirs = fast.stats["rows"], plain.stats["rows"]
    width = np.sqrt(np.diag(theirs.see[0]))
    return {"loglik": abs(fast.loglik - plain.loglik) / plain.magnitude,
            "magnitude": abs(fast.magnitude - plain.magnitude) / plain.magnitude,
            "entropy": abs(fast.entropy - plain.entropy) / plain.magnitude,
            "counts": float(np.abs(ours.counts - theirs.counts).max() / theirs.counts.max()),
            "see": float((np.abs(ours.see - theirs.see)[0] / np.outer(width, width)).max()),
            "sex": float((np.abs(ours.sex - theirs.sex)[0, :, 0] / (width * np.sqrt(theirs.counts[0]))).max()),
            "sxx": float(np.abs(ours.sxx - theirs.sxx).max() / theirs.sxx.max())}


def case(n: int, d: int, share: float, stretch: float = 1.0) -> tuple[Any, Any, Array]:
    """A model, parameters, and rows of which a share of the entries is missing, and one row wholly.

    Units differ by up to `stretch`.
    """
    rng = np.random.default_rng([n, d])
    model, units = GaussianWithMissing(d), np.geomspace(1.0, stretch, d)
    root = units[:, None] * (np.eye(d) + 0.3 * rng.standard_normal((d, d)))
    params = model.params(mean=units * np.arange(d), covariance=root @ root.T)
    rows = model.sample(params, n, rng)
    rows[rng.random(rows.shape) < share] = np.nan
    rows[n // 2] = np.nan if share else rows[n // 2]
    return model, params, rows


SHARES = [0.0, 0.02, 0.5, 0.95]


@pytest.mark.parametrize("share", SHARES)
@pytest.mark.parametrize(("n", "d"), [(700, 1), (1000, 2), (257, 3), (256, 10), (600, 7), (90, 64)])
def test_both_ways_agree(n: int, d: int, share: float) -> None:
    model, params, rows = case(n, d, share)
    weights = np.random.default_rng(0).integers(0, 4, n).astype(float)
    for data in (Data(rows), Data(rows, weights)):
        apart = misses(step(model, params, data, True), step(model, params, data, False))
        assert max(apart.values()) < IDENTITY, apart


@pytest.mark.parametrize("share", SHARES)
def test_units_may_differ(share: float) -> None:
    """By ten digits from one entry to another."""
    model, params, rows = case(500, 5, share, stretch=1e10)
    apart = misses(step(model, params, Data(rows), True), step(model, params, Data(rows), False))
    assert max(apart.values()) < IDENTITY, apart


def test_outliers() -> None:
    model, params, rows = case(500, 5, 0.3)
    rows[::10] *= 1e8
    apart = misses(step(model, params, Data(rows), True), step(model, params, Data(rows), False))
    assert max(apart.values()) < IDENTITY, apart


def test_dependent_entries() -> None:
    """A condition number of 1e8 costs both ways eight digits."""
    model, params, rows = case(500, 4, 0.3)
    root = np.linalg.cholesky(params.covariance)
    root[3] = root[2] + 1e-4 * root[3]
    near = model.params(mean=params.mean, covariance=root @ root.T)
    condition = np.linalg.cond(near.covariance)
    assert condition > 1e8
    data = Data(np.where(np.isnan(rows), np.nan, model.sample(near, 500, np.random.default_rng(1))))
    apart = misses(step(model, near, data, True), step(model, near, data, False))
    assert max(apart.values()) < 1e-4 * IDENTITY * condition, apart


def test_rows_may_lie_in_memory_as_they_like() -> None:
    model, params, rows = case(300, 4, 0.3)
    wide = np.asfortranarray(np.repeat(rows, 2, axis=1))[:, ::2]
    wide.setflags(write=False)
    once, again = step(model, params, Data(rows), True), step(model, params, Data(wide), True)
    assert once.loglik == again.loglik
    assert (once.stats["rows"].see == again.stats["rows"].see).all()


@pytest.mark.parametrize("part", ["mean", "covariance"])
def test_a_wrong_tenth_digit_is_caught(part: str, monkeypatch: pytest.MonkeyPatch) -> None:
    right = missing_entries.add_rows

    def wrong(rows: Any, weights: Any, kinds: Any, normal: Any, sums: Any) -> Any:
        return right(rows, weights, kinds, normal._replace(**{part: getattr(normal, part) * (1 + 1e-10)}), sums)

    monkeypatch.setattr(missing_entries, "add_rows", wrong)
    model, params, rows = case(600, 7, 0.5)
    apart = misses(step(model, params, Data(rows), True), step(model, params, Data(rows), False))
    assert max(apart.values()) > IDENTITY


def test_forgotten_covariances_of_missing_entries_are_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sabotage: rows filled in as if that were the truth."""
    right = missing_entries.add_rows

    def wrong(*given: Any) -> Any:
        done = right(*given)
        given[-1].left[:] = 0.0
        return done

    monkeypatch.setattr(missing_entries, "add_rows", wrong)
    model, params, rows = case(600, 7, 0.5)
    apart = misses(step(model, params, Data(rows), True), step(model, params, Data(rows), False))
    assert [name for name, miss in apart.items() if miss > IDENTITY] == ["see"]


def test_what_is_no_covariance_is_left_to_numpy(monkeypatch: pytest.MonkeyPatch) -> None:
    model, params, rows = case(600, 3, 0.3)
    monkeypatch.setattr(gaussian_with_missing, "use_compiled_missing", lambda *size: True)
    for bad in (np.diag([1.0, -1.0, 1.0]), np.ones((3, 3)) - 1e-9 * np.eye(3)):
        broken = type(params)(params.mean, bad)
        with pytest.raises(np.linalg.LinAlgError):
            model.e_step(broken, Data(rows))


def test_a_fit_ends_at_the_same_optimum(monkeypatch: pytest.MonkeyPatch) -> None:
    model, params, rows = case(400, 3, 0.3)
    slow = emlib.fit(model, rows, start=params, algorithm=EM(), tol=1e-6)
    monkeypatch.setattr(gaussian_with_missing, "use_compiled_missing", lambda *size: True)
    fast = emlib.fit(model, rows, start=params, algorithm=EM(), tol=1e-6)
    assert fast.success
    assert abs(fast.loglik - slow.loglik) < SAME_OPTIMUM


def test_small_data_stay_with_numpy(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not dispatch.use_compiled_missing(500, 10)
    assert dispatch.use_compiled_missing(20_000, 10)
    monkeypatch.setattr(dispatch, "numba_is_installed", lambda: False)
    assert not dispatch.use_compiled_missing(20_000, 10)
