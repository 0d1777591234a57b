"""The compiled moments of overlaps give the Louis matrix that NumPy gives, for every covariance type."""

from __future__ import annotations

from math import comb
from typing import Any

import numpy as np
import pytest

from emlib.families.covariance import TYPES
from emlib.kernels import BLOCK, product_tiles, use_compiled_scores
from emlib.kernels.dispatch import STRIDE
from emlib.models import GaussianMixture, gaussian_mixture, gaussian_overlaps
from emlib.numerics import Array
from tests import tolerances as tol

SIZES = [(2, 1), (3, 2), (4, 3), (5, 4)]  # components and features: with odd and even numbers of scores


def setting(count: int, side: int, kind: str, weighted: bool) -> tuple[Any, Any, Any]:
    """A model, rows that do not fill their last block, some of weight zero, and parameters at which labels overlap."""
    rng = np.random.default_rng([count, side, weighted])
    model = GaussianMixture(count, side, kind)
    rows = rng.standard_normal((600, side)) @ rng.standard_normal((side, side)) + rng.integers(count, size=(600, 1))
    data = model.as_data(rows, rng.integers(0, 3, 600).astype(float) if weighted else None)
    return model, data, model.start(data, rng)


def both(model: Any, params: Any, data: Any, monkeypatch: pytest.MonkeyPatch) -> tuple[Array, Array]:
    """The matrix by NumPy and by compiled sums."""
    found = []
    gaussian_overlaps.scores_at.cache_clear()  # of what was prepared before some sabotage
    for chosen in (False, True):
        monkeypatch.setattr(gaussian_mixture, "use_compiled_scores", lambda *sizes, answer=chosen: answer)
        found.append(model.missing_information(params, data))
    return found[0], found[1]


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize(("count", "side"), SIZES)
def test_it_is_the_matrix_of_numpy(count: int, side: int, kind: str, weighted: bool,
                                   monkeypatch: pytest.MonkeyPatch) -> None:
    model, data, params = setting(count, side, kind, weighted)
    plain, compiled = both(model, params, data, monkeypatch)
    scale = np.abs(plain).max()
    assert np.abs(compiled - plain).max() < tol.TWO_CODES * scale
    assert np.abs(compiled - compiled.T).max() < tol.IDENTITY * scale
    monkeypatch.setattr(gaussian_overlaps, "weight_score", lambda weight: -weight)
    off = both(model, params, data, monkeypatch)[1]
    assert np.abs(off - plain).max() > tol.CONTROL * scale


def narrow(side: int, width: float, shift: float) -> tuple[Any, Any, Any]:
    """A model, rows and parameters of two wide components and, among them, two that are `width` and its root wide."""
    rng, count = np.random.default_rng(side), 4
    model, means = GaussianMixture(count, side), 0.3 * rng.standard_normal((count, side))
    turns = np.linalg.qr(rng.standard_normal((count, side, side)))[0]
    factors = turns * (np.array([1, 1, width, np.sqrt(width)])[:, None] * np.geomspace(1, 0.1, side))[:, None]
    labels = rng.integers(count, size=900)
    rows = means[labels] + np.einsum("nij,nj->ni", factors[labels], rng.standard_normal((900, side)))
    covariances = factors @ factors.transpose(0, 2, 1)
    params = model.params(weights=np.full(count, 1 / count), means=means + shift, covariances=covariances)
    return model, params, model.as_data(rows + shift)


@pytest.mark.parametrize("shift", [0.0, 1e5])
@pytest.mark.parametrize("width", [1e-2, 1e-4])
@pytest.mark.parametrize("side", [1, 2, 3])
def test_narrow_components_in_wide_data_and_far_off(side: int, width: float, shift: float,
                                                    monkeypatch: pytest.MonkeyPatch) -> None:
    model, params, data = narrow(side, width, shift)
    complete = -np.diagonal(model.q_hessian(params, model.e_step(params, data).stats, "standard"))
    scale = np.sqrt(np.abs(np.outer(complete, complete)))
    plain, compiled = both(model, params, data, monkeypatch)
    assert (np.abs(compiled - plain) < tol.COMPILED * scale).all()


def test_one_frame_for_all_pairs_would_not_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sabotage: no pair gets a frame of its own, whatever cancels."""
    model, params, data = narrow(1, 1e-6, 0.0)
    plain, compiled = both(model, params, data, monkeypatch)
    scale = np.sqrt(np.outer(np.diagonal(plain), np.diagonal(plain)))
    assert (np.abs(compiled - plain) < tol.TWO_CODES * scale).all()
    monkeypatch.setattr(gaussian_overlaps, "CANCELLED", 1e100)
    assert (np.abs(both(model, params, data, monkeypatch)[1] - plain) > tol.CONTROL * scale).any()


@pytest.mark.parametrize("side", [1, 2, 5, 8])
def test_each_monomial_is_summed_once(side: int) -> None:
    squares, products, places = gaussian_overlaps.monomials(side, True)
    assert len(products) == (comb(side + 4, 4) + 1) // 2 * 2
    z = np.append(np.random.default_rng(side).standard_normal(side), 1.0)
    phi = z[squares[:, 0]] * z[squares[:, 1]]
    np.testing.assert_allclose((phi[products[:, 0]] * phi[products[:, 1]])[places], np.outer(phi, phi), rtol=1e-14)


@pytest.mark.parametrize("count", range(1, 14))
def test_tiles_multiply_and_add(count: int) -> None:
    rng = np.random.default_rng(count)
    weights, features = rng.standard_normal((count, STRIDE)), rng.standard_normal((5, STRIDE))
    pairs, before = rng.integers(5, size=(6, 2)), rng.standard_normal((count, 6))
    found, numpy = before.copy(), before.copy()
    product_tiles.add_products(weights, features, pairs, found, BLOCK)
    wanted = before + weights[:, :BLOCK] @ (features[pairs[:, 0], :BLOCK] * features[pairs[:, 1], :BLOCK]).T
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-11)
    product_tiles.numpy_add_products(weights, features, pairs, numpy, BLOCK)
    np.testing.assert_allclose(numpy, wanted, rtol=0, atol=1e-11)
    assert np.abs(wanted[:, 1:] - wanted[:, :-1]).max() > 1e-3  # a column in the wrong place would be seen


def test_small_data_and_wide_scores_stay_with_numpy() -> None:
    assert use_compiled_scores(100_000, 5, 6)
    assert not use_compiled_scores(500, 2, 6)
    assert not use_compiled_scores(5_000, 4, 496)
