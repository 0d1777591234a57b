"""The compiled sums of scores give the Louis matrix that NumPy gives, for every covariance type."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from emlib.families.covariance import TYPES
from emlib.kernels import use_compiled_scores
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


def test_small_data_and_wide_scores_stay_with_numpy() -> None:
    assert use_compiled_scores(100_000, 5, 6)
    assert not use_compiled_scores(500, 2, 6)
    assert not use_compiled_scores(5_000, 4, 496)
