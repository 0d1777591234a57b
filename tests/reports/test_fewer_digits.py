"""Probabilities in float32 or float16: their rounding is no fault."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from emlib.models import CategoricalHMM, GaussianMixture
from tests import tolerances as tol


@pytest.mark.parametrize("kind", [np.float32, np.float16])
def test_probabilities_of_fewer_digits(kind: Any) -> None:
    """Rounding of a float32 row is no fault; what it means are the float64 numbers that add up to one."""
    third = np.full(3, 1 / 3, dtype=kind)
    found = GaussianMixture(3, 1).params(weights=third, means=np.zeros((3, 1)), covariances=np.ones((3, 1, 1))).weights
    assert found.sum() == pytest.approx(1.0, abs=tol.IDENTITY)
    rows = np.random.default_rng(0).dirichlet(np.ones(40), size=2).astype(kind)
    assert CategoricalHMM(2, 40).params(initial=[0.5, 0.5], transition=[[0.9, 0.1], [0.1, 0.9]],
                                        emission=rows).emission.dtype == np.float64
    with pytest.raises(ValueError, match=r"weights: .*adds up to"):
        GaussianMixture(3, 1).params(weights=np.array([0.3, 0.3, 0.3], dtype=kind), means=np.zeros((3, 1)),
                                     covariances=np.ones((3, 1, 1)))
