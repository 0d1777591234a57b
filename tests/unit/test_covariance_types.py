"""The maps between covariance fields and matrices, against the matrix of `expand`."""

from __future__ import annotations

import numpy as np
import pytest

from emlib.families import covariance
from emlib.numerics import block_diagonal
from tests.tolerances import CONTROL, IDENTITY


@pytest.mark.parametrize("kind", covariance.TYPES)
@pytest.mark.parametrize("count", [1, 3])
def test_blocks_are_pulled_by_the_matrix_of_expand(kind: str, count: int) -> None:
    rng, side = np.random.default_rng(0), 3
    square, tall = rng.standard_normal((count, side**2, side**2)), rng.standard_normal((count, 2, side**2))
    embed = covariance.embedding(kind, count, side)
    pulled = embed.T @ block_diagonal(*square) @ embed
    assert np.abs(covariance.pulled(kind, square) - pulled).max() < IDENTITY * np.abs(pulled).max()
    along = block_diagonal(*tall) @ embed
    assert np.abs(covariance.along(kind, tall) - along).max() < IDENTITY * np.abs(along).max()
    assert np.abs(covariance.pulled(kind, np.roll(square, 1, axis=1)) - pulled).max() > CONTROL
