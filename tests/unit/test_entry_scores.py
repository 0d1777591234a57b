"""The missing information of missing entries, by NumPy and compiled, against Isserlis's rule for each pattern."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import emlib
from emlib.data import Data
from emlib.kernels import missing_products
from emlib.models import GaussianWithMissing, compiled_missing, entry_scores, gaussian_with_missing
from emlib.models.partial import partial, patterns
from emlib.numerics import Array, kron
from tests.tolerances import CONTROL, DIFFERENCES, IDENTITY, SAME_MATRIX

WAYS = [False, True]
SHARES = [0.0, 0.02, 0.3, 0.95, 1.0]  # of missing entries


def case(n: int, d: int, share: float, stretch: float = 1.0, **settings: Any) -> tuple[Any, Any, Array]:
    """A model, parameters, and rows of which one shows nothing and one a single entry; units differ by `stretch`."""
    rng = np.random.default_rng([n, d])
    model, units = GaussianWithMissing(d, **settings), np.geomspace(1.0, stretch, d)
    root = units[:, None] * (np.eye(d) + 0.3 * rng.standard_normal((d, d)))
    params = model.params(mean=units * np.arange(d), covariance=root @ root.T)
    rows = model.sample(params, n, rng)
    rows[rng.random(rows.shape) < share] = np.nan
    if share:
        rows[[n // 2, n // 3]] = np.nan
        rows[n // 3, -1] = 0.5 * units[-1]
    return model, params, rows


def isserlis(params: Any, data: Data) -> Array:
    """The sum of Cov((a, a a'/2)) with a = A r of each pattern: four fourth moments, each written out."""
    side, precision = len(params.mean), np.linalg.inv(params.covariance)
    total = np.zeros((side + side**2, side + side**2))
    for seen, rows in patterns(data.units):
        law, weights = partial(params.covariance, seen), data.frequencies[rows]
        spread = precision @ law.left @ precision
        slopes = (data.units[rows][:, seen] - params.mean[seen]) @ (precision @ law.fill).T
        count, first, second = weights.sum(), weights @ slopes, slopes.T @ (weights[:, None] * slopes)
        half = np.einsum("ij,k->ijk", spread, first)
        cross = 0.5 * (half + np.swapaxes(half, 1, 2)).reshape(side, side**2)
        tail = (kron(count * spread + second, spread) + kron(spread, second)).reshape((side,) * 4)
        tail = 0.25 * (tail + np.swapaxes(tail, 2, 3)).reshape(side**2, side**2)
        total += np.block([[count * spread, cross], [cross.T, tail]])
    return total


def choose(compiled: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rule one of the two ways out."""
    monkeypatch.setattr(gaussian_with_missing, "use_compiled_missing", lambda *sizes: compiled)
    monkeypatch.setattr(*((entry_scores, "products") if compiled else (compiled_missing, "products")), None)


def miss(found: Array, expected: Array) -> float:
    """The largest difference, in units of the two scores' deviations."""
    deviations = np.sqrt(np.diag(expected))
    scale = np.outer(deviations, deviations)
    return float(np.max(np.abs(found - expected) / np.where(scale > 0, scale, 1.0)))


@pytest.mark.parametrize("compiled", WAYS)
@pytest.mark.parametrize("share", SHARES)
@pytest.mark.parametrize(("n", "d"), [(700, 1), (1000, 2), (257, 3), (600, 5), (400, 10), (70, 17)])
def test_it_is_isserlis(n: int, d: int, share: float, compiled: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    choose(compiled, monkeypatch)
    weights = np.random.default_rng(0).integers(0, 3, n).astype(float)
    for stretch in (1.0, 1e5):
        model, params, rows = case(n, d, share, stretch)
        for data in (Data(rows), Data(rows, weights), Data(rows, 0.0 * weights)):
            found, expected = model.missing_information(params, data), isserlis(params, data)
            assert miss(found, expected) < SAME_MATRIX
            assert miss(found, found.T) < IDENTITY
            assert share or not found.any()


@pytest.mark.parametrize("compiled", WAYS)
@pytest.mark.parametrize("settings", [{}, {"fixed": {"mean": np.arange(4.0)}}])
def test_it_makes_the_hessian(compiled: bool, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Central differences of the gradient, away from the maximum."""
    choose(compiled, monkeypatch)
    model, params, rows = case(300, 4, 0.3, **settings)
    problem = emlib.Problem(model, model.as_data(rows, np.random.default_rng(0).integers(0, 3, 300)))
    x = problem.model.space.pack(params)
    steps = 1e-5 * np.eye(len(x))
    slopes = np.array([(problem.gradient(x + step) - problem.gradient(x - step)) / 2e-5 for step in steps])
    hessian = problem.hessian(x)
    scale = np.abs(slopes).max()
    assert np.abs(hessian - slopes).max() < DIFFERENCES * scale
    monkeypatch.setattr(entry_scores, "_places", lambda side, right=entry_scores._places: right(side)[::-1])
    off = emlib.Problem(model, problem.data).hessian(x)
    assert np.abs(off - slopes).max() > CONTROL * scale


@pytest.mark.parametrize("part", ["spread", "moments"])
def test_a_wrong_ninth_digit_is_caught(part: str, monkeypatch: pytest.MonkeyPatch) -> None:
    honest = missing_products.add_patterns

    def wrong(*given: Any) -> Any:
        done = honest(*given)
        getattr(given[-1], part)[:, 0] *= 1 + 1e-9
        return done

    choose(True, monkeypatch)
    monkeypatch.setattr(missing_products, "add_patterns", wrong)
    model, params, rows = case(600, 5, 0.3)
    assert miss(model.missing_information(params, Data(rows)), isserlis(params, Data(rows))) > SAME_MATRIX


def test_forgotten_squares_of_the_covariances_are_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sabotage: products of C with s s' alone."""
    honest = missing_products.add_patterns

    def wrong(rows: Any, weights: Any, kinds: Any, normal: Any, found: Any) -> Any:
        done = honest(rows, weights, kinds, normal, found)
        counts = found.moments[:, -1:]
        found.moments[:, :found.spread.shape[1]] -= 0.5 * counts * found.spread
        return done

    choose(True, monkeypatch)
    monkeypatch.setattr(missing_products, "add_patterns", wrong)
    model, params, rows = case(600, 5, 0.3)
    assert miss(model.missing_information(params, Data(rows)), isserlis(params, Data(rows))) > CONTROL


@pytest.mark.parametrize("compiled", WAYS)
def test_few_patterns_at_a_time(compiled: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pieces of any size, down to one pattern, add up to the same."""
    choose(compiled, monkeypatch)
    model, params, rows = case(500, 5, 0.4)
    whole = model.missing_information(params, Data(rows))
    for most in (1, 20, 100):
        monkeypatch.setattr(compiled_missing, "ENTRIES", most)
        monkeypatch.setattr("emlib.models.missing_patterns.ENTRIES", most)
        assert miss(model.missing_information(params, Data(rows)), whole) < SAME_MATRIX


def test_rows_may_lie_in_memory_as_they_like(monkeypatch: pytest.MonkeyPatch) -> None:
    choose(True, monkeypatch)
    model, params, rows = case(300, 4, 0.3)
    wide = np.asfortranarray(np.repeat(rows, 2, axis=1))[:, ::2]
    wide.setflags(write=False)
    again = model.missing_information(params, Data(wide))
    assert np.array_equal(again, model.missing_information(params, Data(rows)))


@pytest.mark.parametrize("compiled", WAYS)
def test_what_is_no_covariance_is_refused(compiled: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gaussian_with_missing, "use_compiled_missing", lambda *sizes: compiled)
    model, params, rows = case(600, 3, 0.3)
    for bad in (np.diag([1.0, -1.0, 1.0]), np.ones((3, 3)) - 1e-9 * np.eye(3)):
        with pytest.raises(np.linalg.LinAlgError):
            model.missing_information(type(params)(params.mean, bad), Data(rows))
