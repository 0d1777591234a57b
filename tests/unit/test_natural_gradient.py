"""Theorem T2 with an independent witness: in mean coordinates the EM step is the natural-parameter slope over n."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import emlib
from emlib.backends.jax import natural_gradient
from emlib.models import GaussianMixture, PoissonMixture, StudentT
from tests.tolerances import CONTROL, TWO_CODES

ROWS = np.random.default_rng(6).normal(size=(30, 2)) * [1.0, 2.0] + np.repeat([[0.0, 0.0], [2.0, -1.0]], 15, axis=0)
COUNTS = np.array([0, 1, 1, 2, 4, 5, 5, 8, 9, 14])
MODELS = [pytest.param(GaussianMixture(2, 2, kind), ROWS, id=kind) for kind in ("full", "tied", "diag", "spherical")]
MODELS.append(pytest.param(PoissonMixture(2), COUNTS, id="poisson"))


@pytest.mark.parametrize(("model", "raw"), MODELS)
def test_the_em_step_is_the_natural_gradient(model: Any, raw: np.ndarray) -> None:
    problem = emlib.Problem(model, raw, "mean")
    params = model.start(problem.data, np.random.default_rng(1))
    t = model.space.pack(params, "mean")
    step, slope = problem.em_map(t) - t, natural_gradient(model, raw, params) / len(raw)
    size = max(1.0, float(np.abs(step).max()))
    assert np.abs(slope - step).max() < TWO_CODES * size
    plain = problem.gradient(t) / len(raw)  # the slope over the mean coordinates themselves
    assert np.abs(plain - step).max() > CONTROL * size


def test_models_that_are_no_full_mixture_are_refused() -> None:
    model = StudentT(1, 4.0)
    with pytest.raises(TypeError, match="StudentT has no natural coordinates here; a full mixture is needed"):
        natural_gradient(model, [[0.0], [1.0]], model.params(location=[0.0], scale=[[1.0]]))
