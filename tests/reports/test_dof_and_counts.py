"""How many parameters a model has: never more than the distribution that it describes."""

from __future__ import annotations

import numpy as np
import pytest

import emlib
from emlib.models import PPCA, FactorAnalysis

ROWS = np.random.default_rng(0).normal(size=(200, 5)) @ np.random.default_rng(1).normal(size=(5, 5))


@pytest.mark.parametrize(("side", "count", "needed"), [(5, 1, 15), (5, 2, 19), (5, 3, 20), (5, 4, 20), (3, 1, 9),
                                                       (3, 2, 9), (6, 3, 27), (4, 2, 14)])
def test_factor_analysis(side: int, count: int, needed: int) -> None:
    """d means, d k + d - k (k - 1) / 2 of the covariance, at most its d (d + 1) / 2 entries."""
    assert needed == side + min(side * count + side - count * (count - 1) // 2, side * (side + 1) // 2)
    assert FactorAnalysis(side, count).n_parameters == needed
    rows = np.column_stack([ROWS, ROWS**2])[:, :side]
    result = emlib.fit(FactorAnalysis(side, count), rows, rng=0, max_estep=30)
    assert result.n_parameters == needed
    assert result.bic == needed * np.log(200) - 2 * result.loglik


def test_probabilistic_components() -> None:
    """Tipping & Bishop: d k + 1 - k (k - 1) / 2 for the covariance; with k = d - 1 it is saturated."""
    assert [PPCA(4, k).n_parameters - 4 for k in (1, 2, 3)] == [5, 8, 10]
