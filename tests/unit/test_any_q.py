"""The bound F(q, theta) under memberships q that are not the posterior: below by KL(q || posterior), bad q refused."""

from __future__ import annotations

import numpy as np
import pytest

from emlib import diagnostics as dx
from emlib.models import Linkage, PoissonMixture, StudentT
from tests.contract.cases import CASES, Case, has
from tests.tolerances import CONTROL, IDENTITY

CHOSEN = [case for case in CASES if has(case.model, "expectation_under") and not isinstance(case.model, Linkage)]
MODEL = PoissonMixture(2)
PARAMS = MODEL.params(weights=[0.4, 0.6], rates=[1.0, 3.0])


def shares(count: int, classes: int) -> np.ndarray:
    return np.random.default_rng(5).dirichlet(np.ones(classes), count)


@pytest.mark.parametrize("case", CHOSEN, ids=lambda case: case.name)
def test_the_gap_is_the_divergence_from_the_posterior(case: Case) -> None:
    params, data = case.points[0], case.data
    posterior = np.asarray(case.model.posterior(params, data))
    q = shares(*posterior.shape)
    seen = np.ones(len(q)) if data.weights is None else data.weights
    divergence = float(seen @ (q * np.log(q / posterior)).sum(axis=1))
    size = max(1.0, abs(case.model.e_step(params, data).loglik))
    assert abs(dx.jensen_gap(case.model, data, params, q) - divergence) < IDENTITY * size
    assert abs(dx.jensen_gap(case.model, data, params, q[::-1]) - divergence) > CONTROL  # another q, another gap
    assert abs(dx.jensen_gap(case.model, data, params, posterior)) < IDENTITY * size


@pytest.mark.parametrize(("q", "text"), [
    (np.full((3, 2), 0.5), r"q: shape \(3, 2\) found, \(4, 2\) needed, one row per unit"),
    ([[0.5, 0.5], [0.2, 0.7], [1.0, 0.0], [0.0, 1.0]], r"q: row 1 is \[0\.2 0\.7\], not a distribution"),
    ([[0.5, 0.5], [0.2, 0.8], [1.5, -0.5], [0.0, 1.0]], r"q: row 2 is \[ 1\.5 -0\.5\], not a distribution"),
])
def test_what_is_no_distribution_is_refused(q: object, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        dx.elbo(MODEL, [0, 1, 3, 9], PARAMS, q)


def test_models_that_take_no_memberships_say_so() -> None:
    model = StudentT(1, 4.0)
    with pytest.raises(ValueError, match="q: StudentT takes parameters here, whose posterior is meant, not an array"):
        dx.elbo(model, [[0.0], [1.0], [3.0]], model.params(location=[0.0], scale=[[1.0]]), np.ones(3))
